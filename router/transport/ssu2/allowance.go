package ssu2

import "time"

// An allowance is what a peer may make us do: once in an interval on average, and a burst at once. The zero value is full.
type allowance struct {
	at time.Time // up to when it is used, but not longer ago than a burst takes
}

func (a *allowance) take(now time.Time, interval time.Duration, burst int) bool {
	if full := now.Add(-time.Duration(burst) * interval); a.at.Before(full) {
		a.at = full
	}
	if now.Sub(a.at) < interval {
		return false
	}
	a.at = a.at.Add(interval)
	return true
}
