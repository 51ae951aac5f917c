package transit

import (
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A queue holds build requests that wait for a worker, bounded in all and shared fairly: peers take turns, and when it
// is full the longest of them loses its oldest, which its creator gives up first.
type queue struct {
	max  int
	wake chan struct{} // one token while something waits

	mu    sync.Mutex
	peers map[i2p.Hash]*turn
	turns []*turn // peers that wait, the next one first
	n     int
}

// A turn is what one peer waits for.
type turn struct {
	peer     i2p.Hash
	requests []waiting
}

type waiting struct {
	msg *buf.Buf
	at  time.Time
}

func newQueue(n int) *queue {
	return &queue{max: n, wake: make(chan struct{}, 1), peers: make(map[i2p.Hash]*turn)}
}

// push adds a request. It returns the request that had to make room, which may be the new one, or nil; the caller
// releases it.
func (q *queue) push(from i2p.Hash, msg *buf.Buf, now time.Time) *buf.Buf {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out *buf.Buf
	if q.n >= q.max {
		longest := q.turns[0]
		for _, w := range q.turns[1:] {
			if len(w.requests) > len(longest.requests) {
				longest = w
			}
		}
		if own := q.peers[from]; own == nil && len(longest.requests) < 2 {
			return msg // as many peers as places
		}
		out = q.shift(longest)
	}
	w := q.peers[from]
	if w == nil {
		w = &turn{peer: from}
		q.peers[from] = w
		q.turns = append(q.turns, w)
	}
	w.requests = append(w.requests, waiting{msg, now})
	q.n++
	q.signal()
	return out
}

// pop takes the next request; ok is false if there is none.
func (q *queue) pop() (from i2p.Hash, w waiting, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return from, w, false
	}
	next := q.turns[0]
	w.at = next.requests[0].at
	from = next.peer
	w.msg = q.shift(next)
	if len(next.requests) > 0 { // to the end of the line
		copy(q.turns, q.turns[1:])
		q.turns[len(q.turns)-1] = next
	}
	if q.n > 0 {
		q.signal()
	}
	return from, w, true
}

// shift takes the oldest request of one peer.
func (q *queue) shift(w *turn) *buf.Buf {
	msg := w.requests[0].msg
	w.requests[0] = waiting{}
	w.requests = w.requests[1:]
	q.n--
	if len(w.requests) == 0 {
		delete(q.peers, w.peer)
		for i := range q.turns {
			if q.turns[i] == w {
				q.turns = append(q.turns[:i], q.turns[i+1:]...)
				break
			}
		}
	}
	return msg
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // a token is there
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// clear releases all that waits.
func (q *queue) clear() {
	for {
		_, w, ok := q.pop()
		if !ok {
			return
		}
		w.msg.Release()
	}
}
