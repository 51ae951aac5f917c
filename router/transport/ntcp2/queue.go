package ntcp2

import (
	"sync"
	"sync/atomic"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

// A sendQueue is the ring between the senders and the writer of one session: one lock per batch of messages, and one wake-up
// when the writer waits.
type sendQueue struct {
	limit int           // messages
	all   *atomic.Int64 // bytes of all rings

	mu      sync.Mutex
	wake    sync.Cond
	ring    []*buf.Buf // length is 0 or a power of two
	head, n int
	bytes   int
	dropped uint64

	dateTime   bool   // send one
	routerInfo []byte // send it, if not nil
	closing    bool   // no more messages; after the last one say reason
	reason     transport.Reason
	dead       bool // the connection is gone
}

func newSendQueue(limit int, all *atomic.Int64) *sendQueue {
	q := &sendQueue{limit: limit, all: all}
	q.wake.L = &q.mu
	return q
}

// put queues messages and returns how many fit. The others, the newest, are released.
func (q *sendQueue) put(msgs []*buf.Buf) int {
	took := 0
	q.mu.Lock()
	if !q.closing && !q.dead {
		for _, b := range msgs {
			if q.n == q.limit || q.n > 0 && !q.room(b.Footprint()) || b.Len() < shortHeaderLen || b.Len() > maxMessage {
				break
			}
			q.push(b)
			took++
		}
	}
	q.dropped += uint64(len(msgs) - took)
	q.mu.Unlock()
	if took > 0 {
		q.wake.Signal()
	}
	for _, b := range msgs[took:] {
		b.Release()
	}
	return took
}

// room reports whether n more bytes fit, in this ring and, beyond its least, in all of them.
func (q *sendQueue) room(n int) bool {
	return q.bytes+n <= maxQueueBytes && (q.bytes+n <= leastQueueBytes || q.all.Load()+int64(n) <= maxAllQueues)
}

// charge books n bytes.
func (q *sendQueue) charge(n int) {
	q.bytes += n
	q.all.Add(int64(n))
}

func (q *sendQueue) push(b *buf.Buf) {
	if q.n == len(q.ring) {
		grown := make([]*buf.Buf, max(16, 2*q.n))
		for i := range q.n {
			grown[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = b
	q.n++
	q.charge(b.Footprint())
}

// work is what the writer does next.
type work struct {
	msgs       []*buf.Buf
	dateTime   bool
	routerInfo []byte
	closing    bool // after msgs
	reason     transport.Reason
}

// take waits for work and appends messages to w.msgs, as many as fit into size bytes of blocks; a longer one goes alone. It returns
// false when the connection is gone.
func (q *sendQueue) take(w *work, size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 && !q.dateTime && q.routerInfo == nil && !q.closing && !q.dead {
		q.wake.Wait()
	}
	if q.dead {
		return false
	}
	w.dateTime, w.routerInfo = q.dateTime, q.routerInfo
	q.dateTime, q.routerInfo = false, nil
	for q.n > 0 {
		b := q.ring[q.head]
		if size -= blockHeaderLen + b.Len(); size < 0 && (len(w.msgs) > 0 || w.dateTime || w.routerInfo != nil) {
			break
		}
		q.ring[q.head] = nil
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.n--
		q.charge(-b.Footprint())
		w.msgs = append(w.msgs, b)
	}
	w.closing, w.reason = q.closing && q.n == 0 && size >= 0, q.reason
	return true
}

// remind asks for a DateTime block, and for a RouterInfo block if it is not nil.
func (q *sendQueue) remind(dateTime bool, routerInfo []byte) {
	q.mu.Lock()
	q.dateTime = q.dateTime || dateTime
	if routerInfo != nil {
		q.routerInfo = routerInfo
	}
	q.mu.Unlock()
	q.wake.Signal()
}

// close refuses further messages and reports whether it was the first. The writer sends what there is, then the reason.
func (q *sendQueue) close(reason transport.Reason) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing || q.dead {
		return false
	}
	q.closing, q.reason = true, reason
	q.wake.Signal()
	return true
}

// kill ends the writer and releases what is queued. It reports whether close was called before.
func (q *sendQueue) kill() (closing bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead = true
	for ; q.n > 0; q.n-- {
		q.ring[q.head].Release()
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.dropped++
	}
	q.charge(-q.bytes)
	q.ring, q.head = nil, 0
	q.wake.Signal()
	return q.closing
}

func (q *sendQueue) status() (queued int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n, q.dropped
}
