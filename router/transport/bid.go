package transport

import (
	"net/netip"
	"strings"

	"clove.i2p/router/i2p"
)

// A Bidder is a Transport that says what a session with a router would cost. One that is no Bidder bids baseCost for every
// router that it can reach.
type Bidder interface {
	// Bid is the cost of the cheapest way to dial ri; false where Reachable is. It does not depend on the time or on
	// earlier dials: the Mux adds what it knows of those.
	Bid(ri *i2p.RouterInfo) (Bid, bool)
}

// A Bid is what a transport would have to do for a session.
type Bid struct {
	// Cost of the way, the less the better: the published cost and what the way adds to it. See limits.go for the scale.
	Cost int
	// Path is how the router would be reached.
	Path Path
	// IPv6 tells that the address is one of IPv6.
	IPv6 bool
	// Hybrid tells that the dial begins with a post-quantum handshake: the router offers one that we have.
	Hybrid bool
}

// Path is how an address can be dialled.
type Path uint8

// NoPath addresses cannot be dialled, Direct ones have a host, Introduced ones take introducers, which are asked
// to tell the router of us.
const (
	NoPath Path = iota
	Direct
	Introduced
)

func (p Path) String() string {
	switch p {
	case Direct:
		return "direct"
	case Introduced:
		return "introduced"
	}
	return "none"
}

// PathOf is the path to an address for a transport that can send over IPv4, IPv6 or both: Direct where the address has host
// and port, Introduced where it has introducers (SSU2 options ih0 to ih2) instead.
func PathOf(a i2p.RouterAddress, ipv4, ipv6 bool) Path {
	if a.Options.Get("host") != "" {
		at := a.AddrPort()
		if at.IsValid() && (at.Addr().Is4() && ipv4 || at.Addr().Is6() && ipv6) {
			return Direct
		}
		return NoPath
	}
	caps := a.Caps()
	v4, v6 := strings.Contains(caps, "4"), strings.Contains(caps, "6")
	if !v4 && !v6 { // published without a word about it: i2pd and Java I2P take that for IPv4
		v4 = true
	}
	if !(v4 && ipv4 || v6 && ipv6) {
		return NoPath
	}
	for _, option := range []string{"ih0", "ih1", "ih2"} {
		if a.Options.Get(option) != "" {
			return Introduced
		}
	}
	return NoPath
}

// CheapestBid is the bid for the cheapest address of ri that path says can be dialled; false if there is none. A transport's Bid
// is this with a path that looks at style, version and keys as well.
func CheapestBid(ri *i2p.RouterInfo, path func(a i2p.RouterAddress) Path) (Bid, bool) {
	var best Bid
	for _, a := range ri.Addresses() {
		p := path(a)
		if p == NoPath {
			continue
		}
		b := Bid{Cost: min(int(a.Cost), maxPublishedCost), Path: p, IPv6: isIPv6(a)}
		if b.IPv6 {
			b.Cost += costIPv6
		}
		if p == Introduced {
			b.Cost += costIntroduced
		}
		if best.Path == NoPath || b.Cost < best.Cost {
			best = b
		}
	}
	return best, best.Path != NoPath
}

func isIPv6(a i2p.RouterAddress) bool {
	var host netip.Addr = a.Host()
	return host.Is6() || !host.IsValid() && !a.IsV4() && a.IsV6()
}
