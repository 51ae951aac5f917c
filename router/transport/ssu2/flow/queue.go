package flow

import (
	"encoding/binary"
	"math/bits"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
)

// A handle names a message of the sendQueue, or one that was there.
type handle struct {
	index int32
	gen   uint32
}

// An outMessage is an I2NP message or a control block between Queue and its last ack.
type outMessage struct {
	b       *buf.Buf // nil: the slot is free
	gen     uint32
	order   uint32 // of put
	expires instant

	control, reliable bool   // control: b is a whole block with its header
	n                 uint8  // fragments; 0: not divided yet, 1: a whole I2NP block
	next              uint8  // fragment to be sent for the first time
	part              uint16 // bytes of each fragment but the last
	again             bool   // in sendQueue.lost
	acked, lost       uint64 // fragments; lost are to be sent again
}

// A sendQueue holds everything that is to be sent or acked. Control blocks go first, then lost fragments, then new messages in order.
type sendQueue struct {
	budget *Budget
	slots  []outMessage
	free   []int32
	puts   uint32

	control, lost, fresh fifo[handle]
	controls             int
	messages, bytes      int // held; bytes are footprints
	expired, dropped     *uint64
}

// live returns the message of a handle, nil if it is gone.
func (q *sendQueue) live(h handle) *outMessage {
	if m := &q.slots[h.index]; m.b != nil && m.gen == h.gen {
		return m
	}
	return nil
}

func (q *sendQueue) add(b *buf.Buf, expires instant) (handle, *outMessage) {
	var i int32
	if n := len(q.free); n > 0 {
		i, q.free = q.free[n-1], q.free[:n-1]
	} else {
		i = int32(len(q.slots))
		q.slots = append(q.slots, outMessage{})
	}
	m := &q.slots[i]
	*m = outMessage{b: b, gen: m.gen + 1, expires: expires}
	q.bytes += b.Footprint()
	q.budget.charge(b.Footprint())
	return handle{i, m.gen}, m
}

// remove ends a message, whose handles are dead from here on.
func (q *sendQueue) remove(h handle) { q.take(h).Release() }

// take is remove for a message whose buffer moves to the caller.
func (q *sendQueue) take(h handle) *buf.Buf {
	m := &q.slots[h.index]
	b := m.b
	q.bytes -= b.Footprint()
	q.budget.charge(-b.Footprint())
	if m.control {
		q.controls--
	} else {
		q.messages--
	}
	m.b = nil
	q.free = append(q.free, h.index)
	return b
}

// room reports whether n more bytes of footprint fit.
func (q *sendQueue) room(n int) bool {
	return q.bytes+n <= maxQueueBytes && (q.bytes+n <= leastQueueBytes || q.budget.room(n))
}

// put takes one message; false if it does not fit, or can never be sent.
func (q *sendQueue) put(t instant, routerNow time.Time, b *buf.Buf) bool {
	if q.messages >= maxMessages || q.messages > 0 && !q.room(b.Footprint()) || b.Len() < i2np.ShortHeaderLen || b.Len() > maxMessage {
		return false
	}
	h, m := q.add(b, t+life(b.Bytes(), routerNow))
	q.puts++
	m.order = q.puts
	q.messages++
	q.fresh.push(h)
	return true
}

// life is how long a message may wait here.
func life(m []byte, routerNow time.Time) time.Duration {
	expiration := time.Unix(int64(binary.BigEndian.Uint32(m[5:])), 0)
	left := expiration.Sub(routerNow)
	if left <= 0 {
		left = lateGrace
	}
	return min(left, maxLife)
}

// putControl takes one block, which is copied.
func (q *sendQueue) putControl(t instant, block []byte, reliable bool) bool {
	if q.controls >= maxControl {
		return false
	}
	h, m := q.add(buf.From(block), t+controlLife)
	m.control, m.reliable, m.n, m.part = true, reliable, 1, uint16(len(block))
	q.controls++
	q.control.push(h)
	return true
}

func (q *sendQueue) expire(h handle) {
	if m := &q.slots[h.index]; !m.control {
		*q.expired++
	}
	q.remove(h)
}

// ack marks a fragment as acked and reports whether a message was completed by that.
func (q *sendQueue) ack(h handle, frag uint8) bool {
	m := q.live(h)
	if m == nil {
		return false
	}
	m.acked |= 1 << frag
	m.lost &^= 1 << frag
	if bits.OnesCount64(m.acked) < int(m.n) {
		if m.lost != 0 && !m.again && !m.control { // refit waits for it
			m.again = true
			q.lost.push(h)
		}
		return false
	}
	done := !m.control
	q.remove(h)
	return done
}

// lose marks a fragment to be sent again and reports whether it is.
func (q *sendQueue) lose(h handle, frag uint8) bool {
	m := q.live(h)
	if m == nil || (m.acked|m.lost)&(1<<frag) != 0 {
		return false
	}
	m.lost |= 1 << frag
	switch {
	case m.control:
		q.control.push(h)
	case !m.again:
		m.again = true
		q.lost.push(h)
	}
	return true
}

// empty reports whether nothing waits to be sent; some of it may have expired.
func (q *sendQueue) empty() bool { return q.control.n == 0 && q.lost.n == 0 && q.fresh.n == 0 }

func (q *sendQueue) close() {
	for i := range q.slots {
		if m := &q.slots[i]; m.b != nil {
			q.remove(handle{int32(i), m.gen})
		}
	}
	*q = sendQueue{budget: q.budget, expired: q.expired, dropped: q.dropped}
}

// trim gives memory back if nothing is held. No handle of a message may be left.
func (q *sendQueue) trim() {
	if q.messages+q.controls == 0 && q.empty() {
		q.slots, q.free = nil, nil
		q.control, q.lost, q.fresh = fifo[handle]{}, fifo[handle]{}, fifo[handle]{}
	}
}
