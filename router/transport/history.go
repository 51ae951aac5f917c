package transport

import (
	"time"

	"clove.i2p/router/i2p"
)

// attemptKey is a peer over one transport.
type attemptKey struct {
	peer  i2p.Hash
	style int
}

// A record is how dials of a peer over one transport went.
type record struct {
	failures  int       // since the last success, halved every historyHalfLife
	failed    time.Time // the last failure
	until     time.Time // no dial before
	succeeded time.Time
}

// history remembers dials. It is bounded: an old record costs nothing to lose, and at the bound any quarter goes, as whoever
// makes us forward to strangers fills it with them anyway. The zero value is empty. Not safe for concurrent use.
type history map[attemptKey]record

// failed notes a failure, and makes the next dial wait.
func (h history) failed(k attemptKey, now time.Time, least, most time.Duration) {
	if _, ok := h[k]; !ok && len(h) >= maxHistory {
		h.forget(now, true)
	}
	r := h[k]
	r.failures, r.failed = r.remembered(now)+1, now
	pause := most
	if r.failures <= 20 {
		pause = min(most, least<<(r.failures-1))
	}
	r.until = now.Add(pause)
	h[k] = r
}

func (h history) succeeded(k attemptKey, now time.Time) {
	if _, ok := h[k]; !ok && len(h) >= maxHistory {
		h.forget(now, true)
	}
	h[k] = record{succeeded: now}
}

// cost is what a bid costs more or less for what happened, and whether the peer may be dialled over this transport now.
func (h history) cost(k attemptKey, now time.Time) (cost int, may bool) {
	r, ok := h[k]
	if !ok {
		return 0, true
	}
	cost = min(r.remembered(now), maxCountedFailures) * costFailure
	if cost == 0 && !r.succeeded.IsZero() && now.Sub(r.succeeded) < historyLife {
		cost = -gainSuccess
	}
	return cost, !now.Before(r.until)
}

// remembered are the failures that still count.
func (r record) remembered(now time.Time) int {
	return r.failures >> min(now.Sub(r.failed)/historyHalfLife, 30)
}

// forget drops what is too old, and with room a quarter whatever its age.
func (h history) forget(now time.Time, room bool) {
	n := 0
	for k, r := range h {
		old := now.Sub(r.failed) > historyLife && now.Sub(r.succeeded) > historyLife
		if old || room && n < maxHistory/4 {
			delete(h, k)
			n++
		}
	}
}
