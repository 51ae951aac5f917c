package ntcp2

import (
	"net/netip"
	"sync"
	"time"
)

// A gate bounds the inbound handshakes: in total, by source, and for sources that keep failing. A source is an IPv4
// address or an IPv6 /64.
type gate struct {
	maxTotal, maxPerIP int
	open               bool // no limits by source: private networks share addresses

	mu       sync.Mutex
	total    int
	pending  map[netip.Prefix]int
	failures map[netip.Prefix]failures
	probes   int
}

type failures struct {
	n     int
	first time.Time
}

func newGate(maxTotal, maxPerIP int, open bool) *gate {
	return &gate{
		maxTotal: maxTotal, maxPerIP: maxPerIP, open: open,
		pending: make(map[netip.Prefix]int), failures: make(map[netip.Prefix]failures),
	}
}

// enter takes a place for a handshake; if it returns true, leave must follow.
func (g *gate) enter(from netip.Addr, now time.Time) bool {
	source := sourceOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= g.maxTotal {
		return false
	}
	if !g.open {
		if f, ok := g.failures[source]; ok && now.Sub(f.first) >= failureWindow {
			delete(g.failures, source)
		} else if f.n >= maxFailuresPerIP {
			return false
		}
		if g.pending[source] >= g.maxPerIP {
			return false
		}
	}
	g.total++
	g.pending[source]++
	return true
}

// leave gives the place back.
func (g *gate) leave(from netip.Addr) {
	source := sourceOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.pending[source]--; g.pending[source] == 0 {
		delete(g.pending, source)
	}
}

// failed counts a handshake that a real router does not cause.
func (g *gate) failed(from netip.Addr, now time.Time) {
	source := sourceOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.failures[source]
	if !ok || now.Sub(f.first) >= failureWindow {
		f = failures{first: now}
		if len(g.failures) >= maxFailureEntries {
			clear(g.failures) // a flood from very many sources: counting them does not stop it
		}
	}
	f.n++
	g.failures[source] = f
}

// probe takes a place for the slow close of a failed handshake; if it returns true, probed must follow.
func (g *gate) probe() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.probes >= maxProbes {
		return false
	}
	g.probes++
	return true
}

func (g *gate) probed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.probes--
}

func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil { // no IP at all, such as a pipe
		return netip.Prefix{}
	}
	return p
}
