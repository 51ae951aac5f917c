package fakenet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host/gate"
)

// backlog of a listener: over it a dial is refused.
const backlog = 1024

type destination struct {
	network   *Network
	address   gate.Address
	name      string
	published bool

	mu        sync.Mutex
	closed    bool
	listeners map[uint16]*listener
	packets   map[packetKey]*packetConn
	streams   int
}

var _ gate.Destination = (*destination)(nil)

func newDestination(n *Network, a gate.Address, name string) *destination {
	return &destination{
		network: n, address: a, name: name, listeners: map[uint16]*listener{}, packets: map[packetKey]*packetConn{},
	}
}

func (d *destination) Address() gate.Address           { return d.address }
func (d *destination) Ready(ctx context.Context) error { return ctx.Err() }

func (d *destination) Status() gate.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return gate.Status{Ready: true, Published: d.published, Streams: d.streams}
}

func (d *destination) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *destination) count(by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams += by
}

// Dial opens a stream. A destination can dial itself.
func (d *destination) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	if d.isClosed() {
		return nil, net.ErrClosed
	}
	to, err := d.network.find(host)
	if err != nil {
		return nil, err
	}
	l := to.listener(port)
	if l == nil {
		return nil, fmt.Errorf("%s: nobody listens on port %d: %w", host, port, api.ErrRefused)
	}
	here, there, err := pipe()
	if err != nil {
		return nil, err
	}
	far := &conn{
		UnixConn: there, local: i2pAddr(":" + strconv.Itoa(int(port))), remote: i2pAddr(d.address.Base32 + ":0"),
		peer: d.address.Base64, owner: to,
	}
	select {
	case <-l.done:
	case l.queue <- far:
		to.count(1)
		d.count(1)
		return &conn{
			UnixConn: here, local: i2pAddr(d.address.Base32 + ":0"), remote: i2pAddr(net.JoinHostPort(to.address.Base32, strconv.Itoa(int(port)))),
			peer: to.address.Base64, owner: d,
		}, nil
	default:
	}
	_ = here.Close()
	_ = there.Close()
	return nil, fmt.Errorf("%s: %w", host, api.ErrRefused)
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q: %w: %w", address, api.ErrInvalid, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q: %w: %w", address, api.ErrInvalid, err)
	}
	return host, uint16(n), nil
}

func (d *destination) listener(port uint16) *listener {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.listeners[port]; l != nil {
		return l
	}
	return d.listeners[0]
}

// Listen takes the streams to a port; 0: those to all ports without a listener.
func (d *destination) Listen(port uint16) (net.Listener, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, net.ErrClosed
	case d.listeners[port] != nil:
		return nil, fmt.Errorf("port %d of %s: %w", port, d.name, api.ErrInUse)
	}
	l := &listener{owner: d, port: port, queue: make(chan *conn, backlog), done: make(chan struct{})}
	d.listeners[port] = l
	return l, nil
}

// Close ends the destination: it is offline then.
func (d *destination) Close() error {
	d.mu.Lock()
	d.closed = true
	var closers []interface{ Close() error }
	for _, l := range d.listeners {
		closers = append(closers, l)
	}
	for _, p := range d.packets {
		closers = append(closers, p)
	}
	d.mu.Unlock()
	for _, c := range closers {
		_ = c.Close()
	}
	d.network.leave(d)
	return nil
}

// leave keeps the name known.
func (n *Network) leave(d *destination) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, other := range n.names {
		if other == d {
			delete(n.names, name)
		}
	}
}
