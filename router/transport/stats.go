package transport

import "sync/atomic"

type counters struct {
	opened, closed, replaced, crossed                               atomic.Uint64
	dials, dialFailures, refusedInbound                             atomic.Uint64
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
	RefusedInbound    uint64
	DropNoSession     uint64 // not serving, not admitted, in back-off or too many dials
	DropPendingFull   uint64 // more than one dial may hold
	DropDialFailed    uint64 // waited for a dial that failed
	DropSessionFull   uint64 // the send queue of the session was full, or closed
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
		RefusedInbound:  m.c.refusedInbound.Load(),
		DropNoSession:   m.c.dropNoSession.Load(),
		DropPendingFull: m.c.dropPendingFull.Load(),
		DropDialFailed:  m.c.dropDialFailed.Load(),
		DropSessionFull: m.c.dropSessionFull.Load(),
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	s.Dialling = len(m.dials)
	for _, l := range m.sessions {
		for _, open := range l.all() {
			if open.Direction() == Inbound {
				s.Inbound++
			} else {
				s.Outbound++
			}
		}
	}
	return s
}
