package ssu2

import (
	"net/netip"
	"sync"
	"time"
)

// A gate bounds the inbound handshakes: in total, by source, and for sources that keep failing; and the sessions of one
// source, as identities cost nothing and addresses do. A source is an IPv4 address or an IPv6 /64, for sessions a /48.
// It is asked only after the source has shown with a token that it receives packets there.
type gate struct {
	maxTotal, maxPerIP int
	open               bool // no limits by source: private networks share addresses

	mu       sync.Mutex
	total    int
	pending  map[netip.Prefix]int
	sessions map[netip.Prefix]int
	recent   map[netip.Prefix]attempts
}

// attempts are the handshakes of one source since the first of them, for one attemptWindow.
type attempts struct {
	all, failed int
	first       time.Time
}

func newGate(maxTotal, maxPerIP int, open bool) *gate {
	return &gate{
		maxTotal: maxTotal, maxPerIP: maxPerIP, open: open,
		pending: make(map[netip.Prefix]int), sessions: make(map[netip.Prefix]int),
		recent: make(map[netip.Prefix]attempts),
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
		a := g.attempts(source, now)
		if a.failed >= maxFailuresPerIP || a.all >= maxAttemptsPerIP {
			return false
		}
		if g.pending[source] >= g.maxPerIP || g.sessions[siteOf(from)] >= maxSessionsPerIP {
			return false
		}
		a.all++
		g.recent[source] = a
	}
	g.total++
	g.pending[source]++
	return true
}

// attempts of a source within the window. The lock is held.
func (g *gate) attempts(source netip.Prefix, now time.Time) attempts {
	a, ok := g.recent[source]
	if ok && now.Sub(a.first) < attemptWindow {
		return a
	}
	if !ok && len(g.recent) >= maxAttemptEntries {
		clear(g.recent) // a flood from very many sources: counting them does not stop it
	}
	return attempts{first: now}
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
	a := g.attempts(source, now)
	a.failed++
	g.recent[source] = a
}

// opened counts a session; closed must follow.
func (g *gate) opened(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[siteOf(from)]++
}

func (g *gate) closed(from netip.Addr) {
	site := siteOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[site]--; g.sessions[site] == 0 {
		delete(g.sessions, site)
	}
}

func sourceOf(a netip.Addr) netip.Prefix { return prefixOf(a, 64) }

func siteOf(a netip.Addr) netip.Prefix { return prefixOf(a, 48) }

// prefixOf is an IPv4 address, or so many bits of an IPv6 one.
func prefixOf(a netip.Addr, bits int) netip.Prefix {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil { // no IP at all, such as a pipe
		return netip.Prefix{}
	}
	return p
}
