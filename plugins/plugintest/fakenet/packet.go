package fakenet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// PacketKind is the kind of datagrams: kinds do not mix.
type PacketKind = pb.PacketKind

const (
	// maxPacket is about what a real datagram of I2P holds.
	maxPacket = 31 << 10
	// packetQueue of a receiver: over it packets are lost, as in the real network.
	packetQueue = 256
)

type packetKey struct {
	kind PacketKind
	port uint16
}

type packet struct {
	from string
	data []byte
}

type packetConn struct {
	owner *destination
	key   packetKey
	queue chan packet
	done  chan struct{}
	once  sync.Once
}

var _ gate.PacketConn = (*packetConn)(nil)

// ListenPacket takes the datagrams of a kind to a port; 0: those to all ports without a receiver.
func (d *destination) ListenPacket(kind PacketKind, port uint16) (gate.PacketConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := packetKey{kind, port}
	switch {
	case d.closed:
		return nil, net.ErrClosed
	case d.packets[key] != nil:
		return nil, fmt.Errorf("datagram port %d of %s: %w", port, d.name, api.ErrInUse)
	}
	p := &packetConn{owner: d, key: key, queue: make(chan packet, packetQueue), done: make(chan struct{})}
	d.packets[key] = p
	return p, nil
}

func (d *destination) receiver(kind PacketKind, port uint16) *packetConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.packets[packetKey{kind, port}]; p != nil {
		return p
	}
	return d.packets[packetKey{kind, 0}]
}

func (p *packetConn) ReadFrom(b []byte) (n int, from string, err error) {
	select {
	case got := <-p.queue:
		return copy(b, got.data), got.from, nil
	case <-p.done:
		return 0, "", net.ErrClosed
	}
}

// WriteTo sends. A packet to nobody is lost without an error; a name that is not known is one. Raw datagrams name no
// sender but the port.
func (p *packetConn) WriteTo(ctx context.Context, b []byte, to string) error {
	select {
	case <-p.done:
		return net.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b) > maxPacket {
		return fmt.Errorf("datagram of %d bytes: %w", len(b), api.ErrLimit)
	}
	host, port, err := splitAddress(to)
	if err != nil {
		return err
	}
	far, err := p.owner.network.find(host)
	if err != nil {
		return err
	}
	r := far.receiver(p.key.kind, port)
	if r == nil {
		return nil
	}
	from := net.JoinHostPort(p.owner.address.Base32, strconv.Itoa(int(p.key.port)))
	if p.key.kind == pb.PacketKind_RAW {
		from = ":" + strconv.Itoa(int(p.key.port))
	}
	select {
	case r.queue <- packet{from, append([]byte(nil), b...)}:
	default:
	}
	return nil
}

func (p *packetConn) MaxPayload() int { return maxPacket }

func (p *packetConn) Close() error {
	p.once.Do(func() {
		close(p.done)
		p.owner.mu.Lock()
		defer p.owner.mu.Unlock()
		if p.owner.packets[p.key] == p {
			delete(p.owner.packets, p.key)
		}
	})
	return nil
}
