package testnet

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	// window is how many bytes of one direction of a connection may be under way, as with TCP.
	window = 4 << 20
	// backlog is how many connections wait for Accept.
	backlog = 128
	// firstEphemeral is the first port of an outgoing connection.
	firstEphemeral = 40_000
)

// A lan is TCP in memory: hosts that reach each other over links with the same delay and without loss. It may be used
// in a bubble.
type lan struct {
	delay time.Duration // one way

	mu        sync.Mutex
	hosts     map[netip.Addr]*host
	listeners map[netip.AddrPort]*listener
}

// A host has one address.
type host struct {
	lan  *lan
	addr netip.Addr

	// Of lan.mu.
	unplugged bool
	port      uint16
	conns     map[*conn]bool
	sent      map[netip.Addr]*link
}

// A link counts what one host sent to another.
type link struct{ dials, bytes int }

func newLAN(delay time.Duration) *lan {
	return &lan{delay: delay, hosts: make(map[netip.Addr]*host), listeners: make(map[netip.AddrPort]*listener)}
}

func (l *lan) host(addr netip.Addr) *host {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[addr]
	if h == nil {
		h = &host{lan: l, addr: addr, port: firstEphemeral, conns: make(map[*conn]bool), sent: make(map[netip.Addr]*link)}
		l.hosts[addr] = h
	}
	return h
}

// unplug cuts a host off: what is under way is lost, and nobody is told.
func (l *lan) unplug(addr netip.Addr) {
	h := l.host(addr)
	l.mu.Lock()
	h.unplugged = true
	var cut []*conn
	for c := range h.conns {
		cut = append(cut, c)
	}
	l.mu.Unlock()
	for _, c := range cut {
		c.in.cut()
		c.out.cut()
	}
}

// Listen is a Listen of router.Sockets.
func (h *host) Listen(_ context.Context, _ string, at netip.AddrPort) (net.Listener, error) {
	l := h.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: syscall.EADDRINUSE}
	}
	n := &listener{host: h, at: at, queue: make(chan *conn, backlog), closed: make(chan struct{})}
	l.listeners[at] = n
	return n, nil
}

// Dial is a Dial of router.Sockets: one round trip. A host that was unplugged does not answer.
func (h *host) Dial(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	if err := pause(ctx, h.lan.delay); err != nil {
		return fail(err)
	}
	l := h.lan
	l.mu.Lock()
	far := l.hosts[to.Addr()]
	if h.unplugged || far == nil || far.unplugged {
		l.mu.Unlock()
		<-ctx.Done()
		return fail(ctx.Err())
	}
	n := l.listeners[to]
	h.port++
	ours, theirs := l.connect(h, far, netip.AddrPortFrom(h.addr, h.port), to)
	l.mu.Unlock()
	if n == nil || !n.offer(theirs) {
		ours.Close()
		theirs.Close()
		return fail(syscall.ECONNREFUSED)
	}
	if err := pause(ctx, l.delay); err != nil {
		ours.Close()
		return fail(err)
	}
	return ours, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// connect makes both ends of a connection. The caller holds l.mu.
func (l *lan) connect(from, to *host, local, remote netip.AddrPort) (ours, theirs *conn) {
	there, back := newPipe(l.delay), newPipe(l.delay)
	ours = &conn{host: from, local: net.TCPAddrFromAddrPort(local), remote: net.TCPAddrFromAddrPort(remote), in: back, out: there}
	theirs = &conn{host: to, local: ours.remote, remote: ours.local, in: there, out: back}
	from.conns[ours], to.conns[theirs] = true, true
	ours.sent, theirs.sent = from.linkTo(to.addr), to.linkTo(from.addr)
	ours.sent.dials++
	return ours, theirs
}

// linkTo is the counter of a link. The caller holds lan.mu.
func (h *host) linkTo(addr netip.Addr) *link {
	if h.sent[addr] == nil {
		h.sent[addr] = new(link)
	}
	return h.sent[addr]
}

type listener struct {
	host   *host
	at     netip.AddrPort
	queue  chan *conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

func (l *listener) offer(c *conn) bool {
	select {
	case <-l.closed:
		return false
	default:
	}
	select {
	case l.queue <- c:
		return true
	default:
		return false
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case c := <-l.queue:
		return c, nil
	}
}

func (l *listener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		err = nil
		close(l.closed)
		l.host.lan.mu.Lock()
		delete(l.host.lan.listeners, l.at)
		l.host.lan.mu.Unlock()
		for {
			select {
			case c := <-l.queue:
				c.Close()
				continue
			default:
			}
			return
		}
	})
	return err
}
