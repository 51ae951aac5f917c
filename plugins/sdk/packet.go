package sdk

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// packetConn carries frames over a data connection.
type packetConn struct {
	unix   *net.UnixConn
	tunnel *Tunnel
	local  Addr
	remote Addr // of a connected one
	limit  int  // of a payload, 0 unknown
	close  sync.Once

	reading sync.Mutex
	frames  frameReader
	writing sync.Mutex
	out     []byte
}

var (
	_ net.PacketConn = (*packetConn)(nil)
	_ net.Conn       = connectedPacketConn{}
)

// ListenPacket takes datagrams of the tunnel's destination; port 0 is all ports that have no other listener. Addresses are of
// type Addr, and the same to write to: Addr{Net: "i2p", Address: "name.i2p:port"}. A packet that is larger than the buffer of
// ReadFrom is cut.
func (t *Tunnel) ListenPacket(kind PacketKind, port int) (net.PacketConn, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("port %d: %w", port, api.ErrInvalid)
	}
	return t.listenPacket(&pb.ListenPacketRequest{Tunnel: t.name, Port: uint32(port), Kind: kind}, "i2p")
}

// ListenLocalPacket binds a UDP address that a setting of kind "listen-address" names.
func (t *Tunnel) ListenLocalPacket(address string) (net.PacketConn, error) {
	return t.listenPacket(&pb.ListenPacketRequest{Tunnel: t.name, Local: address}, "udp")
}

func (t *Tunnel) listenPacket(r *pb.ListenPacketRequest, network string) (net.PacketConn, error) {
	ctx, cancel := context.WithTimeout(t.life.ctx, callTime)
	defer cancel()
	p, err := t.program.host.ListenPacket(ctx, r)
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.packets(ctx, p, Addr{network, p.Address}, Addr{Net: network})
}

// DialLocalPacket makes a UDP socket connected to an address that a setting of kind "dial-address" names. One Write is one
// packet, one Read too. source is as for DialLocal.
func (t *Tunnel) DialLocalPacket(ctx context.Context, address, source string) (net.Conn, error) {
	p, err := t.program.host.DialPacket(ctx, &pb.DialPacketRequest{Tunnel: t.name, Address: address, Source: source})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	c, err := t.packets(ctx, p, Addr{"udp", p.Address}, Addr{"udp", address})
	if err != nil {
		return nil, err
	}
	return connectedPacketConn{c}, nil
}

func (t *Tunnel) packets(ctx context.Context, p *pb.Packets, local, remote Addr) (*packetConn, error) {
	unix, err := t.program.redeem(ctx, p.Ticket)
	if err != nil {
		return nil, err
	}
	c := &packetConn{unix: unix, tunnel: t, local: local, remote: remote, limit: int(p.MaxPayload)}
	c.frames.r = unix
	if err := t.open.add(c, false); err != nil {
		return nil, err
	}
	return c, nil
}

// MaxPayload is the largest packet that can be sent, in bytes; 0 if that is not known.
func (c *packetConn) MaxPayload() int { return c.limit }

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	address, payload, err := c.frames.next()
	if err != nil {
		return 0, nil, err
	}
	from := c.remote
	if len(address) > 0 {
		from.Address = string(address)
	}
	return copy(b, payload), from, nil
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	address := to.String()
	if c.local.Net == "i2p" {
		address = withPort(address)
	}
	return c.write(b, address)
}

func (c *packetConn) write(b []byte, to string) (int, error) {
	if c.limit > 0 && len(b) > c.limit {
		return 0, fmt.Errorf("packet of %d bytes, at most %d: %w", len(b), c.limit, api.ErrLimit)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	var err error
	if c.out, err = api.AppendFrame(c.out[:0], to, b); err != nil {
		return 0, err
	}
	n, err := c.unix.Write(c.out)
	if n > 0 && n < len(c.out) {
		_ = c.Close() // half a frame: what follows would be read as its rest
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *packetConn) Close() error {
	c.close.Do(func() { c.tunnel.open.remove(c) })
	return c.unix.Close()
}

func (c *packetConn) LocalAddr() net.Addr                { return c.local }
func (c *packetConn) SetDeadline(t time.Time) error      { return c.unix.SetDeadline(t) }
func (c *packetConn) SetReadDeadline(t time.Time) error  { return c.unix.SetReadDeadline(t) }
func (c *packetConn) SetWriteDeadline(t time.Time) error { return c.unix.SetWriteDeadline(t) }

// connectedPacketConn has one peer.
type connectedPacketConn struct{ *packetConn }

func (c connectedPacketConn) RemoteAddr() net.Addr { return c.remote }

func (c connectedPacketConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

func (c connectedPacketConn) Write(b []byte) (int, error) { return c.write(b, "") }

// MaxPayload is the largest packet that fits into a datagram of c, in bytes; 0 if that is not known.
func MaxPayload(c net.PacketConn) int {
	if own, ok := c.(interface{ MaxPayload() int }); ok {
		return own.MaxPayload()
	}
	return 0
}
