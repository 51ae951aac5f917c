package gate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func isErr(err, is error) bool { return errors.Is(err, is) }

// network is I2P over loopback TCP: each stream is a pair of real connections.
type network struct {
	mu     sync.Mutex
	hosts  map[string]*destination
	opened []gate.Spec
	closes int
	fail   error         // of Open
	hold   chan struct{} // Open waits for it, if there is one
	loop   net.Listener
	pairs  sync.Mutex
}

func newNetwork() *network {
	loop, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return &network{hosts: make(map[string]*destination), loop: loop}
}

func (n *network) close() { _ = n.loop.Close() }

// pair is a connection and its other end.
func (n *network) pair() (a, b net.Conn) {
	n.pairs.Lock()
	defer n.pairs.Unlock()
	a, err := net.Dial("tcp", n.loop.Addr().String())
	if err != nil {
		panic(err)
	}
	if b, err = n.loop.Accept(); err != nil {
		panic(err)
	}
	return a, b
}

func (n *network) Open(ctx context.Context, spec gate.Spec) (gate.Destination, error) {
	n.mu.Lock()
	hold := n.hold
	n.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opened = append(n.opened, spec)
	if n.fail != nil {
		return nil, n.fail
	}
	name := fmt.Sprintf("transient%d.b32.i2p", len(n.opened))
	if spec.KeyFile != "" {
		name = fmt.Sprintf("%x.b32.i2p", spec.KeyFile)
	}
	return n.destination(name), nil
}

// destination makes a destination, for a peer or the gate. n.mu is held.
func (n *network) destination(name string) *destination {
	d := &destination{net: n, name: name, listeners: make(map[uint16]*backlog), packets: make(map[string]*packetEnd), ready: make(chan struct{})}
	close(d.ready)
	n.hosts[name] = d
	return d
}

// peer is a destination outside.
func (n *network) peer(name string) *destination {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.destination(name)
}

func (n *network) specs() []gate.Spec {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]gate.Spec(nil), n.opened...)
}

func (n *network) closed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closes
}

func (n *network) Lookup(_ context.Context, name string) (gate.Address, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[name] == nil {
		return gate.Address{}, fmt.Errorf("%s: %w", name, api.ErrUnknownHost)
	}
	return n.hosts[name].Address(), nil
}

type destination struct {
	net     *network
	name    string
	streams atomic.Int32
	ready   chan struct{}

	mu        sync.Mutex
	listeners map[uint16]*backlog
	packets   map[string]*packetEnd
	shut      bool
}

func (d *destination) Address() gate.Address {
	return gate.Address{Base32: d.name, Base64: "base64-of-" + d.name}
}

// end is a connection that knows who is at its other end.
type end struct {
	*net.TCPConn
	local, remote addr
	base64        string
}

type addr string

func (a addr) Network() string        { return "i2p" }
func (a addr) String() string         { return string(a) }
func (e *end) LocalAddr() net.Addr    { return e.local }
func (e *end) RemoteAddr() net.Addr   { return e.remote }
func (e *end) PeerBase64() string     { return e.base64 }
func (d *destination) Close() error   { return d.close() }
func (d *destination) String() string { return d.name }

func (d *destination) close() error {
	d.net.mu.Lock()
	d.net.closes++
	d.net.mu.Unlock()
	d.mu.Lock()
	d.shut = true
	all := slices.Collect(maps.Values(d.listeners))
	d.mu.Unlock()
	for _, l := range all {
		_ = l.Close()
	}
	return nil
}

func (d *destination) Dial(_ context.Context, address string) (net.Conn, error) {
	host, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text)
	d.net.mu.Lock()
	far := d.net.hosts[host]
	d.net.mu.Unlock()
	if far == nil {
		return nil, fmt.Errorf("%s: %w", host, api.ErrUnknownHost)
	}
	far.mu.Lock()
	l := far.listeners[uint16(port)]
	if l == nil {
		l = far.listeners[0]
	}
	far.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("%s: %w", address, api.ErrRefused)
	}
	a, b := d.net.pair()
	d.streams.Add(1)
	here := &end{TCPConn: a.(*net.TCPConn), local: addr(d.name + ":0"), remote: addr(far.name + ":" + text), base64: "base64-of-" + far.name}
	there := &end{TCPConn: b.(*net.TCPConn), local: addr(":" + text), remote: addr(d.name + ":0"), base64: "base64-of-" + d.name}
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		_ = a.Close()
		_ = b.Close()
		return nil, fmt.Errorf("%s: %w", address, api.ErrRefused)
	}
}

func (d *destination) Listen(port uint16) (net.Listener, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listeners[port] != nil {
		return nil, fmt.Errorf("port %d: %w", port, api.ErrInUse)
	}
	l := &backlog{conns: make(chan net.Conn), done: make(chan struct{}), address: addr(d.name + ":" + strconv.Itoa(int(port)))}
	l.closing = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, port)
	}
	d.listeners[port] = l
	return l, nil
}

func (d *destination) Ready(ctx context.Context) error {
	select {
	case <-d.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *destination) Status() gate.Status {
	return gate.Status{Ready: true, Published: true, Streams: int(d.streams.Load())}
}

type backlog struct {
	conns   chan net.Conn
	done    chan struct{}
	address addr
	closing func()
	once    sync.Once
}

func (l *backlog) Addr() net.Addr { return l.address }

func (l *backlog) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *backlog) Close() error {
	l.once.Do(func() {
		close(l.done)
		go l.closing() // may be called with the lock held
	})
	return nil
}

type packet struct {
	from    string
	payload []byte
}

// packetEnd is a bound datagram port.
type packetEnd struct {
	dest *destination
	port string
	in   chan packet
	done chan struct{}
	once sync.Once
}

func (d *destination) ListenPacket(_ pb.PacketKind, port uint16) (gate.PacketConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &packetEnd{dest: d, port: strconv.Itoa(int(port)), in: make(chan packet, 1024), done: make(chan struct{})}
	d.packets[p.port] = p
	return p, nil
}

func (p *packetEnd) ReadFrom(b []byte) (int, string, error) {
	select {
	case in := <-p.in:
		return copy(b, in.payload), in.from, nil
	case <-p.done:
		return 0, "", net.ErrClosed
	}
}

func (p *packetEnd) WriteTo(_ context.Context, b []byte, to string) error {
	host, port, _ := net.SplitHostPort(to)
	p.dest.net.mu.Lock()
	far := p.dest.net.hosts[host]
	p.dest.net.mu.Unlock()
	if far == nil {
		return api.ErrUnknownHost
	}
	far.mu.Lock()
	at := far.packets[port]
	far.mu.Unlock()
	if at == nil {
		return api.ErrRefused
	}
	select {
	case at.in <- packet{net.JoinHostPort(p.dest.name, p.port), append([]byte(nil), b...)}:
	default:
	}
	return nil
}

func (p *packetEnd) MaxPayload() int { return 10000 }

func (p *packetEnd) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}
