package tunnel

import (
	"encoding/binary"
	"fmt"

	"clove.i2p/router/i2p"
)

// DeliveryType tells an endpoint where a message goes.
type DeliveryType uint8

// The delivery types (tunnel-message.md, "First Fragment Delivery Instructions", bits 6-5). DeliveryLocal is for
// inbound tunnels only.
const (
	DeliveryLocal  DeliveryType = 0
	DeliveryTunnel DeliveryType = 1
	DeliveryRouter DeliveryType = 2
)

// String is the name in the specification.
func (t DeliveryType) String() string {
	switch t {
	case DeliveryLocal:
		return "LOCAL"
	case DeliveryTunnel:
		return "TUNNEL"
	case DeliveryRouter:
		return "ROUTER"
	}
	return "invalid"
}

// Delivery is where an endpoint is to deliver a message: to itself, to the gateway of a tunnel (Router and Tunnel),
// or to a router (Router).
type Delivery struct {
	Type   DeliveryType
	Router i2p.Hash
	Tunnel i2p.TunnelID
}

// The delivery instructions of a first fragment (flag bit 7 is 0), which may be the only one:
//
//	flag 1 | [tunnel id 4] | [to 32] | [message id 4] | size 2
//
// flag: bits 6-5 delivery type, bit 4 delay and bit 2 extended options (never used, refused), bit 3 fragmented;
// bits 1-0 reserved. The tunnel id is there for TUNNEL, to for TUNNEL and ROUTER, the message id if fragmented.
//
// Of a follow-on fragment (flag bit 7 is 1):
//
//	flag 1 | message id 4 | size 2
//
// flag: bits 6-1 the number of the fragment, 1 to 63; bit 0 last.
const (
	flagFollow     = 0x80
	flagDelay      = 0x10
	flagFragmented = 0x08
	flagExtended   = 0x04

	followLen  = 7
	followRoom = roomLen - followLen // 996
)

// A fragment is delivery instructions and the bytes that they are about.
type fragment struct {
	follow   bool
	delivery Delivery // of a first fragment
	split    bool     // there are follow-on fragments; true for them too
	id       uint32   // if split
	number   int      // 0 for a first fragment
	last     bool     // of a follow-on fragment
	data     []byte   // lent, not empty
}

// parseFragment takes one fragment off b.
func parseFragment(b []byte) (f fragment, rest []byte, err error) {
	flag := b[0]
	b = b[1:]
	switch {
	case flag&flagFollow != 0:
		f.follow, f.split = true, true
		f.number, f.last = int(flag>>1&0x3f), flag&1 != 0
		if f.number == 0 {
			return f, nil, fmt.Errorf("%w: follow-on fragment 0", ErrMalformed)
		}
	case flag&(flagDelay|flagExtended) != 0:
		return f, nil, fmt.Errorf("%w: delivery flag %#x", ErrMalformed, flag)
	default:
		if b, err = f.delivery.parse(DeliveryType(flag>>5&3), b); err != nil {
			return f, nil, err
		}
		f.split = flag&flagFragmented != 0
	}
	if f.split {
		if len(b) < 4 {
			return f, nil, fmt.Errorf("%w: delivery instructions cut", ErrMalformed)
		}
		f.id = binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	if len(b) < 2 {
		return f, nil, fmt.Errorf("%w: delivery instructions cut", ErrMalformed)
	}
	size := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if size == 0 || size > len(b) {
		return f, nil, fmt.Errorf("%w: fragment of %d bytes, %d there", ErrMalformed, size, len(b))
	}
	f.data = b[:size:size]
	return f, b[size:], nil
}

func (d *Delivery) parse(t DeliveryType, b []byte) (rest []byte, err error) {
	d.Type = t
	switch t {
	case DeliveryLocal:
		return b, nil
	case DeliveryTunnel:
		if len(b) < 36 {
			return nil, fmt.Errorf("%w: delivery instructions cut", ErrMalformed)
		}
		if d.Tunnel = i2p.TunnelID(binary.BigEndian.Uint32(b)); d.Tunnel == 0 {
			return nil, fmt.Errorf("%w: delivery to tunnel 0", ErrMalformed)
		}
		d.Router = i2p.Hash(b[4:])
		return b[36:], nil
	case DeliveryRouter:
		if len(b) < 32 {
			return nil, fmt.Errorf("%w: delivery instructions cut", ErrMalformed)
		}
		d.Router = i2p.Hash(b)
		return b[32:], nil
	}
	return nil, fmt.Errorf("%w: delivery type %d", ErrMalformed, t)
}

// len is the delivery instructions of a first fragment without message id and size, in bytes.
func (d Delivery) len() int {
	switch d.Type {
	case DeliveryTunnel:
		return 37
	case DeliveryRouter:
		return 33
	}
	return 1
}

// put writes what len counts, without flags.
func (d Delivery) put(b []byte) {
	b[0] = byte(d.Type) << 5
	switch d.Type {
	case DeliveryTunnel:
		binary.BigEndian.PutUint32(b[1:], uint32(d.Tunnel))
		copy(b[5:], d.Router[:])
	case DeliveryRouter:
		copy(b[1:], d.Router[:])
	}
}
