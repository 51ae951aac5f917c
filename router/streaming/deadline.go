package streaming

import (
	"sync"
	"time"
)

// A deadline is a channel that closes at a time that may be moved.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	past  chan struct{}
}

func newDeadline() deadline { return deadline{past: make(chan struct{})} }

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.past // the timer fired: wait until it has closed the channel
	}
	d.timer = nil
	closed := isClosed(d.past)
	if t.IsZero() {
		if closed {
			d.past = make(chan struct{})
		}
		return
	}
	if left := time.Until(t); left > 0 {
		if closed {
			d.past = make(chan struct{})
		}
		past := d.past
		d.timer = time.AfterFunc(left, func() { close(past) })
		return
	}
	if !closed {
		close(d.past)
	}
}

// stop ends the timer without a signal.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && d.timer.Stop() {
		d.timer = nil
	}
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.past
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
