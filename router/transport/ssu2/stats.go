package ssu2

import (
	"sync/atomic"

	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/udp"
)

type counters struct {
	accepted, refused, gated, limited, replays, skewed, retries          atomic.Uint64
	dialled, dialFailures, crossed, migrated, unauthentic, stray, busy   atomic.Uint64
	heldPackets, droppedRaw, tooLarge, pathsFailed, droppedEvents, short atomic.Uint64
	droppedSlow                                                          atomic.Uint64

	flows flowCounters
}

// Stats are the counters of a Transport.
type Stats struct {
	Accepted      uint64 // inbound handshakes that succeeded
	Refused       uint64 // and that failed
	Gated         uint64 // SessionRequests dropped: too many handshakes, in all or from one source, or it keeps failing
	Limited       uint64 // requests without a good token that got no Retry: too many from one source
	Busy          uint64 // handshake steps dropped because the workers are behind
	Retries       uint64 // sent
	Replays       uint64
	Skewed        uint64 // handshakes with too large a clock skew
	Dialled       uint64 // outbound handshakes that succeeded
	DialFailures  uint64
	Crossed       uint64 // dials that ended because the peer had dialled us
	Migrated      uint64 // sessions whose peer moved to another address
	PathsFailed   uint64 // validations of a new address that were not answered
	Unauthentic   uint64 // packets of a session that did not open
	Short         uint64 // packets too short to be of SSU2
	Stray         uint64 // packets of nobody
	Held          uint64 // packets that waited for a SessionConfirmed
	DroppedRaw    uint64 // handshake packets that did not fit the writer's queue
	DroppedEvents uint64 // blocks and packets about addresses, peer tests and relays: too many at once, or of one peer
	DroppedSlow   uint64 // packets of sessions whose messages are taken too slowly; they come again
	TooLarge      uint64 // packets that the system refused for their size

	Flows   FlowStats
	Sockets udp.Counts // of all sockets
	NAT     nat.Stats  // of the transport while it serves
}

// FlowStats are what went wrong or was done twice in all sessions that there were; those that are open are counted up to the
// latest sweep, some seconds ago.
type FlowStats struct {
	PacketsOut, PacketsIn uint64
	Lost, Spurious        uint64 // packets declared lost; those of them acked later
	Resent                uint64 // blocks sent again
	Probes                uint64 // timeouts
	DuplicatePackets      uint64
	DuplicateMessages     uint64
	DroppedFull           uint64 // messages that did not fit the queue
	DroppedExpired        uint64 // messages that expired before they were sent, or acked
	DroppedDivided        uint64 // messages that were sent in part when the MTU fell
	DroppedPartial        uint64 // incoming messages that were given up incomplete
}

// Stats returns the counters.
func (t *Transport) Stats() Stats {
	c := &t.c
	s := Stats{
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Gated: c.gated.Load(), Limited: c.limited.Load(), Busy: c.busy.Load(),
		Retries: c.retries.Load(), Replays: c.replays.Load(), Skewed: c.skewed.Load(), Dialled: c.dialled.Load(),
		DialFailures: c.dialFailures.Load(), Crossed: c.crossed.Load(), Migrated: c.migrated.Load(), PathsFailed: c.pathsFailed.Load(),
		Unauthentic: c.unauthentic.Load(), Short: c.short.Load(), Stray: c.stray.Load(), Held: c.heldPackets.Load(),
		DroppedRaw: c.droppedRaw.Load(), DroppedEvents: c.droppedEvents.Load(), TooLarge: c.tooLarge.Load(),
		DroppedSlow: c.droppedSlow.Load(), Flows: c.flows.load(),
	}
	for _, socket := range t.sockets {
		if of, ok := socket.(interface{ Counts() udp.Counts }); ok {
			addCounts(&s.Sockets, of.Counts())
		}
	}
	t.mu.Lock()
	server := t.server
	t.mu.Unlock()
	if server != nil {
		s.NAT = server.nat.stats()
	}
	return s
}

func addCounts(to *udp.Counts, c udp.Counts) {
	to.Read += c.Read
	to.Written += c.Written
	to.Reads += c.Reads
	to.Writes += c.Writes
	to.Truncated += c.Truncated
	to.ReadErrors += c.ReadErrors
	to.WriteErrors += c.WriteErrors
	to.TooLarge += c.TooLarge
	to.OffloadRefused += c.OffloadRefused
}

func (n *natEngine) stats() nat.Stats {
	if n.engine == nil {
		return nat.Stats{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.engine.Stats()
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

// flowCounters are FlowStats that count.
type flowCounters struct {
	packetsOut, packetsIn, lost, spurious, resent, probes, duplicatePackets, duplicateMessages atomic.Uint64
	droppedFull, droppedExpired, droppedDivided, droppedPartial                                atomic.Uint64
}

// add counts what a flow did since it was counted before, and returns what is counted of it now.
func (c *flowCounters) add(before FlowStats, f *flow.Flow) FlowStats {
	s := f.Stats()
	now := FlowStats{
		PacketsOut: s.PacketsOut, PacketsIn: s.PacketsIn, Lost: s.Lost, Spurious: s.Spurious, Resent: s.Resent, Probes: s.Probes,
		DuplicatePackets: s.DuplicatePackets, DuplicateMessages: s.DuplicateMessages, DroppedFull: s.DroppedFull,
		DroppedExpired: s.DroppedExpired, DroppedDivided: s.DroppedDivided, DroppedPartial: s.DroppedPartial,
	}
	c.packetsOut.Add(now.PacketsOut - before.PacketsOut)
	c.packetsIn.Add(now.PacketsIn - before.PacketsIn)
	c.lost.Add(now.Lost - before.Lost)
	c.spurious.Add(now.Spurious - before.Spurious)
	c.resent.Add(now.Resent - before.Resent)
	c.probes.Add(now.Probes - before.Probes)
	c.duplicatePackets.Add(now.DuplicatePackets - before.DuplicatePackets)
	c.duplicateMessages.Add(now.DuplicateMessages - before.DuplicateMessages)
	c.droppedFull.Add(now.DroppedFull - before.DroppedFull)
	c.droppedExpired.Add(now.DroppedExpired - before.DroppedExpired)
	c.droppedDivided.Add(now.DroppedDivided - before.DroppedDivided)
	c.droppedPartial.Add(now.DroppedPartial - before.DroppedPartial)
	return now
}

func (c *flowCounters) load() FlowStats {
	return FlowStats{
		PacketsOut: c.packetsOut.Load(), PacketsIn: c.packetsIn.Load(), Lost: c.lost.Load(), Spurious: c.spurious.Load(),
		Resent: c.resent.Load(), Probes: c.probes.Load(), DuplicatePackets: c.duplicatePackets.Load(),
		DuplicateMessages: c.duplicateMessages.Load(), DroppedFull: c.droppedFull.Load(), DroppedExpired: c.droppedExpired.Load(),
		DroppedDivided: c.droppedDivided.Load(), DroppedPartial: c.droppedPartial.Load(),
	}
}
