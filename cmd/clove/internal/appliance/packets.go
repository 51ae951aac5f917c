package appliance

import (
	"context"
	"fmt"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/proxies"
	"clove.i2p/router"
	"clove.i2p/router/datagram"
)

// A packetConn is a packet socket of a destination, with host:port as addresses.
type packetConn struct {
	*router.PacketConn
	translate func(error) error
	closed    func()
}

// ReadFrom waits for a packet.
func (c *packetConn) ReadFrom(p []byte) (n int, from string, err error) {
	n, a, err := c.PacketConn.ReadFrom(p)
	if err != nil {
		return 0, "", err
	}
	return n, a.String(), nil
}

// WriteTo sends a packet.
func (c *packetConn) WriteTo(_ context.Context, p []byte, to string) error {
	if err := c.WriteToHost(p, to); err != nil {
		return c.translate(err)
	}
	return nil
}

// Close ends it.
func (c *packetConn) Close() error {
	defer c.closed()
	return c.PacketConn.Close()
}

var packetKinds = map[pb.PacketKind]datagram.Kind{
	pb.PacketKind_REPLIABLE: datagram.KindDatagram1, pb.PacketKind_RAW: datagram.KindRaw,
	pb.PacketKind_DATAGRAM2: datagram.KindDatagram2, pb.PacketKind_DATAGRAM3: datagram.KindDatagram3,
}

// ListenPacket takes the datagrams of a kind to a port of a tunnel's destination.
func (d *destination) ListenPacket(kind pb.PacketKind, port uint16) (gate.PacketConn, error) {
	k, ok := packetKinds[kind]
	if !ok {
		return nil, fmt.Errorf("%w: packets of kind %d", api.ErrInvalid, kind)
	}
	c, err := d.Destination.ListenPacket(k, port)
	if err != nil {
		return nil, asAPI(err)
	}
	return &packetConn{c, asAPI, func() {}}, nil
}

// listenPacket opens a packet socket on a port of its own, at the destination of an isolation key.
func (d *destinations) listenPacket(_ context.Context, i proxies.Isolation) (proxies.PacketConn, error) {
	h, err := d.take(i)
	if err != nil {
		return nil, err
	}
	c, err := h.destination.ListenPacketConfig(datagram.ListenConfig{Kind: datagram.KindDatagram1, AnyPort: true, Answers: true})
	if err != nil {
		d.put(h)
		return nil, translate(err)
	}
	return &packetConn{c, translate, sync.OnceFunc(func() { d.put(h) })}, nil
}
