package streaming

import (
	"sync"
	"time"
)

// timers is a heap of connections by their next deadline. A connection whose deadline moves back stays where it is
// and is found too early; that is cheaper than to move it with every acknowledgement. Times are since Stack.epoch.
type timers struct {
	mu   sync.Mutex
	heap []*Conn
	wake chan struct{} // the first deadline moved forward
}

func newTimers() timers { return timers{wake: make(chan struct{}, 1)} }

// set moves the deadline of c to at, if that is earlier or c has none.
func (t *timers) set(c *Conn, at time.Duration) {
	t.mu.Lock()
	switch {
	case c.timer.index < 0:
		c.timer.index = len(t.heap)
		c.timer.at = at
		t.heap = append(t.heap, c)
	case at < c.timer.at:
		c.timer.at = at
	default:
		t.mu.Unlock()
		return
	}
	t.up(c.timer.index)
	first := t.heap[0] == c
	t.mu.Unlock()
	if first {
		select {
		case t.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// due removes the connections whose time has come and appends them to out. next is the time of the first that
// remains, 0 if none does.
func (t *timers) due(now time.Duration, out []*Conn) (_ []*Conn, next time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.heap) > 0 {
		c := t.heap[0]
		if c.timer.at > now {
			return out, c.timer.at
		}
		t.remove(0)
		out = append(out, c)
	}
	return out, 0
}

// forget removes c.
func (t *timers) forget(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.timer.index >= 0 {
		t.remove(c.timer.index)
	}
}

func (t *timers) remove(i int) {
	last := len(t.heap) - 1
	t.heap[i].timer.index = -1
	if i != last {
		t.heap[i] = t.heap[last]
		t.heap[i].timer.index = i
	}
	t.heap[last] = nil
	t.heap = t.heap[:last]
	if i != last {
		t.down(i)
		t.up(i)
	}
}

func (t *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.heap[parent].timer.at <= t.heap[i].timer.at {
			return
		}
		t.swap(i, parent)
		i = parent
	}
}

func (t *timers) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			return
		}
		if r := child + 1; r < len(t.heap) && t.heap[r].timer.at < t.heap[child].timer.at {
			child = r
		}
		if t.heap[i].timer.at <= t.heap[child].timer.at {
			return
		}
		t.swap(i, child)
		i = child
	}
}

func (t *timers) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].timer.index, t.heap[j].timer.index = i, j
}
