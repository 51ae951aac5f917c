package transport

import (
	"net/netip"
	"sync"
	"time"

	"clove.i2p/router/netaddr"
)

// A Gate bounds the inbound handshakes of a transport: in total, by source, by network, and for sources that keep failing; and the
// sessions of one source, as identities cost nothing and addresses do. A source is an IPv4 address or an IPv6 /64, for sessions a
// /48; a network an IPv4 /24 or an IPv6 /48, of which one operator has all; a region an IPv4 /16 or an IPv6 /32, of which he may
// have very many networks. Networks and regions are bounded by a share of the places that are free: who has many of them leaves
// some, and those go to whoever has none yet. It is safe for concurrent use.
type Gate struct {
	maxTotal, maxPerSource int
	open                   bool // no limits by source: private networks share addresses

	mu       sync.Mutex
	total    int
	pending  map[netip.Prefix]int // of sources
	networks map[netip.Prefix]int // of pending
	regions  map[netip.Prefix]int // likewise
	sessions map[netip.Prefix]int
	recent   map[netip.Prefix]attempts
}

// attempts are the handshakes of one source since the first of them, for one attemptWindow.
type attempts struct {
	all, failed int
	first       time.Time
}

// NewGate bounds the handshakes under way: in total, and those of one source. open takes all limits by source away.
func NewGate(maxTotal, maxPerSource int, open bool) *Gate {
	return &Gate{
		maxTotal: maxTotal, maxPerSource: maxPerSource, open: open,
		pending: make(map[netip.Prefix]int), networks: make(map[netip.Prefix]int), regions: make(map[netip.Prefix]int),
		sessions: make(map[netip.Prefix]int), recent: make(map[netip.Prefix]attempts),
	}
}

// Enter takes a place for a handshake; if it returns true, Leave must follow.
func (g *Gate) Enter(from netip.Addr, now time.Time) bool {
	source, network, region := SourceOf(from), groupOf(from), regionOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	free := g.maxTotal - g.total
	if free <= 0 {
		return false
	}
	if !g.open {
		a := g.attempts(source, now)
		if a.failed >= maxFailuresPerSource || a.all >= maxAttemptsPerSource {
			return false
		}
		if g.pending[source] >= g.maxPerSource || g.sessions[siteOf(from)] >= maxSessionsPerSource {
			return false
		}
		if g.networks[network] >= max(free/networkShare, 1) || g.regions[region] >= max(free/regionShare, 1) {
			return false
		}
		a.all++
		g.recent[source] = a
	}
	g.total++
	g.pending[source]++
	g.networks[network]++
	g.regions[region]++
	return true
}

// attempts of a source within the window. The lock is held.
func (g *Gate) attempts(source netip.Prefix, now time.Time) attempts {
	a, ok := g.recent[source]
	if ok && now.Sub(a.first) < attemptWindow {
		return a
	}
	if !ok && len(g.recent) >= maxAttemptEntries {
		clear(g.recent) // a flood from very many sources: counting them does not stop it
	}
	return attempts{first: now}
}

// Leave gives the place back.
func (g *Gate) Leave(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	oneLess(g.pending, SourceOf(from))
	oneLess(g.networks, groupOf(from))
	oneLess(g.regions, regionOf(from))
}

// Failed counts a handshake that a real router does not cause.
func (g *Gate) Failed(from netip.Addr, now time.Time) {
	source := SourceOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.attempts(source, now)
	a.failed++
	g.recent[source] = a
}

// Opened counts a session; Closed must follow.
func (g *Gate) Opened(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[siteOf(from)]++
}

// Closed ends what Opened counted.
func (g *Gate) Closed(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	oneLess(g.sessions, siteOf(from))
}

// Sources is how many sources it knows something of.
func (g *Gate) Sources() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.recent) + len(g.pending)
}

func oneLess(m map[netip.Prefix]int, k netip.Prefix) {
	if m[k]--; m[k] == 0 {
		delete(m, k)
	}
}

// SourceOf is the network that one host may have for itself: an IPv4 address, an IPv6 /64.
func SourceOf(a netip.Addr) netip.Prefix { return netaddr.Group(a, 32, 64) }

func siteOf(a netip.Addr) netip.Prefix { return netaddr.Group(a, 32, 48) }

func regionOf(a netip.Addr) netip.Prefix { return netaddr.Group(a, 16, 32) }

// groupOf is the network that an address counts for.
func groupOf(a netip.Addr) netip.Prefix { return netaddr.Group(a, 24, 48) }
