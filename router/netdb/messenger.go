package netdb

import "clove.i2p/router/i2p"

// A Messenger sends for one view. A msg is an I2NP message in flight (short header and payload), it is lent. No
// method blocks.
type Messenger interface {
	// Direct sends to a router over a session with it.
	Direct(to i2p.Hash, msg []byte)
	// ThroughTunnel seals msg for the router in router garlic and sends it through an outbound tunnel of this
	// view. It fails when the view has none.
	ThroughTunnel(to *i2p.RouterInfo, msg []byte) error
	// Reply answers a message of another router.
	Reply(to ReplyTo, msg []byte)
}

// ReplyTo tells where an answer goes.
type ReplyTo struct {
	Gateway i2p.Hash
	Tunnel  i2p.TunnelID // 0: to Gateway itself
	Key     *[32]byte    // not nil: seal the answer with this key and Tag
	Tag     [8]byte
}

// A ReplyPath tells where answers to a view may come back.
type ReplyPath interface {
	// ReplyPath returns the gateway and the tunnel id of an inbound tunnel of this view, and a new key and tag that
	// open one answer. ok is false when the view has no inbound tunnel.
	ReplyPath() (gateway i2p.Hash, tunnel i2p.TunnelID, key [32]byte, tag [8]byte, ok bool)
}
