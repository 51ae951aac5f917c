package flow

import "time"

// Stats describes a flow at one moment. Counters count from the start of the session.
type Stats struct {
	SRTT, RTTVar, MinRTT time.Duration
	Window               int // congestion window in bytes of payload
	InFlight             int // bytes
	Rate                 int // pacing, bytes per second; 0: none
	MTU                  int // of IP packets
	LossRate             float64

	PacketsOut, PacketsIn   uint64
	BytesOut, BytesIn       uint64 // payload
	MessagesOut, MessagesIn uint64 // acked; delivered
	Lost, Spurious          uint64 // packets declared lost; those of them acked later
	Resent                  uint64 // blocks sent again
	Probes                  uint64 // timeouts
	DuplicatePackets        uint64
	DuplicateMessages       uint64
	DroppedFull             uint64 // messages that did not fit the queue
	DroppedExpired          uint64 // messages that expired before they were sent, or acked
	DroppedDivided          uint64 // messages that were sent in part when the MTU fell
	DroppedPartial          uint64 // incoming messages that were given up incomplete
	Queued, QueuedBytes     int
}

// Stats returns a snapshot: a copy of some 200 bytes without allocation or search. Like every method it needs the lock of the session, and it may be called after
// Close: who sums sessions up takes one lock after the other, never all.
func (f *Flow) Stats() Stats {
	s := f.stats
	s.SRTT, s.RTTVar, s.MinRTT = f.rtt.smoothed, f.rtt.variance, f.rtt.least.get()
	s.Window, s.InFlight, s.Rate = f.cc.window(), f.sent.bytes, int(f.pacer.rate*1e9)
	s.MTU, s.LossRate = f.mtu.mtu(), f.loss.rate.smoothed
	s.Queued, s.QueuedBytes = f.queue.messages, f.queue.bytes
	return s
}
