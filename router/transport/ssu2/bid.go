package ssu2

import (
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

var _ transport.Bidder = (*Transport)(nil)

// Bid is the cost of the cheapest address that Dial would try.
func (t *Transport) Bid(ri *i2p.RouterInfo) (transport.Bid, bool) {
	if ri.NetworkID() != t.cfg.NetworkID {
		return transport.Bid{}, false
	}
	v4, v6 := t.socketFor(anyOf(familyOf(false))) >= 0, t.socketFor(anyOf(familyOf(true))) >= 0
	return transport.CheapestBid(ri, func(a i2p.RouterAddress) transport.Path {
		to, ok := parseTarget(a)
		if !ok {
			return transport.NoPath
		}
		p := transport.PathOf(a, v4, v6)
		if p == transport.Direct && !t.mayDial(to.at.Addr()) || p == transport.Introduced && len(t.introducersOf(a)) == 0 {
			return transport.NoPath
		}
		return p
	})
}
