package testnet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
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

// A conn is one end of a connection.
type conn struct {
	host          *host
	local, remote *net.TCPAddr
	in, out       *pipe
	sent          *link
}

func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	c.host.lan.mu.Lock()
	c.sent.bytes += n
	c.host.lan.mu.Unlock()
	return n, err
}

func (c *conn) Close() error {
	c.host.lan.mu.Lock()
	delete(c.host.conns, c)
	c.host.lan.mu.Unlock()
	c.in.closeRead()
	c.out.closeWrite()
	return nil
}

func (c *conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.writeDeadline, t)
	return nil
}

var _ net.Conn = (*conn)(nil)

// A pipe is one direction of a connection: bytes come out delay after they went in.
type pipe struct {
	delay time.Duration

	mu                          sync.Mutex
	changed                     sync.Cond
	queue                       []chunk
	bytes                       int
	finished                    time.Time // when the end arrives; zero: no end
	readClosed, writeClosed     bool
	lost                        bool // the wire is cut
	readDeadline, writeDeadline time.Time
	readTimer, writeTimer       *time.Timer
}

type chunk struct {
	at   time.Time
	data []byte
	off  int
}

func newPipe(delay time.Duration) *pipe {
	p := &pipe{delay: delay}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

// wait until something changes or, if it is not zero, a time. The caller holds p.mu.
func (p *pipe) wait(timer **time.Timer, until time.Time) {
	switch d := time.Until(until); {
	case until.IsZero():
	case *timer == nil:
		*timer = time.AfterFunc(d, p.wake)
	default:
		(*timer).Reset(d)
	}
	p.changed.Wait()
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.writeClosed:
			return 0, net.ErrClosed
		case p.readClosed && !p.lost:
			return 0, syscall.EPIPE
		case !p.writeDeadline.IsZero() && !time.Now().Before(p.writeDeadline):
			return 0, os.ErrDeadlineExceeded
		case p.bytes < window:
			p.queue = append(p.queue, chunk{at: time.Now().Add(p.delay), data: slices.Clone(b)})
			p.bytes += len(b)
			p.changed.Broadcast()
			return len(b), nil
		}
		p.wait(&p.writeTimer, p.writeDeadline)
	}
}

func (p *pipe) read(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.readClosed:
			return 0, net.ErrClosed
		case !p.readDeadline.IsZero() && !now.Before(p.readDeadline):
			return 0, os.ErrDeadlineExceeded
		}
		next := p.readDeadline
		if !p.lost {
			if n := p.take(b, now); n > 0 {
				return n, nil
			}
			switch {
			case len(p.queue) > 0:
				next = earliest(next, p.queue[0].at)
			case p.finished.IsZero():
			case now.Before(p.finished):
				next = earliest(next, p.finished)
			default:
				return 0, io.EOF
			}
		}
		p.wait(&p.readTimer, next)
	}
}

// take copies what has arrived. The caller holds p.mu.
func (p *pipe) take(b []byte, now time.Time) (n int) {
	for n < len(b) && len(p.queue) > 0 && !p.queue[0].at.After(now) {
		c := &p.queue[0]
		m := copy(b[n:], c.data[c.off:])
		n += m
		if c.off += m; c.off == len(c.data) {
			p.queue[0].data = nil
			p.queue = p.queue[1:]
		}
	}
	if n > 0 {
		if p.bytes >= window {
			p.changed.Broadcast()
		}
		p.bytes -= n
	}
	return n
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (p *pipe) closeWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.writeClosed {
		p.writeClosed, p.finished = true, time.Now().Add(p.delay)
		p.changed.Broadcast()
	}
}

func (p *pipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readClosed = true
	p.queue, p.bytes = nil, 0
	p.changed.Broadcast()
}

func (p *pipe) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

func (p *pipe) set(deadline *time.Time, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*deadline = t
	p.changed.Broadcast()
}
