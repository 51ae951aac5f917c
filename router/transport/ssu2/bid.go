package ssu2

import (
	"net/netip"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

var _ transport.Bidder = (*Transport)(nil)

// Bid is the cost of the cheapest address that Dial would try.
func (t *Transport) Bid(ri *i2p.RouterInfo) (transport.Bid, bool) {
	if ri.NetworkID() != t.cfg.NetworkID {
		return transport.Bid{}, false
	}
	v4, v6 := t.socketFor(anyOf(nat.V4)) >= 0, t.socketFor(anyOf(nat.V6)) >= 0
	b, ok := transport.CheapestBid(ri, func(a i2p.RouterAddress) transport.Path {
		to, ok := parseTarget(a)
		if !ok {
			return transport.NoPath
		}
		p := transport.PathOf(a, v4, v6)
		if p == transport.Direct && !t.mayDialAt(to.at) || p == transport.Introduced && len(t.introducersOf(a)) == 0 {
			return transport.NoPath
		}
		return p
	})
	b.Hybrid = ok && t.hybrid(ri)
	return b, ok
}

// hybrid reports whether Dial begins with a hybrid handshake.
func (t *Transport) hybrid(ri *i2p.RouterInfo) bool {
	if to := t.targets(ri); len(to) > 0 {
		return t.variantFor(to[0], to[0].at.Addr()) != wire.Plain
	}
	through := t.introduced(ri)
	return len(through) > 0 && t.variantFor(through[0], netip.IPv6Unspecified()) != wire.Plain // of both IP versions the one with less room
}
