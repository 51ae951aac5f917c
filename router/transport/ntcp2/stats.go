package ntcp2

import "sync/atomic"

type counters struct {
	accepted, refused, gated, replays, skewed, stalled atomic.Uint64
	dialled, dialFailures                              atomic.Uint64
}

// Stats are the counters of a Transport.
type Stats struct {
	Accepted     uint64 // inbound handshakes that succeeded
	Refused      uint64 // and that failed
	Gated        uint64 // connections closed at once: too many, in all or from one source, or it keeps failing
	Replays      uint64
	Skewed       uint64 // handshakes with too large a clock skew
	Stalled      uint64 // sessions whose peer did not read
	Dialled      uint64 // outbound handshakes that succeeded
	DialFailures uint64
}

// Stats returns the counters.
func (t *Transport) Stats() Stats {
	return Stats{
		Accepted: t.c.accepted.Load(), Refused: t.c.refused.Load(), Gated: t.c.gated.Load(),
		Replays: t.c.replays.Load(), Skewed: t.c.skewed.Load(), Stalled: t.c.stalled.Load(),
		Dialled: t.c.dialled.Load(), DialFailures: t.c.dialFailures.Load(),
	}
}
