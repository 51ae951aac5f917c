package flow

import "time"

// Stats describes a flow at one moment. Counters count from the start of the session.
type Stats struct {
	SRTT, MinRTT, RTTVar time.Duration
	Window               int // congestion window in bytes
	InFlight             int // bytes
	Rate                 int // pacing, bytes per second
	MTU                  int // of IP packets

	PacketsOut, PacketsIn   uint64
	BytesOut, BytesIn       uint64 // payload
	MessagesOut, MessagesIn uint64 // acked; delivered
	Lost, Spurious          uint64 // packets declared lost; those of them acked later
	Resent                  uint64 // blocks sent again
	Probes                  uint64 // PTO probes
	DuplicatePackets        uint64
	DuplicateMessages       uint64
	DroppedFull             uint64 // messages that did not fit the queue
	DroppedExpired          uint64 // messages that expired before they were sent or acked
	DroppedReassembly       uint64 // incomplete messages that were given up
	Queued, QueuedBytes     int
}

// Stats returns a snapshot.
func (f *Flow) Stats() Stats { return Stats{} }
