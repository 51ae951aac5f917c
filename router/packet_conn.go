package router

import (
	"fmt"
	"net"
	"strconv"

	"clove.i2p/router/buf"
	"clove.i2p/router/client"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

// A PacketConn sends and receives the datagrams of a destination. It is safe for concurrent use. ReadFrom gives a
// datagram.Addr; ReadPacket also the sender's whole destination, where the datagram has it.
type PacketConn struct {
	*datagram.Conn
	destination *Destination
}

var _ net.PacketConn = (*PacketConn)(nil)

// ListenPacket takes the datagrams of a kind to a port of this destination; 0 takes those to all ports that nobody else has,
// and sends without a port. A port that is taken is datagram.ErrInUse.
func (d *Destination) ListenPacket(kind datagram.Kind, port uint16) (*PacketConn, error) {
	return d.ListenPacketConfig(datagram.ListenConfig{Kind: kind, Port: port})
}

// ListenPacketConfig is ListenPacket with a free port, or with raw answers: what clients need.
func (d *Destination) ListenPacketConfig(cfg datagram.ListenConfig) (*PacketConn, error) {
	c, err := d.datagrams.Listen(cfg)
	if err != nil {
		return nil, fmt.Errorf("router: listen for packets: %w", err)
	}
	return &PacketConn{c, d}, nil
}

// WriteToHost sends a payload to host:port, an .i2p host as in Dial. It waits for nothing: see datagram.Conn.WritePacket. A
// host that is in no address book is naming.ErrUnknownHost.
func (c *PacketConn) WriteToHost(p []byte, address string) error {
	to, err := c.destination.ResolvePacketAddr(address)
	if err != nil {
		return err
	}
	return c.WritePacket(p, to, i2p.Mapping{})
}

// WriteTo is WriteToHost for addresses that are no datagram.Addr.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if _, ok := to.(datagram.Addr); ok {
		return c.Conn.WriteTo(p, to)
	}
	if err := c.WriteToHost(p, to.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ResolvePacketAddr reads host:port, with an .i2p host as in Dial, without the network.
func (d *Destination) ResolvePacketAddr(address string) (datagram.Addr, error) {
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return datagram.Addr{}, fmt.Errorf("router: %w", err)
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return datagram.Addr{}, fmt.Errorf("router: port %q: want 0 to 65535", p)
	}
	hash, err := d.names.ResolveHash(host)
	if err != nil {
		return datagram.Addr{}, fmt.Errorf("router: %w", err)
	}
	return datagram.Addr{Hash: hash, Port: uint16(port)}, nil
}

// datagramCarrier is what the datagrams of a destination see of its session.
type datagramCarrier struct{ carrier }

func (c datagramCarrier) Known(to i2p.Hash) bool { return c.session.Known(to) }

func (c datagramCarrier) Send(to i2p.Hash, k datagram.Kind, p datagram.Ports, b *buf.Buf) error {
	return c.session.Send(to, client.Protocol(k), client.Ports(p), b)
}

var _ datagram.Carrier = datagramCarrier{}

// A packet of datagrams has to fit what a session takes.
const _ = uint(client.MaxPacket - datagram.MaxPacket)
