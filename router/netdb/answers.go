package netdb

import (
	"time"

	"clove.i2p/router/i2p"
)

// answers gathers what several floodfills say to one lookup and keeps the newest: one alone could hide it, because it was
// offline or on purpose. It is complete when enough have answered, or a grace after the first.
type answers struct {
	wanted int
	grace  time.Duration

	count  int
	shared bool // count is of no use: one floodfill may have answered several lookups
	newest event
	until  time.Time  // the end of the grace
	silent []i2p.Hash // who had not answered in time when the first did
}

// add takes an answer. Answers do not tell who gave them: the client sees to it that each query gets one.
func (a *answers) add(e event, s *search, now time.Time) {
	if a.count++; a.count == 1 {
		a.until, a.silent = now.Add(a.grace), s.silent()
	}
	a.shared = a.shared || e.shared
	if a.count == 1 || e.leaseSet != nil && e.leaseSet.Published().After(a.newest.leaseSet.Published()) {
		a.newest = e
	}
}

// complete reports whether there are enough answers, or the grace is over.
func (a *answers) complete(now time.Time) bool {
	enough := a.count >= a.wanted && (!a.shared || a.wanted <= 1)
	return a.count > 0 && (enough || !now.Before(a.until))
}

// last reports whether there is an answer and nobody else is left who may give another.
func (a *answers) last(s *search) bool { return a.count > 0 && !a.shared && s.open() <= a.count }

// wake is when to look again: at is when the search changes.
func (a *answers) wake(at time.Time) time.Time {
	if a.count > 0 && a.until.Before(at) {
		return a.until
	}
	return at
}
