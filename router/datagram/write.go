package datagram

import (
	"fmt"
	"net"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// MaxPayload is the largest payload in bytes. It is sent in some 63 pieces of which none may be lost, and i2pd takes
// about half of it; see Comfortable.
func (c *Conn) MaxPayload() int { return MaxPacket - c.overhead() }

// Comfortable is the largest payload in bytes that two tunnel messages carry: fit for regular use.
func (c *Conn) Comfortable() int { return travelsWell - c.overhead() }

func (c *Conn) overhead() int {
	k := c.stack.keys
	switch c.kind {
	case KindDatagram1:
		return len(k.Destination.Bytes()) + k.Signing.Type().SignatureLen()
	case KindDatagram2:
		return len(k.Destination.Bytes()) + flagsLen + k.Signing.Type().SignatureLen()
	case KindDatagram3:
		return i2p.HashLen + flagsLen
	}
	return 0
}

// WritePacket sends a payload, with options if the kind has any. It does not wait for the network: while the LeaseSet of to
// is looked up up to 16 packets to it wait; what is lost on the way, or because there is no LeaseSet, is lost silently
// and counted. Errors are ErrTooLarge, ErrNoAddress, net.ErrClosed, and those of Carrier.Send.
func (c *Conn) WritePacket(p []byte, to Addr, options i2p.Mapping) error {
	switch {
	case isClosed(c.closed):
		return net.ErrClosed
	case to.Hash.IsZero():
		return ErrNoAddress
	}
	size := c.overhead() + len(p)
	if options.Len() > 0 {
		if c.kind != KindDatagram2 && c.kind != KindDatagram3 {
			return fmt.Errorf("datagram: %s has no options", c.kind)
		}
		n := len(options.Append(nil))
		if n > maxOptions {
			return fmt.Errorf("%w: %d bytes of options", ErrTooLarge, n)
		}
		size += n
	}
	if size > MaxPacket {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(p), c.MaxPayload())
	}
	b := buf.GetFor(size)
	into := b.Extend(size)[:0]
	k := c.stack.keys
	switch c.kind {
	case KindDatagram1:
		AppendDatagram1(into, k, p)
	case KindDatagram2:
		AppendDatagram2(into, k, to.Hash, options, p)
	case KindDatagram3:
		Datagram3{From: c.stack.hash, Options: options, Payload: p}.Append(into)
	case KindRaw:
		copy(into[:size], p)
	}
	if c.contacts != nil {
		c.contacts.met(to, time.Now())
	}
	return c.stack.send(to.Hash, c.kind, Ports{From: c.port, To: to.Port}, b)
}

// WriteTo is WritePacket to an Addr, without options.
func (c *Conn) WriteTo(p []byte, to net.Addr) (int, error) {
	a, ok := to.(Addr)
	if !ok {
		return 0, fmt.Errorf("%w: an address of %s", ErrNoAddress, to.Network())
	}
	if err := c.WritePacket(p, a, i2p.Mapping{}); err != nil {
		return 0, err
	}
	return len(p), nil
}
