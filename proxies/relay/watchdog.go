package relay

import (
	"sync"
	"sync/atomic"
	"time"
)

// Watchdog calls a function once nothing has been touched for a limit. A touch is one atomic store; the timer is
// not moved by it.
type Watchdog struct {
	start time.Time
	last  atomic.Int64 // nanoseconds after start

	mu      sync.Mutex
	limit   time.Duration
	timer   *time.Timer
	expire  func()
	stopped bool
}

// NewWatchdog starts one. expire runs on a goroutine of its own and must not call Stop or Shorten.
func NewWatchdog(limit time.Duration, expire func()) *Watchdog {
	w := &Watchdog{start: time.Now(), limit: limit, expire: expire}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, w.check)
	return w
}

// Touch says that something moved.
func (w *Watchdog) Touch() { w.last.Store(int64(time.Since(w.start))) }

// Shorten lowers the limit and counts from now.
func (w *Watchdog) Shorten(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if limit >= w.limit || w.stopped {
		return
	}
	w.Touch()
	w.limit = limit
	w.timer.Reset(limit)
}

// Stop waits for an expire that is running; there is none afterwards.
func (w *Watchdog) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

func (w *Watchdog) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if left := w.limit - (time.Since(w.start) - time.Duration(w.last.Load())); left > 0 {
		w.timer.Reset(left)
		return
	}
	w.stopped = true
	w.expire()
}
