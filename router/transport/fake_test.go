package transport_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A fake is a Transport whose sessions keep what they are sent. Its addresses are never looked at.
type fake struct {
	style string
	dial  func(ctx context.Context, ri *i2p.RouterInfo) error // nil: succeeds
	begun []time.Time                                         // dials

	mu      sync.Mutex
	reg     transport.Registry
	last    *session // opened
	dials   int
	running int // dials now
	most    int
}

func (f *fake) Style() string                     { return f.style }
func (f *fake) Addresses() []i2p.RouterAddress    { return make([]i2p.RouterAddress, 1) }
func (f *fake) Reachable(ri *i2p.RouterInfo) bool { return ri.Options().Get("style") != "other" }

func (f *fake) Serve(ctx context.Context, r transport.Registry) error {
	f.mu.Lock()
	f.reg = r
	f.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (f *fake) Dial(ctx context.Context, ri *i2p.RouterInfo) (transport.Session, error) {
	f.mu.Lock()
	f.dials++
	f.begun = append(f.begun, time.Now())
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	if f.dial != nil {
		if err := f.dial(ctx, ri); err != nil {
			return nil, err
		}
	}
	return f.open(ri.Hash(), transport.Outbound)
}

func (f *fake) open(peer i2p.Hash, d transport.Direction) (*session, error) {
	return f.openFrom(peer, d, "")
}

func (f *fake) session(peer i2p.Hash, d transport.Direction) *session {
	return &session{t: f, peer: peer, direction: d, since: time.Now(), active: time.Now()}
}

// openFrom opens a session with a peer at an IP address.
func (f *fake) openFrom(peer i2p.Hash, d transport.Direction, ip string) (*session, error) {
	s := f.session(peer, d)
	if ip != "" {
		s.remote = netip.AddrPortFrom(netip.MustParseAddr(ip), 1)
	}
	f.mu.Lock()
	f.last = s
	f.mu.Unlock()
	if !f.reg.Opened(s) {
		return nil, transport.ErrRefused
	}
	return s, nil
}

func (f *fake) registry() transport.Registry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reg
}

// state is what the dials came to so far.
func (f *fake) state() (dials, most int, last *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials, f.most, f.last
}

type session struct {
	t         *fake
	peer      i2p.Hash
	direction transport.Direction
	since     time.Time
	remote    netip.AddrPort

	mu     sync.Mutex
	active time.Time // a message passed
	got    []string
	full   bool
	closed []transport.Reason
}

func (s *session) Peer() i2p.Hash                 { return s.peer }
func (s *session) Direction() transport.Direction { return s.direction }
func (s *session) Idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.active)
}

// touch is a message that the peer sends.
func (s *session) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
}
func (s *session) Status() transport.SessionStatus {
	return transport.SessionStatus{Peer: s.peer, Style: s.t.style, Direction: s.direction, Remote: s.remote, Since: s.since}
}

func (s *session) Send(msgs []*buf.Buf) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range msgs {
		if !s.full && s.closed == nil {
			s.got = append(s.got, string(m.Bytes()))
			n++
		}
		m.Release()
	}
	return n
}

func (s *session) Close(r transport.Reason) {
	s.mu.Lock()
	first := s.closed == nil
	s.closed = append(s.closed, r)
	s.mu.Unlock()
	if first {
		s.t.reg.Closed(s, nil)
	}
}

func (s *session) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *session) reasons() []transport.Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.closed)
}

type sink struct{}

func (sink) Messages(i2p.Hash, []*buf.Buf)              {}
func (sink) RouterInfo(i2p.Hash, *i2p.RouterInfo, bool) {}

type profiles struct {
	mu        sync.Mutex
	connected []i2p.Hash
	failed    []error
}

func (a *profiles) failures() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.failed)
}

func (a *profiles) Connected(p i2p.Hash) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.connected = append(a.connected, p)
}

func (a *profiles) Failed(_ i2p.Hash, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = append(a.failed, err)
}

// peers are RouterInfos that a Lookup knows.
type peers struct{ infos sync.Map }

func (p *peers) lookup(_ context.Context, h i2p.Hash) (*i2p.RouterInfo, error) {
	if ri, ok := p.infos.Load(h); ok {
		return ri.(*i2p.RouterInfo), nil
	}
	return nil, errors.New("no such router")
}

func (p *peers) add(t *testing.T, options map[string]string) i2p.Hash {
	t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(k, time.Now(), nil, options)
	if err != nil {
		t.Fatal(err)
	}
	p.infos.Store(ri.Hash(), ri)
	return ri.Hash()
}

// A bidder is a fake that bids.
type bidder struct {
	*fake
	bid func(ri *i2p.RouterInfo) (transport.Bid, bool)
}

func (b bidder) Bid(ri *i2p.RouterInfo) (transport.Bid, bool) { return b.bid(ri) }

// bids makes a transport that bids the same for every router.
func bids(style string, cost int) bidder {
	return bidder{&fake{style: style}, func(*i2p.RouterInfo) (transport.Bid, bool) {
		return transport.Bid{Cost: cost, Path: transport.Direct}, true
	}}
}

// servingBoth runs a test within a bubble with a Mux over two transports that bid.
func servingBoth(t *testing.T, cfg transport.Config, a, b bidder, f func(t *testing.T, m *transport.Mux, known *peers, adm *profiles)) {
	synctest.Test(t, func(t *testing.T) {
		known, adm := new(peers), new(profiles)
		m, err := transport.New(cfg, transport.Deps{Transports: []transport.Transport{a, b}, Lookup: known.lookup, Peers: adm})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- m.Serve(ctx, sink{}) }()
		synctest.Wait()
		f(t, m, known, adm)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// serving runs a test within a bubble with a Mux that serves.
func serving(t *testing.T, cfg transport.Config, f func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles)) {
	synctest.Test(t, func(t *testing.T) {
		tr, known, a := &fake{style: "NTCP2"}, new(peers), new(profiles)
		m, err := transport.New(cfg, transport.Deps{Transports: []transport.Transport{tr}, Lookup: known.lookup, Peers: a})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- m.Serve(ctx, sink{}) }()
		synctest.Wait()
		f(t, m, known, tr, a)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := tr.open(i2p.Hash{1}, transport.Inbound); err == nil {
			t.Error("session opened after the end")
		}
	})
}
