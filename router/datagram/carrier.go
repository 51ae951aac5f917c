package datagram

import (
	"context"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// Ports of a packet: those of the I2CP header. 0 is none.
type Ports struct{ From, To uint16 }

// A Carrier takes packets to other destinations. It is safe for concurrent use.
type Carrier interface {
	// Known reports whether the LeaseSet of to is known and lasts: whether Send would do.
	Known(to i2p.Hash) bool
	// Reach returns when the LeaseSet of to is known; with fresh it is looked up anew, and the path to it given up: nothing
	// seems to arrive.
	Reach(ctx context.Context, to i2p.Hash, fresh bool) error
	// Send takes one packet of up to MaxPacket bytes at the start of its buffer; ownership moves, also with an error. It
	// does not block. An error means that the packet was not sent.
	Send(to i2p.Hash, kind Kind, p Ports, b *buf.Buf) error
}
