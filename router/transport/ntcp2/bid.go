package ntcp2

import (
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

var _ transport.Bidder = (*Transport)(nil)

// Bid is the cost of the cheapest address that Dial would try.
func (t *Transport) Bid(ri *i2p.RouterInfo) (transport.Bid, bool) {
	if !t.Reachable(ri) {
		return transport.Bid{}, false
	}
	b, ok := transport.CheapestBid(ri, func(a i2p.RouterAddress) transport.Path {
		at := a.AddrPort()
		if !isNTCP2(a) || !at.IsValid() || !t.mayDial(at.Addr()) {
			return transport.NoPath
		}
		return transport.Direct
	})
	b.Hybrid = ok && t.targets(ri)[0].hybrid != 0 // then all that Dial tries are
	return b, ok
}
