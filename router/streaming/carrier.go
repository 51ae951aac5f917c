package streaming

import (
	"context"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// Ports of a packet: those of the I2CP header, not of the streaming protocol. They choose a Listener; everything
// else goes by stream id, since i2pd answers from port 0 to port 0.
type Ports struct{ From, To uint16 }

func (p Ports) swap() Ports { return Ports{From: p.To, To: p.From} }

// A Carrier takes packets to other destinations. It is safe for concurrent use. Send may call Deliver of any Stack,
// the same one included; MTU may not.
type Carrier interface {
	// Reach returns when the LeaseSet of to is known; with fresh it is looked up anew.
	Reach(ctx context.Context, to i2p.Hash, fresh bool) error
	// Send takes one packet, with at least 200 bytes of head room; ownership moves, also with an error. It does not
	// block. An error means that the packet was not sent.
	Send(to i2p.Hash, p Ports, b *buf.Buf) error
	// MTU is the largest payload that travels well to to: MTU or MTURatchet.
	MTU(to i2p.Hash) int
}

// A BatchCarrier takes several packets to one destination at once; the slice is lent, the buffers move. A Carrier
// that has this method gets all packets through it.
type BatchCarrier interface {
	SendBatch(to i2p.Hash, p Ports, bs []*buf.Buf) error
}

// A Rerouter is a Carrier that can choose another lease and another outbound tunnel. It is told when nothing seems
// to arrive on the present ones. It does not block.
type Rerouter interface {
	Reroute(to i2p.Hash)
}
