package flow

import "math/bits"

// A pick is the block to be sent next.
type pick struct {
	h    handle
	m    *outMessage
	frag uint8
	size int // of the block with its header
	from *fifo[handle]
}

// pickControl finds the next control block.
func (q *sendQueue) pickControl(t instant) (pick, bool) {
	for q.control.n > 0 {
		h := q.control.front()
		m := q.live(h)
		switch {
		case m == nil:
		case t >= m.expires:
			q.remove(h)
		default:
			return pick{h: h, m: m, size: m.b.Len(), from: &q.control}, true
		}
		q.control.pop()
	}
	return pick{}, false
}

// pick finds the next lost or new fragment for packets of payloads of size bytes. Expired messages are dropped on the way. A message of which
// longer fragments were sent, for payloads of up to soon bytes, waits, as these will pass again.
func (q *sendQueue) pick(t instant, size, soon int) (pick, bool) {
	if q.lost.n > 0 {
		if p, ok := q.pickLost(t, size, soon); ok {
			return p, true
		}
	}
	return q.pickFresh(t, size, soon)
}

func (q *sendQueue) pickLost(t instant, size, soon int) (pick, bool) {
	for q.lost.n > 0 {
		h := q.lost.front()
		m := q.live(h)
		if m != nil && m.lost != 0 && t < m.expires {
			p := pick{h: h, m: m, frag: uint8(bits.TrailingZeros64(m.lost)), from: &q.lost}
			if p.size = m.blockLen(p.frag); p.size <= soon {
				return p, p.size <= size
			}
			q.lost.pop()
			m.again = false
			q.refit(h, m)
			continue
		}
		q.lost.pop()
		if m == nil {
			continue
		}
		if m.again = false; t >= m.expires {
			q.expire(h)
		}
	}
	return pick{}, false
}

func (q *sendQueue) pickFresh(t instant, size, soon int) (pick, bool) {
	for q.fresh.n > 0 {
		h := q.fresh.front()
		m := q.live(h)
		if m != nil && t < m.expires {
			if m.n == 0 {
				m.divide(size)
			}
			p := pick{h: h, m: m, frag: m.next, size: m.blockLen(m.next), from: &q.fresh}
			switch {
			case p.size <= size:
				return p, true
			case m.next == 0:
				m.n = 0
				continue
			case p.size <= soon:
				return p, false
			}
			q.fresh.pop()
			if q.refit(h, m); q.live(h) != nil { // half sent, and on its way: no second chance for this one
				*q.dropped++
				q.remove(h)
			}
			continue
		}
		q.fresh.pop()
		if m != nil {
			q.expire(h)
		}
	}
	return pick{}, false
}

// ready reports whether pick is worth a call: false if all that may go first waits for longer payloads.
func (q *sendQueue) ready(size, soon int) bool {
	waits := func(m *outMessage, frag uint8) bool { n := m.blockLen(frag); return n > size && n <= soon }
	if q.lost.n > 0 {
		m := q.live(q.lost.front())
		if m == nil || m.lost == 0 || !waits(m, uint8(bits.TrailingZeros64(m.lost))) {
			return true
		}
	}
	if q.fresh.n > 0 {
		m := q.live(q.fresh.front())
		return m == nil || m.next == 0 || !waits(m, m.next)
	}
	return false
}

// refit starts a message over that was divided for a larger MTU, when all that was sent of it is known to be lost: acks that came later did not include it. If
// some of it arrived nobody could put the two divisions together, as fragments do not tell their offset, and the message is dropped.
func (q *sendQueue) refit(h handle, m *outMessage) {
	if m.acked != 0 {
		*q.dropped++
		q.remove(h)
		return
	}
	if sent := uint64(1)<<m.next - 1; sent&^m.lost != 0 {
		return // the next loss, or ack, brings it back
	}
	m.gen++
	m.n, m.next, m.lost, m.again = 0, 0, 0, false
	q.fresh.push(handle{h.index, m.gen})
}

// took marks a pick as sent. It reports whether its ack matters.
func (q *sendQueue) took(p pick) bool {
	switch {
	case p.m.control:
		q.control.pop()
		if !p.m.reliable {
			q.remove(p.h)
			return false
		}
		p.m.lost = 0
	case p.from == &q.lost:
		p.m.lost &^= 1 << p.frag
		if p.m.lost == 0 {
			p.m.again = false
			q.lost.pop()
		}
	default:
		if p.m.next++; p.m.next == p.m.n {
			q.fresh.pop()
		}
	}
	return true
}
