package streaming

import "sync/atomic"

// A Drop is a reason to drop a packet that came in.
type Drop int

// The reasons.
const (
	DropMalformed  Drop = iota // does not parse
	DropUnknown                // no such stream
	DropSignature              // missing or wrong signature, or of another destination
	DropNotForUs               // a SYN made for another destination (proposal 164)
	DropReplay                 // a SYN of a stream that has ended
	DropOverload               // SYNs and pings beyond the limits
	DropDuplicate              // data that was there
	DropFull                   // data beyond the receive buffer
	DropTooFar                 // data too far ahead
	DropBadAck                 // acknowledges what was not sent
	DropUnexpected             // SYN in the middle, data after CLOSE
	numDrops
)

// Stats is a snapshot of the counters of a Stack.
type Stats struct {
	Conns int   // in the table, also those that end
	Held  int64 // packets that no reader has taken

	Opened, Accepted, Failed        uint64 // connections
	PacketsIn, PacketsOut           uint64
	BytesIn, BytesOut               uint64 // payload, without repetitions
	Retransmitted, Probes, Timeouts uint64
	Spurious                        uint64 // retransmissions that were not needed
	AcksOut                         uint64 // packets that carry nothing else
	Chokes, Choked                  uint64 // by us, by peers
	SendErrors, Reroutes, Reaches   uint64
	Drops                           [numDrops]uint64
}

type stats struct {
	opened, accepted, failed        atomic.Uint64
	packetsIn, packetsOut           atomic.Uint64
	bytesIn, bytesOut               atomic.Uint64
	retransmitted, probes, timeouts atomic.Uint64
	spurious                        atomic.Uint64
	acksOut                         atomic.Uint64
	chokes, choked                  atomic.Uint64
	sendErrors, reroutes, reaches   atomic.Uint64
	drops                           [numDrops]atomic.Uint64
	held                            atomic.Int64
}

func (s *stats) drop(d Drop) { s.drops[d].Add(1) }

// Stats returns the counters.
func (s *Stack) Stats() Stats {
	s.mu.Lock()
	conns := len(s.conns)
	s.mu.Unlock()
	c := &s.stats
	out := Stats{
		Conns: conns, Held: c.held.Load(),
		Opened: c.opened.Load(), Accepted: c.accepted.Load(), Failed: c.failed.Load(),
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Retransmitted: c.retransmitted.Load(), Probes: c.probes.Load(), Timeouts: c.timeouts.Load(),
		Spurious: c.spurious.Load(), AcksOut: c.acksOut.Load(),
		Chokes: c.chokes.Load(), Choked: c.choked.Load(),
		SendErrors: c.sendErrors.Load(), Reroutes: c.reroutes.Load(), Reaches: c.reaches.Load(),
	}
	for i := range out.Drops {
		out.Drops[i] = c.drops[i].Load()
	}
	return out
}
