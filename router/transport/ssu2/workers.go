package ssu2

import (
	"net/netip"
	"sync"

	"clove.i2p/router/transport"
)

// workers do what is expensive in inbound handshakes: at most maxWorkerQueue steps wait, maxWorkerQueuePerIP of one
// source, and the sources take turns, so that one that asks for much keeps nobody else waiting.
type workers struct {
	open bool // no bound by source: private networks share addresses

	mu     sync.Mutex
	wake   sync.Cond
	queues map[netip.Prefix][]func()
	turns  []netip.Prefix // sources with something queued
	n      int
	closed bool
}

func newWorkers(open bool) *workers {
	w := &workers{open: open, queues: make(map[netip.Prefix][]func())}
	w.wake.L = &w.mu
	return w
}

// put queues a step, and reports whether there was room.
func (w *workers) put(from netip.Addr, step func()) bool {
	source := transport.SourceOf(from)
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.queues[source]
	if w.closed || w.n >= maxWorkerQueue || !w.open && len(q) >= maxWorkerQueuePerIP {
		return false
	}
	if len(q) == 0 {
		w.turns = append(w.turns, source)
	}
	w.queues[source] = append(q, step)
	w.n++
	w.wake.Signal()
	return true
}

// run is the goroutine of one worker.
func (w *workers) run() {
	for {
		step := w.take()
		if step == nil {
			return
		}
		step()
	}
}

func (w *workers) take() func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.n == 0 && !w.closed {
		w.wake.Wait()
	}
	if w.closed {
		return nil
	}
	source := w.turns[0]
	w.turns = w.turns[1:]
	q := w.queues[source]
	step := q[0]
	if q = q[1:]; len(q) == 0 {
		delete(w.queues, source)
	} else {
		w.queues[source] = q
		w.turns = append(w.turns, source)
	}
	w.n--
	return step
}

// close ends the workers; what is queued is dropped.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake.Broadcast()
}
