package datagram

import (
	"context"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// waiting holds the packets whose destination's LeaseSet is being looked up.
//
//	first packet -> entry, request for a lookup -> found: all are sent, in order -> gone
//	                                            -> not found: all are dropped -> failed for failPause -> gone
type waiting struct {
	requests chan request

	mu      sync.Mutex // a leaf
	ended   bool
	entries map[i2p.Hash]*entry
}

// request asks for a lookup: a fresh one if nothing seems to arrive there, else the one that packets wait for.
type request struct {
	to    i2p.Hash
	fresh bool
}

type entry struct {
	packets []queued
	bytes   int       // memory of packets
	failed  time.Time // when the lookup failed; zero while it goes on
}

// queued is a packet on its way out.
type queued struct {
	kind  Kind
	ports Ports
	b     *buf.Buf
}

// What becomes of a packet.
type verdict uint8

const (
	waitGo     verdict = iota // it can go
	waitQueued                // it waits
	waitFull                  // no room: drop newest
	waitFailed                // there is no LeaseSet
)

func newWaiting() waiting {
	return waiting{requests: make(chan request, maxWaiting), entries: make(map[i2p.Hash]*entry)}
}

// add takes a packet, unless it can go because the LeaseSet is known and nothing waits in front of it.
func (w *waiting) add(to i2p.Hash, known bool, q queued, now time.Time) verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entries[to]
	if known && (e == nil || !e.failed.IsZero()) {
		delete(w.entries, to)
		return waitGo
	}
	if e != nil && !e.failed.IsZero() {
		if now.Sub(e.failed) < failPause {
			return waitFailed
		}
		delete(w.entries, to)
		e = nil
	}
	if w.ended {
		return waitFull
	}
	if e == nil {
		if len(w.entries) >= maxWaiting && !w.makeRoom() {
			return waitFull
		}
		if !w.request(to, false) {
			return waitFull
		}
		e = new(entry)
		w.entries[to] = e
	}
	if size := q.b.Footprint(); len(e.packets) < waitPackets && e.bytes+size <= waitBytes {
		e.packets = append(e.packets, q)
		e.bytes += size
		return waitQueued
	}
	return waitFull
}

// request asks for a lookup; false if too many are asked for: drop newest, the next packet asks again.
func (w *waiting) request(to i2p.Hash, fresh bool) bool {
	select {
	case w.requests <- request{to, fresh}:
		return true
	default:
		return false
	}
}

// makeRoom forgets a failed lookup.
func (w *waiting) makeRoom() bool {
	for h, e := range w.entries {
		if !e.failed.IsZero() {
			delete(w.entries, h)
			return true
		}
	}
	return false
}

// take returns the packets that wait for a destination; without any the entry goes.
func (w *waiting) take(to i2p.Hash) []queued {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entries[to]
	if e == nil {
		return nil
	}
	if len(e.packets) == 0 {
		delete(w.entries, to)
		return nil
	}
	packets := e.packets
	e.packets, e.bytes = nil, 0
	return packets
}

// fail marks a destination as not found and returns what waited.
func (w *waiting) fail(to i2p.Hash, now time.Time) []*buf.Buf {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entries[to]
	if e == nil {
		return nil
	}
	out := e.drain(nil)
	e.failed = now
	return out
}

func (e *entry) drain(out []*buf.Buf) []*buf.Buf {
	for _, q := range e.packets {
		out = append(out, q.b)
	}
	e.packets, e.bytes = nil, 0
	return out
}

// sweep forgets failed lookups.
func (w *waiting) sweep(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h, e := range w.entries {
		if !e.failed.IsZero() && now.Sub(e.failed) >= failPause {
			delete(w.entries, h)
		}
	}
}

// end refuses what comes and returns what waited.
func (w *waiting) end() (out []*buf.Buf) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for h, e := range w.entries {
		out = e.drain(out)
		delete(w.entries, h)
	}
	return out
}

func (w *waiting) len() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entries {
		n += len(e.packets)
	}
	return n
}

// lookupLoop serves requests until ctx ends.
func (s *Stack) lookupLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.waiting.requests:
			one, cancel := context.WithTimeout(ctx, lookupTime)
			err := s.carrier.Reach(one, r.to, r.fresh)
			cancel()
			if !r.fresh {
				s.reached(r.to, err)
			}
		}
	}
}

// reached ends the wait for a LeaseSet.
func (s *Stack) reached(to i2p.Hash, err error) {
	s.stats.lookups.Add(1)
	if err != nil {
		s.log.Debug("datagrams dropped: no lease set", "peer", to)
		s.drop(DropNoLeaseSet, s.waiting.fail(to, time.Now())...)
		return
	}
	// Packets that come meanwhile queue behind these.
	for packets := s.waiting.take(to); packets != nil; packets = s.waiting.take(to) {
		for _, q := range packets {
			_ = s.transmit(to, q.kind, q.ports, q.b) // counted there
		}
	}
}
