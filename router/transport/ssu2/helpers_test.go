package ssu2

import (
	"context"
	"log/slog"
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
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

const testNetwork = 99

// A router is one end of a test: a Transport and a Registry that records.
type router struct {
	t         testing.TB
	keys      *i2p.RouterKeys
	transport *Transport
	clock     *clock.Clock
	cancel    context.CancelFunc
	done      chan struct{}

	mu       sync.Mutex
	info     *i2p.RouterInfo
	refuse   bool
	keep     bool // Opened says yes
	skews    []time.Duration
	seen     []netip.AddrPort
	inbound  []netip.Addr
	tests    []nat.TestResult
	known    map[i2p.Hash]*i2p.RouterInfo
	opened   chan transport.Session
	closed   chan error
	messages chan []byte
	infos    chan *i2p.RouterInfo
	onBatch  func(msgs []*buf.Buf)
	onOpened func(ctx context.Context, s transport.Session)
}

var _ transport.Registry = (*router)(nil)
var _ Observer = (*router)(nil)

func newRouter(t testing.TB, change func(*Config, *Deps)) *router {
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
		t: t, keys: k, clock: clock.New(), keep: true, known: make(map[i2p.Hash]*i2p.RouterInfo),
		opened: make(chan transport.Session, 256), closed: make(chan error, 256),
		messages: make(chan []byte, 1<<16), infos: make(chan *i2p.RouterInfo, 256),
	}
	cfg := Config{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, NetworkID: testNetwork, AllowPrivate: true,
		StaticKey: static, IntroKey: NewIntroKey(), SigningKey: k.Signing, SelfHash: k.Identity.Hash(), Self: r.self,
		Skew: func(_ i2p.Hash, d time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.skews = append(r.skews, d)
		},
	}
	deps := Deps{
		Clock: r.clock, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observer: r, RouterInfo: r.lookup,
	}
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

func (r *router) hash() i2p.Hash { return r.keys.Identity.Hash() }

func (r *router) self() *i2p.RouterInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info
}

func (r *router) lookup(h i2p.Hash) *i2p.RouterInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[h]
}

// knows tells a router about others.
func (r *router) knows(others ...*router) {
	for _, o := range others {
		info := o.self()
		r.mu.Lock()
		r.known[info.Hash()] = info
		r.mu.Unlock()
	}
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
func (r *router) serve() *router {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if err := r.transport.Serve(ctx, r); err != nil {
			r.t.Errorf("serve: %v", err)
		}
	}()
	for r.running() == nil {
		runtime.Gosched()
	}
	r.t.Cleanup(r.stop)
	return r
}

func (r *router) stop() { r.cancel(); <-r.done }

func (r *router) running() *server {
	r.transport.mu.Lock()
	defer r.transport.mu.Unlock()
	return r.transport.server
}

func (r *router) Messages(_ i2p.Hash, msgs []*buf.Buf) {
	if r.onBatch != nil {
		r.onBatch(msgs)
		return
	}
	for _, m := range msgs {
		r.messages <- append([]byte(nil), m.Bytes()...)
		m.Release()
	}
}

func (r *router) RouterInfo(_ i2p.Hash, ri *i2p.RouterInfo, _ bool) {
	r.mu.Lock()
	r.known[ri.Hash()] = ri
	r.mu.Unlock()
	r.infos <- ri
}

func (r *router) Admit(i2p.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.refuse
}

func (r *router) Opened(s transport.Session) bool {
	r.mu.Lock()
	keep := r.keep
	r.mu.Unlock()
	if keep {
		r.opened <- s
	}
	return keep
}

func (r *router) OpenedBy(ctx context.Context, s transport.Session) bool {
	if r.onOpened != nil {
		r.onOpened(ctx, s)
	}
	return r.Opened(s)
}

func (r *router) Closed(_ transport.Session, err error) { r.closed <- err }

func (r *router) AddressSeen(_ i2p.Hash, _ netip.Addr, seen netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, seen)
}

func (r *router) InboundFrom(_ i2p.Hash, from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbound = append(r.inbound, from)
}

func (r *router) Tested(result nat.TestResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tests = append(r.tests, result)
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

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	return receiveWithin(t, c, 20*time.Second)
}

func receiveWithin[T any](t testing.TB, c <-chan T, d time.Duration) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(d):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

// message is an I2NP message in flight that does not expire soon, with a payload of n bytes.
func message(id uint32, n int, fill byte) *buf.Buf {
	b := buf.GetFor(minMessage + n)
	m := b.Extend(minMessage + n)
	for i := range m {
		m[i] = fill
	}
	m[0] = 20 // Data
	m[1], m[2], m[3], m[4] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
	exp := uint32(time.Now().Add(time.Minute).Unix())
	m[5], m[6], m[7], m[8] = byte(exp>>24), byte(exp>>16), byte(exp>>8), byte(exp)
	return b
}

// on places a router on a host of a network in memory.
func on(h *simnet.Host, at string) func(*Config, *Deps) {
	return func(c *Config, d *Deps) {
		c.Listen = []netip.AddrPort{netip.MustParseAddrPort(at)}
		d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) { return h.Listen(at, udp.Options{}) }
	}
}

// size is the number of connection ids in use.
func (t *table) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.entries)
}
