package streaming

import "time"

// A Controller decides how many packets of a connection may be in flight. It is called under the lock of the
// connection. Times are since an arbitrary start; windows are in packets, as everywhere in this protocol.
type Controller interface {
	// Window is the number of packets that may be in flight, at least 1.
	Window() int
	// PacingGain times Window per round trip is the pace of sending; 0 is no pacing.
	PacingGain() float64
	// Acked reports packets that arrived.
	Acked(Acked)
	// Lost reports packets that are deemed lost.
	Lost(Lost)
	// TimedOut reports that nothing was acknowledged for a whole timeout; first is false when it is repeated.
	TimedOut(now time.Duration, first bool)
	// Spurious takes back what the last Lost or TimedOut did: the packets had arrived.
	Spurious()
	// Seed sets the window to begin with.
	Seed(window int)
}

// Acked is one acknowledgement.
type Acked struct {
	Now      time.Duration
	Packets  int
	InFlight int           // before it
	RTT      time.Duration // 0 if it gave no sample
	Smoothed time.Duration
	Min      time.Duration
	Round    bool // it ends a round trip: a packet sent after the last Round arrived
}

// Lost is one finding of losses.
type Lost struct {
	Now     time.Duration
	Packets int
	SentAt  time.Duration // of the newest of them
	Min     time.Duration
}
