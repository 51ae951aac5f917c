package transport

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"clove.i2p/router/i2p"
)

// A choice is a transport that could dial a router, at its cost.
type choice struct {
	style  int
	cost   int
	hybrid bool
	failed bool // a short while ago, with this peer
}

// choices are the transports that may dial ri now, cheapest first. Without any, the error says why.
//
// To the bid of the transport comes what the Mux knows: how near the transport is to its limit, how its dials do, how dials
// of this peer went, and a few points by chance, the same at each dial of a peer, so that not all sessions are of one
// transport where both would do.
//
// Before all costs come those with a post-quantum handshake: whoever records everything learns nothing from them. But one
// that failed with the peer comes last where a plain one did not fail: UDP to it may be blocked.
func (m *Mux) choices(ri *i2p.RouterInfo, d *dial, now time.Time) ([]choice, error) {
	var all []choice
	var pausing []bool
	why := ErrNoAddress
	for i, st := range m.styles {
		b, ok := st.bid(ri)
		if !ok {
			continue
		}
		m.mu.Lock()
		n := newcomer{direction: Outbound, style: i, foreign: !d.wanted}
		if n.foreign && d.foreign {
			n.underWay = m.foreignDials - 1 // without this one
		}
		_, free := m.roomLocked(n, now)
		crowding := st.crowding()
		past, may := m.history.cost(attemptKey{ri.Hash(), i}, now)
		m.mu.Unlock()
		if !free {
			why = ErrBusy
			continue
		}
		chance := int(maphash.Comparable(m.seed, attemptKey{ri.Hash(), i}) % (costChance + 1))
		all = append(all, choice{i, b.Cost + crowding + st.trouble() + past + chance, b.Hybrid, past > 0})
		pausing = append(pausing, !may)
	}
	if len(all) == 0 {
		return nil, why
	}
	if slices.Contains(pausing, false) { // else the pause of the peer as a whole has said enough
		kept := all[:0]
		for i, c := range all {
			if !pausing[i] {
				kept = append(kept, c)
			}
		}
		all = kept
	}
	plainWorks := slices.ContainsFunc(all, func(c choice) bool { return !c.hybrid && !c.failed })
	rank := func(c choice) int {
		switch {
		case !c.hybrid:
			return 1
		case c.failed && plainWorks:
			return 2
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b choice) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.cost, b.cost))
	})
	return all, nil
}

func (s *style) bid(ri *i2p.RouterInfo) (Bid, bool) {
	if b, ok := s.transport.(Bidder); ok {
		return b.Bid(ri)
	}
	return Bid{Cost: baseCost, Path: Direct}, s.transport.Reachable(ri)
}

// An outcome is how a dial over one transport ended.
type outcome struct {
	choice
	began time.Time
	err   error
}

// race dials over the first choice; over the next as soon as that one fails, or besides it when it takes longer than
// FallbackDelay. The first session ends the others. So a dead first choice leaves the second all but that delay of
// the time of the dial. But a plain handshake over one transport does not begin while a post-quantum one over another runs,
// which would lose to it for being slow: only when all of those have failed, or had hybridTime. It returns when none runs any
// more; without a session, with all that failed.
func (m *Mux) race(ctx context.Context, d *dial, ri *i2p.RouterInfo, choices []choice) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hybridCtx, stop := hybridTimeout(ctx, choices)
	defer stop()
	ended := make(chan outcome, len(choices))
	next, hybrids := 0, 0 // hybrids run
	start := func() {
		c, ctx := choices[next], ctx
		next++
		if c.hybrid {
			hybrids++
			ctx = hybridCtx
		}
		st := m.styles[c.style]
		st.dials.Add(1)
		if next > 1 {
			st.fallbacks.Add(1)
			m.c.fallbacks.Add(1)
		}
		began := time.Now()
		go func() {
			_, err := st.transport.Dial(ctx, ri)
			ended <- outcome{c, began, err}
		}()
	}
	start()
	patience := time.NewTimer(m.cfg.FallbackDelay)
	defer patience.Stop()
	won := time.Time{} // when the one that won began
	var failed dialErrors
	for running := 1; running > 0; {
		more := false
		select {
		case <-patience.C:
			more = true
		case o := <-ended:
			running--
			if o.hybrid {
				hybrids--
			}
			m.note(d.to, o, won, ctx.Err() != nil)
			switch {
			case o.err == nil:
				won = o.began
				cancel()
			default: // ErrClockSkew too: that may be said by somebody on the path, in a Retry of SSU2
				failed = append(failed, o.err)
				more = true
			}
		}
		if more && won.IsZero() && next < len(choices) && (choices[next].hybrid || hybrids == 0) && ctx.Err() == nil && !d.over() {
			start()
			running++
			patience.Reset(m.cfg.FallbackDelay)
		}
	}
	if !won.IsZero() {
		return nil
	}
	return failed
}

// hybridTimeout is the context of post-quantum handshakes: where a plain one is to follow they end after hybridTime, or half of
// what is left of the dial.
func hybridTimeout(ctx context.Context, choices []choice) (context.Context, context.CancelFunc) {
	first := slices.IndexFunc(choices, func(c choice) bool { return c.hybrid })
	if first < 0 || !slices.ContainsFunc(choices[first:], func(c choice) bool { return !c.hybrid }) {
		return ctx, func() {}
	}
	most := hybridTime
	if end, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(end)/2)
	}
	return context.WithTimeout(ctx, most)
}

// note takes down how a dial over one transport ended; won is when that began which won, if any did. The end of ctx is not held
// against it, unless another transport was faster although it began later by all of FallbackDelay.
func (m *Mux) note(peer i2p.Hash, o outcome, won time.Time, ended bool) {
	st, lost := m.styles[o.style], !won.IsZero()
	switch {
	case o.err == nil: // Opened has noted it
		return
	case lost && won.Sub(o.began) < m.cfg.FallbackDelay, ended && !lost && errors.Is(o.err, context.Canceled):
		return
	}
	st.failures.Add(1)
	if errors.Is(o.err, ErrRefused) || errors.Is(o.err, ErrClockSkew) || errors.Is(o.err, ErrClosed) || errors.Is(o.err, ErrBusy) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !isOurOwn(o.err) {
		m.failedLocked(attemptKey{peer, o.style}, time.Now())
		return
	}
	st.failing.Add(1)
}

func (m *Mux) failedLocked(k attemptKey, now time.Time) {
	m.styles[k.style].failing.Add(1)
	m.history.failed(k, now, m.cfg.BackoffMin, m.cfg.BackoffMax)
}

// over tells whether somebody has a session with the peer, or the dial was given up.
func (d *dial) over() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// dialErrors are what went wrong over each transport that was tried, in turn.
type dialErrors []error

func (e dialErrors) Error() string {
	all := make([]string, len(e))
	for i, err := range e {
		all[i] = err.Error()
	}
	return strings.Join(all, "; then ")
}

func (e dialErrors) Unwrap() []error { return e }
