package garlic

import (
	"encoding/binary"
	"fmt"

	"clove.i2p/router/i2p"
)

// A DeliveryType says where a clove goes after it was opened.
type DeliveryType uint8

const (
	DeliveryLocal       DeliveryType = 0 // the opener itself
	DeliveryDestination DeliveryType = 1
	DeliveryRouter      DeliveryType = 2
	DeliveryTunnel      DeliveryType = 3
)

// DeliveryInstructions of a clove; not those of tunnel messages, which look different. Layout (i2np, Garlic Clove
// Delivery Instructions), 1, 33 or 37 bytes:
//
//	+----+----+ ... +----+----+----+----+----+
//	|flag| hash 32 bytes | tunnel id, 4 bytes|
//	+----+----+ ... +----+----+----+----+----+
//
// flag: bit 7 encrypted, bits 6-5 type, bit 4 delay included; encryption and delay were never used and are refused.
// The hash is missing for Local; the tunnel id is there for Tunnel only, behind the gateway's hash.
type DeliveryInstructions struct {
	Type   DeliveryType
	Hash   i2p.Hash
	Tunnel i2p.TunnelID
}

// Local delivers to whoever opens the garlic message.
func Local() DeliveryInstructions { return DeliveryInstructions{} }

// ToDestination delivers to a destination.
func ToDestination(h i2p.Hash) DeliveryInstructions {
	return DeliveryInstructions{Type: DeliveryDestination, Hash: h}
}

// ToRouter delivers to a router.
func ToRouter(h i2p.Hash) DeliveryInstructions {
	return DeliveryInstructions{Type: DeliveryRouter, Hash: h}
}

// ToTunnel delivers to a tunnel at its gateway.
func ToTunnel(gateway i2p.Hash, id i2p.TunnelID) DeliveryInstructions {
	return DeliveryInstructions{Type: DeliveryTunnel, Hash: gateway, Tunnel: id}
}

// Len is the length on the wire: 1, 33 or 37 bytes.
func (d DeliveryInstructions) Len() int {
	switch d.Type {
	case DeliveryLocal:
		return 1
	case DeliveryTunnel:
		return 37
	}
	return 33
}

// Put writes the instructions into the first Len bytes of b.
func (d DeliveryInstructions) Put(b []byte) {
	b[0] = byte(d.Type&3) << 5
	if d.Type == DeliveryLocal {
		return
	}
	copy(b[1:33], d.Hash[:])
	if d.Type == DeliveryTunnel {
		binary.BigEndian.PutUint32(b[33:37], uint32(d.Tunnel))
	}
}

// Append adds the instructions to b.
func (d DeliveryInstructions) Append(b []byte) []byte {
	n := len(b)
	b = append(b, make([]byte, d.Len())...)
	d.Put(b[n:])
	return b
}

// ParseDeliveryInstructions reads delivery instructions at the start of b.
func ParseDeliveryInstructions(b []byte) (d DeliveryInstructions, rest []byte, err error) {
	if len(b) < 1 {
		return d, nil, fmt.Errorf("garlic: parse delivery instructions: %w", errShort)
	}
	if b[0]&^0x60 != 0 {
		return d, nil, fmt.Errorf("garlic: parse delivery instructions: flags %#02x: %w", b[0], errFlags)
	}
	d.Type = DeliveryType(b[0] >> 5)
	n := d.Len()
	if len(b) < n {
		return d, nil, fmt.Errorf("garlic: parse delivery instructions: %w", errShort)
	}
	if n > 1 {
		copy(d.Hash[:], b[1:33])
	}
	if n > 33 {
		d.Tunnel = i2p.TunnelID(binary.BigEndian.Uint32(b[33:37]))
	}
	return d, b[n:], nil
}
