package peer

import (
	"errors"
	"iter"

	"clove.i2p/router/i2p"
)

// ErrNoPeers means that no router fits, even with every preference dropped.
var ErrNoPeers = errors.New("peer: no router fits")

// Candidates are the RouterInfos to choose from; netdb's DB.Routers is one.
type Candidates = iter.Seq[*i2p.RouterInfo]

// Criteria of a selection.
type Criteria struct {
	// Self is our own router, which is never chosen.
	Self i2p.Hash
	// Exclude more routers; may be nil.
	Exclude func(i2p.Hash) bool
	// Inbound: the first hop is a gateway that strangers connect to, the last is our neighbour. Otherwise the
	// first is our neighbour and the last an endpoint that connects to strangers.
	Inbound bool
	// Client tunnels prefer fast routers (class O, P, X) without congestion.
	Client bool
	// Reachable reports whether our transports can dial a router; nil: all. It is asked for our neighbour.
	Reachable func(*i2p.RouterInfo) bool
	// ConnectedTo reports whether we have a session with a router; nil: none.
	ConnectedTo func(i2p.Hash) bool
}

// Select draws up to n distinct hops, in the order that a message passes them. It returns fewer when the network is
// too small, and ErrNoPeers when there are none.
func (b *Book) Select(n int, c Criteria, candidates Candidates) ([]*i2p.RouterInfo, error) {
	return nil, ErrNoPeers
}
