package ntcp2

import (
	"slices"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

var _ transport.Bidder = (*Transport)(nil)

// Bid is the cost of the cheapest address that Dial would try.
func (t *Transport) Bid(ri *i2p.RouterInfo) (transport.Bid, bool) {
	if ri.NetworkID() != t.cfg.NetworkID {
		return transport.Bid{}, false
	}
	targets := t.targets(ri)
	b, ok := transport.CheapestBid(ri, func(a i2p.RouterAddress) transport.Path {
		key, _ := a.StaticKey()
		if isNTCP2(a) && slices.ContainsFunc(targets, func(to target) bool { return to.at == a.AddrPort() && to.peer == key }) {
			return transport.Direct
		}
		return transport.NoPath
	})
	b.Hybrid = ok && targets[0].hybrid != 0 // then all that Dial tries are
	return b, ok
}
