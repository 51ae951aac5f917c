package ssu2

import "sync/atomic"

type counters struct {
	accepted, refused, gated, limited, replays, skewed, retries          atomic.Uint64
	dialled, dialFailures, crossed, migrated, unauthentic, stray, busy   atomic.Uint64
	heldPackets, droppedRaw, tooLarge, pathsFailed, droppedEvents, short atomic.Uint64
}

// Stats are the counters of a Transport.
type Stats struct {
	Accepted     uint64 // inbound handshakes that succeeded
	Refused      uint64 // and that failed
	Gated        uint64 // SessionRequests dropped: too many handshakes, in all or from one source, or it keeps failing
	Limited      uint64 // requests without a good token that got no Retry, and packets of tests: too many from one source
	Busy         uint64 // handshake steps dropped because the workers are behind
	Retries      uint64 // sent
	Replays      uint64
	Skewed       uint64 // handshakes with too large a clock skew
	Dialled      uint64 // outbound handshakes that succeeded
	DialFailures uint64
	Crossed      uint64 // dials that ended because the peer had dialled us
	Migrated     uint64 // sessions whose peer moved to another address
	PathsFailed  uint64 // validations of a new address that were not answered
	Unauthentic  uint64 // packets of a session that did not open
	Stray        uint64 // packets of nobody
	Held         uint64 // packets that waited for a SessionConfirmed
	DroppedRaw   uint64 // handshake packets that did not fit the writer's queue
	TooLarge     uint64 // packets that the system refused for their size
}

// Stats returns the counters.
func (t *Transport) Stats() Stats {
	c := &t.c
	return Stats{
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Gated: c.gated.Load(), Limited: c.limited.Load(), Busy: c.busy.Load(),
		Retries: c.retries.Load(), Replays: c.replays.Load(), Skewed: c.skewed.Load(), Dialled: c.dialled.Load(),
		DialFailures: c.dialFailures.Load(), Crossed: c.crossed.Load(), Migrated: c.migrated.Load(), PathsFailed: c.pathsFailed.Load(),
		Unauthentic: c.unauthentic.Load(), Stray: c.stray.Load(), Held: c.heldPackets.Load(), DroppedRaw: c.droppedRaw.Load(),
		TooLarge: c.tooLarge.Load(),
	}
}

// Sockets says of each socket how packets move and what the system granted; see udp.Socket.Features.
func (t *Transport) Sockets() (all []string) {
	for _, s := range t.sockets {
		if f, ok := s.(interface{ Features() string }); ok {
			all = append(all, f.Features())
		}
	}
	return all
}
