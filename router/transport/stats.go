package transport

import (
	"sync/atomic"
	"time"
)

type counters struct {
	opened, closed, replaced, crossed                               atomic.Uint64
	dials, dialFailures, refusedInbound                             atomic.Uint64
	fallbacks, evicted, banned                                      atomic.Uint64
	dropNoSession, dropPendingFull, dropDialFailed, dropSessionFull atomic.Uint64
}

// Stats are the counters of a Mux. Drops count messages.
type Stats struct {
	Inbound, Outbound int // sessions now
	Dialling          int
	Opened, Closed    uint64
	Replaced, Crossed uint64
	Dials             uint64
	DialFailures      uint64
	Fallbacks         uint64 // dials over a second transport
	RefusedInbound    uint64
	Evicted           uint64 // sessions that made room for others
	Bans              int    // now
	Banned            uint64 // bans so far
	DropNoSession     uint64 // not serving, not admitted, in back-off or too many dials
	DropPendingFull   uint64 // more than one dial may hold
	DropDialFailed    uint64 // waited for a dial that failed
	DropSessionFull   uint64 // the send queue of the session was full, or closed
	Styles            []StyleStats
}

// StyleStats are those of one transport.
type StyleStats struct {
	Style             string
	Inbound, Outbound int // sessions now, spare ones included
	Limit             int // of sessions
	Dials             uint64
	Failures          uint64 // of dials
	Fallbacks         uint64 // dials that another transport had failed or been slow at
	RefusedInbound    uint64
	Evicted           uint64
}

// Stats returns the counters.
func (m *Mux) Stats() Stats {
	s := Stats{
		Opened:          m.c.opened.Load(),
		Closed:          m.c.closed.Load(),
		Replaced:        m.c.replaced.Load(),
		Crossed:         m.c.crossed.Load(),
		Dials:           m.c.dials.Load(),
		DialFailures:    m.c.dialFailures.Load(),
		Fallbacks:       m.c.fallbacks.Load(),
		RefusedInbound:  m.c.refusedInbound.Load(),
		Evicted:         m.c.evicted.Load(),
		Banned:          m.c.banned.Load(),
		DropNoSession:   m.c.dropNoSession.Load(),
		DropPendingFull: m.c.dropPendingFull.Load(),
		DropDialFailed:  m.c.dropDialFailed.Load(),
		DropSessionFull: m.c.dropSessionFull.Load(),
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	s.Dialling = len(m.dials)
	s.Bans = m.bans.count(time.Now())
	for _, st := range m.styles {
		s.Inbound += st.inbound
		s.Outbound += st.outbound
		s.Styles = append(s.Styles, StyleStats{
			Style: st.name, Inbound: st.inbound, Outbound: st.outbound, Limit: st.limit,
			Dials: st.dials.Load(), Failures: st.failures.Load(), Fallbacks: st.fallbacks.Load(),
			RefusedInbound: st.refused.Load(), Evicted: st.evicted.Load(),
		})
	}
	return s
}
