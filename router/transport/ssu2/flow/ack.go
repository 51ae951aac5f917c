package flow

import "clove.i2p/router/transport/ssu2/wire"

// An ackTimer decides when packets are acked ("Generating ACKs").
type ackTimer struct {
	news    bool    // packets arrived since the last Ack block
	pending int     // of them ack-eliciting
	at      instant // when an ack is due, or never
	highest uint32  // ack-eliciting packet
	any     bool
}

// packet takes one that arrived. after is the highest number before it.
func (a *ackTimer) packet(t instant, number, after uint32, eliciting, immediate bool, r *rttEstimator) {
	a.news = true
	if !eliciting {
		return
	}
	a.pending++
	gap := a.any && (number < a.highest || number > after+1)
	if !a.any || number > a.highest {
		a.any, a.highest = true, number
	}
	switch {
	case gap || a.pending >= ackEvery:
		a.at = min(a.at, t)
	case immediate:
		a.at = min(a.at, t+r.immediateDelay())
	default:
		a.at = min(a.at, t+r.ackDelay())
	}
}

// sent is called for every Ack block.
func (a *ackTimer) sent() { a.news, a.pending, a.at = false, 0, never }

// eliciting reports whether a block makes its packet ack-eliciting.
func eliciting(t wire.BlockType) bool {
	switch t {
	case wire.BlockAck, wire.BlockAddress, wire.BlockDateTime, wire.BlockPadding, wire.BlockTermination:
		return false
	}
	return true
}
