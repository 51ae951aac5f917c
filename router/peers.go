package router

import (
	"fmt"

	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
	"clove.i2p/router/tunnel/pool"
)

// hops chooses the routers of tunnels for one pool: the peer book draws among what the netDb knows.
type hops struct {
	*peer.Book
	router *Router
	client bool
}

func (h hops) Hops(d pool.Direction, n int) ([]*i2p.RouterInfo, error) {
	routers, err := h.Select(n, peer.Criteria{
		Self: h.router.hash, Inbound: d == pool.Inbound, Client: h.client,
		Reachable: h.router.mux.Reachable, ConnectedTo: h.router.mux.Connected,
	}, h.router.db.Routers)
	if err != nil {
		return nil, err
	}
	if len(routers) < n {
		return nil, fmt.Errorf("router: %d of %d hops: too few routers are known", len(routers), n)
	}
	return routers, nil
}

var _ pool.Peers = hops{}
