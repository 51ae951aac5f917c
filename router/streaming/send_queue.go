package streaming

import (
	"time"

	"clove.i2p/router/buf"
)

// A segment is one packet of the sequence, kept until it is acknowledged. Its header is written anew each time that
// it is sent.
type segment struct {
	data   *buf.Buf      // payload, nil if none
	sentAt time.Duration // the last time
	before time.Duration // the time before that
	sends  uint8         // how often, up to 255
	kind   Flags         // FlagSynchronize, FlagClose
	acked  bool
	lost   bool // deemed lost, to be sent again
	probed bool // sent again as a probe: an acknowledgement may be for either
}

// sendQueue holds the segments from the oldest unacknowledged to the newest queued one.
//
//	una .......... next .......... end
//	     sent             queued
//
// Of those sent, unacked are not acknowledged and lost of these wait to be sent again.
type sendQueue struct {
	ring           []segment // a power of two
	una, next, end uint32
	unacked, lost  int
}

func (q *sendQueue) at(seq uint32) *segment { return &q.ring[seq&uint32(len(q.ring)-1)] }

// inFlight is how many packets are believed to be on their way.
func (q *sendQueue) inFlight() int { return q.unacked - q.lost }

// queued is how many segments were never sent.
func (q *sendQueue) queued() int { return int(q.end - q.next) }

// span is how far the newest packet sent is ahead of the oldest unacknowledged one.
func (q *sendQueue) span() int { return int(q.next - q.una) }

// push adds a segment at the end.
func (q *sendQueue) push(kind Flags) *segment {
	if int(q.end-q.una) == len(q.ring) {
		ring := make([]segment, max(16, 2*len(q.ring)))
		for seq := q.una; seq != q.end; seq++ {
			ring[seq&uint32(len(ring)-1)] = *q.at(seq)
		}
		q.ring = ring
	}
	g := q.at(q.end)
	*g = segment{kind: kind}
	q.end++
	return g
}

// sent accounts for a transmission of seq.
func (q *sendQueue) sent(seq uint32, now time.Duration) {
	g := q.at(seq)
	if seq == q.next {
		q.next++
		q.unacked++
	}
	if g.lost {
		g.lost = false
		q.lost--
	}
	g.before, g.sentAt = g.sentAt, now
	if g.sends < 255 {
		g.sends++
	}
}

// ack marks seq as arrived and releases its data. The caller advances una afterwards.
func (q *sendQueue) ack(seq uint32) {
	g := q.at(seq)
	g.acked = true
	q.unacked--
	if g.lost {
		g.lost = false
		q.lost--
	}
	if g.data != nil {
		g.data.Release()
		g.data = nil
	}
}

// advance moves una past what was acknowledged.
func (q *sendQueue) advance() {
	for q.una != q.next && q.at(q.una).acked {
		q.una++
	}
}

// markLost marks a sent segment as lost.
func (q *sendQueue) markLost(seq uint32) {
	g := q.at(seq)
	if !g.lost && !g.acked {
		g.lost = true
		q.lost++
	}
}

// firstLost returns the oldest segment to be sent again.
func (q *sendQueue) firstLost() (seq uint32, ok bool) {
	if q.lost == 0 {
		return 0, false
	}
	for seq = q.una; seq != q.next; seq++ {
		if g := q.at(seq); g.lost && !g.acked {
			return seq, true
		}
	}
	return 0, false
}

// release drops everything.
func (q *sendQueue) release() {
	for seq := q.una; seq != q.end; seq++ {
		if g := q.at(seq); g.data != nil {
			g.data.Release()
			g.data = nil
		}
	}
	q.ring = nil
	q.una, q.next = q.end, q.end
	q.unacked, q.lost = 0, 0
}
