package nat

import (
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
)

// A window counts per key over rateWindow: what a key may do in the current half counts with what it did in the one before. Beyond maxRateKeys new
// keys are refused, so that whoever makes up keys blocks newcomers, for five minutes at most, and not those that are counted.
type window[K comparable] struct {
	limit     int
	began     time.Time
	cur, prev map[K]uint16
}

func newWindow[K comparable](limit int) *window[K] {
	return &window[K]{limit: limit, cur: map[K]uint16{}, prev: map[K]uint16{}}
}

func (w *window[K]) turn(now time.Time) {
	switch age := now.Sub(w.began); {
	case age < 0: // the clock was set back
		w.began = now
		return
	case age < rateWindow/2:
		return
	case age >= rateWindow/2 && age < rateWindow:
		w.prev = w.cur
	default:
		w.prev = map[K]uint16{}
	}
	w.cur, w.began = map[K]uint16{}, now
}

// take counts one more for k, or reports that it has reached the limit.
func (w *window[K]) take(now time.Time, k K) bool {
	if !w.has(now, k) {
		return false
	}
	w.cur[k]++
	return true
}

// has reports whether take would succeed.
func (w *window[K]) has(now time.Time, k K) bool {
	w.turn(now)
	n, known := w.cur[k]
	if !known && len(w.cur) >= maxRateKeys {
		return false
	}
	return int(n)+int(w.prev[k]) < w.limit
}

// nonces remembers what was handled, so that a replay is none of its own: for one to two windows, which is longer than its signature is good for.
type nonces struct {
	began     time.Time
	cur, prev map[nonceKey]struct{}
}

// A nonceKey names one run: our role, who came with it, its number.
type nonceKey struct {
	role  role
	who   [8]byte
	nonce uint32
}

type role uint8

const (
	bobTestRole role = iota
	charlieTestRole
	bobRelayRole
	charlieRelayRole
)

// add enters k. It returns false if k was there, or no more fit.
func (n *nonces) add(now time.Time, k nonceKey) bool {
	switch age := now.Sub(n.began); {
	case n.cur == nil || age >= 2*nonceWindow:
		n.cur, n.prev, n.began = map[nonceKey]struct{}{}, nil, now
	case age >= nonceWindow:
		n.cur, n.prev, n.began = map[nonceKey]struct{}{}, n.cur, now
	case age < 0: // the clock was set back
		n.began = now
	}
	if n.known(k) || len(n.cur) >= maxNonces {
		return false
	}
	n.cur[k] = struct{}{}
	return true
}

func (n *nonces) known(k nonceKey) bool {
	if _, ok := n.cur[k]; ok {
		return true
	}
	_, ok := n.prev[k]
	return ok
}

// rates are the windows of limits.go.
type rates struct {
	bobTestAlice, bobTestCharlie, charlieTestBob, bobRelayAlice, bobRelayCharlie, charlieRelayBob, refusals, tags, tagsGot *window[i2p.Hash]
	charlieTestAlice, charlieRelayAlice                                                                                    *window[netip.Prefix]
	totals                                                                                                                 [4]*window[struct{}] // by role
}

func newRates() rates {
	r := rates{
		bobTestAlice: newWindow[i2p.Hash](maxBobTestsAlice), bobTestCharlie: newWindow[i2p.Hash](maxBobTestsCharlie),
		charlieTestBob: newWindow[i2p.Hash](maxCharlieTestsBob), charlieTestAlice: newWindow[netip.Prefix](maxCharlieTestsAlice),
		bobRelayAlice: newWindow[i2p.Hash](maxBobRelaysAlice), bobRelayCharlie: newWindow[i2p.Hash](maxBobRelaysCharlie),
		charlieRelayBob: newWindow[i2p.Hash](maxCharlieRelaysBob), charlieRelayAlice: newWindow[netip.Prefix](maxCharlieRelaysAlice),
		refusals: newWindow[i2p.Hash](limitAnswers), tags: newWindow[i2p.Hash](maxTagRequests), tagsGot: newWindow[i2p.Hash](maxTagsGot),
	}
	for i, n := range [4]int{bobTestRole: maxBobTestsTotal, charlieTestRole: maxCharlieTestsTotal, bobRelayRole: maxBobRelaysTotal, charlieRelayRole: maxCharlieRelaysTotal} {
		r.totals[i] = newWindow[struct{}](n)
	}
	return r
}
