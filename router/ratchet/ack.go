package ratchet

import "time"

// ackQueue are the messages that the peer wants acknowledged.
type ackQueue struct {
	list [maxAcks]MessageNumber
	n    int
	due  time.Time
}

func (q *ackQueue) add(m MessageNumber, now time.Time) {
	if q.n == 0 {
		q.due = now.Add(ackDelay)
	}
	if q.n == len(q.list) {
		copy(q.list[:], q.list[1:])
		q.n--
	}
	q.list[q.n] = m
	q.n++
}

// append moves as many as fit into an Ack block; room is the length that b may reach and allows for at least one.
func (q *ackQueue) append(b []byte, room int) []byte {
	n := min(q.n, (room-len(b)-BlockHeader)/4)
	b = AppendAck(b, q.list[:n])
	copy(q.list[:], q.list[n:q.n])
	q.n -= n
	return b
}

// confirmations are our own requests that wait for an acknowledgement.
type confirmations struct {
	list   [maxConfirm]confirmation
	next   int
	probed time.Time
}

type confirmation struct {
	message MessageNumber
	token   uint64
	waiting bool
}

func (c *confirmations) add(m MessageNumber, token uint64) {
	c.list[c.next] = confirmation{m, token, true}
	c.next = (c.next + 1) % len(c.list)
}

// take returns the token of an acknowledged message, 0 if it has none or is unknown.
func (c *confirmations) take(m MessageNumber) uint64 {
	for i := range c.list {
		if w := &c.list[i]; w.waiting && w.message == m {
			w.waiting = false
			return w.token
		}
	}
	return 0
}
