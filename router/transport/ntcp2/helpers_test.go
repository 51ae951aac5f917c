package ntcp2

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

const testNetwork = 99

// A router is one end of a test: a Transport and a Registry that records.
type router struct {
	t         *testing.T
	keys      *i2p.RouterKeys
	transport *Transport
	clock     *clock.Clock
	stop      func()

	mu       sync.Mutex
	info     *i2p.RouterInfo
	refuse   bool
	skews    []time.Duration
	opened   chan transport.Session
	closed   chan error
	messages chan []byte
	infos    chan *i2p.RouterInfo
	onBatch  func(n int)
}

var _ transport.Registry = (*router)(nil)

func newRouter(t *testing.T, change func(*Config, *Deps)) *router {
	t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	static, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	r := &router{
		t: t, keys: k, clock: clock.New(),
		opened: make(chan transport.Session, 64), closed: make(chan error, 64),
		messages: make(chan []byte, 1<<16), infos: make(chan *i2p.RouterInfo, 64),
	}
	cfg := Config{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, NetworkID: testNetwork, AllowPrivate: true,
		StaticKey: static, IV: newIV(), SelfHash: k.Identity.Hash(), Self: r.self,
		Skew: func(_ i2p.Hash, d time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.skews = append(r.skews, d)
		},
	}
	deps := Deps{Clock: r.clock, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&cfg, &deps)
	}
	if r.transport, err = New(cfg, deps); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.transport.Close() })
	r.sign(nil)
	return r
}

func newIV() (iv [16]byte) {
	rand.Read(iv[:])
	return iv
}

func (r *router) self() *i2p.RouterInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info
}

// sign makes a RouterInfo with the transport's addresses.
func (r *router) sign(options map[string]string) {
	r.t.Helper()
	all := map[string]string{
		"netId": strconv.Itoa(r.transport.cfg.NetworkID), "router.version": "0.9.66", "caps": "XR",
	}
	for k, v := range options {
		all[k] = v
	}
	ri, err := i2p.NewRouterInfo(r.keys, r.clock.Now(), r.transport.Addresses(), all)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.info = ri
	r.mu.Unlock()
}

// serve runs the transport until the test ends or stop is called.
func (r *router) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.transport.Serve(ctx, r); err != nil {
			r.t.Errorf("serve: %v", err)
		}
	}()
	for r.running() == nil {
		runtime.Gosched()
	}
	r.stop = func() { cancel(); <-done }
	r.t.Cleanup(r.stop)
}

func (r *router) running() *server {
	r.transport.mu.Lock()
	defer r.transport.mu.Unlock()
	return r.transport.server
}

func (r *router) Messages(_ i2p.Hash, msgs []*buf.Buf) {
	if r.onBatch != nil {
		r.onBatch(len(msgs))
	}
	for _, m := range msgs {
		r.messages <- append([]byte(nil), m.Bytes()...)
		m.Release()
	}
}

func (r *router) RouterInfo(_ i2p.Hash, ri *i2p.RouterInfo, _ bool) { r.infos <- ri }

func (r *router) Admit(i2p.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.refuse
}

func (r *router) Opened(s transport.Session) bool {
	if !r.Admit(s.Peer()) {
		return false
	}
	r.opened <- s
	return true
}

func (r *router) Closed(_ transport.Session, err error) {
	r.closed <- err
}

// dial opens a session to another router and returns both ends.
func (r *router) dial(to *router) (ours, theirs transport.Session) {
	r.t.Helper()
	ours, err := r.transport.Dial(r.t.Context(), to.self())
	if err != nil {
		r.t.Fatalf("dial: %v", err)
	}
	<-r.opened
	return ours, receive(r.t, to.opened)
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	return receiveWithin(t, c, 20*time.Second)
}

func receiveWithin[T any](t *testing.T, c <-chan T, d time.Duration) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(d):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

// message is an I2NP message in flight with a payload of n bytes.
func message(n int, fill byte) *buf.Buf {
	b := buf.GetFor(shortHeaderLen + n)
	m := b.Extend(shortHeaderLen + n)
	for i := range m {
		m[i] = fill
	}
	return b
}

// pipes is a network in memory: net.Pipe advances the time of a synctest bubble.
type pipes struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*pipeListener
}

type pipeListener struct {
	at    netip.AddrPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type pipeConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c pipeConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c pipeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (p *pipes) listen(_ context.Context, _ string, at netip.AddrPort) (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listeners == nil {
		p.listeners = make(map[netip.AddrPort]*pipeListener)
	}
	l := &pipeListener{at: at, conns: make(chan net.Conn), done: make(chan struct{})}
	p.listeners[at] = l
	return l, nil
}

func (p *pipes) dial(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[to]
	p.mu.Unlock()
	if l == nil {
		return nil, net.ErrClosed
	}
	a, b := net.Pipe()
	from := netip.AddrPortFrom(local, 40000)
	select {
	case l.conns <- pipeConn{b, to, from}:
		return pipeConn{a, from, to}, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }

// on places a router in a network of pipes.
func (p *pipes) on(at string) func(*Config, *Deps) {
	return func(c *Config, d *Deps) {
		c.Listen = []netip.AddrPort{netip.MustParseAddrPort(at)}
		d.Listen, d.Dial = p.listen, p.dial
	}
}
