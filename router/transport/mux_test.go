package transport_test

import (
	"bytes"
	"context"
	"errors"
	"net"
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
	s := &session{t: f, peer: peer, direction: d, since: time.Now()}
	f.mu.Lock()
	f.last = s
	f.mu.Unlock()
	if !f.reg.Opened(s) {
		return nil, transport.ErrRefused
	}
	return s, nil
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

	mu     sync.Mutex
	got    []string
	full   bool
	closed []transport.Reason
}

func (s *session) Peer() i2p.Hash                 { return s.peer }
func (s *session) Direction() transport.Direction { return s.direction }
func (s *session) Idle(now time.Time) time.Duration {
	return now.Sub(s.since)
}
func (s *session) Status() transport.SessionStatus {
	return transport.SessionStatus{Peer: s.peer, Style: s.t.style, Direction: s.direction, Since: s.since}
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

type admission struct {
	mu        sync.Mutex
	refuse    i2p.Hash
	connected []i2p.Hash
	failed    []error
}

func (a *admission) Admit(p i2p.Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p != a.refuse
}

func (a *admission) failures() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.failed)
}

func (a *admission) Connected(p i2p.Hash) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.connected = append(a.connected, p)
}

func (a *admission) Failed(_ i2p.Hash, err error) {
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

// serving runs a test within a bubble with a Mux that serves.
func serving(t *testing.T, cfg transport.Config, f func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission)) {
	synctest.Test(t, func(t *testing.T) {
		tr, known, a := &fake{style: "NTCP2"}, new(peers), new(admission)
		m, err := transport.New(cfg, transport.Deps{Transports: []transport.Transport{tr}, Lookup: known.lookup, Admission: a})
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

func msg(s string) *buf.Buf { return buf.From([]byte(s)) }

func TestSendDialsAndDeliversInOrder(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission) {
		to := known.add(t, nil)
		dialling := make(chan struct{})
		tr.dial = func(context.Context, *i2p.RouterInfo) error { <-dialling; return nil }
		m.Send(to, msg("a"), msg("b"))
		m.Send(to, msg("c"))
		synctest.Wait()
		if dials, _, _ := tr.state(); m.Connected(to) || dials != 1 || m.Stats().Dialling != 1 {
			t.Fatal("one dial is under way")
		}
		close(dialling)
		if err := m.Connect(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m.Send(to, msg("d"))
		_, _, s := tr.state()
		if got := s.messages(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
			t.Errorf("got %q", got)
		}
		if st := m.Sessions(); len(st) != 1 || st[0].Peer != to {
			t.Fatalf("sessions %+v", st)
		}
		if !slices.Equal(a.connected, []i2p.Hash{to}) {
			t.Error("Admission did not learn of it")
		}
		m.Disconnect(to, transport.ReasonNormal)
		if m.Connected(to) {
			t.Error("still connected")
		}
	})
}

func TestPendingQueueIsBounded(t *testing.T) {
	serving(t, transport.Config{MaxPendingMessages: 3}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		to := known.add(t, nil)
		dialling := make(chan struct{})
		tr.dial = func(context.Context, *i2p.RouterInfo) error { <-dialling; return nil }
		for range 5 {
			m.Send(to, msg("x"))
		}
		if n := m.Stats().DropPendingFull; n != 2 {
			t.Errorf("%d dropped", n)
		}
		close(dialling)
	})
}

func TestFailedDialBacksOff(t *testing.T) {
	cfg := transport.Config{BackoffMin: time.Second, BackoffMax: 4 * time.Second}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission) {
		to := known.add(t, nil)
		broken := errors.New("broken")
		tr.dial = func(context.Context, *i2p.RouterInfo) error { return broken }
		for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
			if err := m.Connect(t.Context(), to); !errors.Is(err, broken) {
				t.Fatalf("connect: %v", err)
			}
			time.Sleep(pause - time.Millisecond)
			if err := m.Connect(t.Context(), to); !errors.Is(err, transport.ErrBackoff) {
				t.Fatalf("before %v: %v", pause, err)
			}
			time.Sleep(time.Millisecond)
		}
		m.Send(to, msg("lost"))
		synctest.Wait()
		m.Send(to, msg("lost"))
		if st := m.Stats(); st.DropDialFailed != 1 || st.DropNoSession != 1 || st.DialFailures != 5 {
			t.Errorf("%+v", st)
		}
		if a.failures() != 5 {
			t.Errorf("Admission learned of %d failures", a.failures())
		}
		if _, err := tr.open(to, transport.Inbound); err != nil { // it is there after all
			t.Fatal(err)
		}
		m.Disconnect(to, transport.ReasonNormal)
		tr.dial = nil
		if err := m.Connect(t.Context(), to); err != nil {
			t.Errorf("the back-off did not end with a session: %v", err)
		}
	})
}

func TestConnectErrors(t *testing.T) {
	self := i2p.Hash{9}
	serving(t, transport.Config{Self: self, DialTimeout: time.Minute}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission) {
		if err := m.Connect(t.Context(), self); !errors.Is(err, transport.ErrSelf) {
			t.Errorf("self: %v", err)
		}
		if err := m.Connect(t.Context(), i2p.Hash{1}); err == nil {
			t.Error("a router that nobody knows")
		}
		if err := m.Connect(t.Context(), known.add(t, map[string]string{"style": "other"})); !errors.Is(err, transport.ErrNoAddress) {
			t.Errorf("no address: %v", err)
		}
		a.refuse = known.add(t, nil)
		if err := m.Connect(t.Context(), a.refuse); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("not admitted: %v", err)
		}
		if tr.reg.Admit(a.refuse) || tr.reg.Admit(self) {
			t.Error("admitted inbound")
		}
		tr.dial = func(ctx context.Context, _ *i2p.RouterInfo) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		to := known.add(t, nil)
		if err := m.Connect(ctx, to); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context: %v", err)
		}
		start := time.Now()
		if err := m.Connect(t.Context(), to); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 59*time.Second {
			t.Errorf("dial timeout: %v after %v", err, time.Since(start))
		}
	})
}

func TestDialsAreBounded(t *testing.T) {
	serving(t, transport.Config{MaxDials: 2, MaxPendingDials: 3}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		tr.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return nil }
		var all []i2p.Hash
		for range 8 {
			to := known.add(t, nil)
			all = append(all, to)
			m.Send(to, msg("x"))
			synctest.Wait()
		}
		// 2 run, 1 waits for a turn in the loop's hand, 3 in the queue.
		if n := m.Stats().DropNoSession; n != 2 {
			t.Errorf("%d dropped", n)
		}
		time.Sleep(10 * time.Second)
		if dials, most, _ := tr.state(); most != 2 || dials != 6 {
			t.Errorf("%d dials, %d at once", dials, most)
		}
		if !m.Connected(all[0]) || m.Connected(all[7]) {
			t.Error("not the oldest were dialled")
		}
	})
}

func TestNewInboundSessionReplacesTheOld(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		peer := known.add(t, nil)
		old, _ := tr.open(peer, transport.Inbound)
		fresh, _ := tr.open(peer, transport.Inbound)
		if !slices.Equal(old.reasons(), []transport.Reason{transport.ReasonNormal}) || fresh.reasons() != nil {
			t.Fatal("the old one goes")
		}
		m.Send(peer, msg("a"))
		if len(fresh.messages()) != 1 || !m.Connected(peer) || len(m.Sessions()) != 1 {
			t.Fatal("the new one is used")
		}
		// A peer that we dialled a while ago restarts and dials us.
		time.Sleep(time.Minute)
		again, _ := tr.open(peer, transport.Outbound)
		if fresh.reasons() == nil || again.reasons() != nil {
			t.Fatal("the old one goes, whatever the direction")
		}
	})
}

func TestCrossedDialsKeepOneSessionOnBothSides(t *testing.T) {
	for _, inboundFirst := range []bool{false, true} {
		var kept []bool // our outbound session is preferred, by side
		var peer i2p.Hash
		for _, self := range []i2p.Hash{{}, {0xff, 0xff, 0xff, 0xff, 0xff}} {
			serving(t, transport.Config{Self: self}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
				peer = known.add(t, nil)
				dirs := []transport.Direction{transport.Outbound, transport.Inbound}
				if inboundFirst {
					slices.Reverse(dirs)
				}
				s := map[transport.Direction]*session{}
				for _, d := range dirs {
					s[d], _ = tr.open(peer, d)
				}
				in, out := s[transport.Inbound], s[transport.Outbound]
				m.Send(peer, msg("a"))
				if len(in.messages())+len(out.messages()) != 1 || in.reasons() != nil || out.reasons() != nil {
					t.Fatal("both stay, one is used")
				}
				kept = append(kept, len(out.messages()) == 1)
				if want := bytes.Compare(self[:], peer[:]) < 0; kept[len(kept)-1] != want {
					t.Fatal("the router with the lesser hash opens the session that stays")
				}
				if len(self) == 0 || inboundFirst {
					// The peer closes the one that we prefer: the other takes over.
					used, other := in, out
					if len(out.messages()) == 1 {
						used, other = out, in
					}
					used.Close(transport.ReasonNormal)
					m.Send(peer, msg("b"))
					if len(other.messages()) != 1 {
						t.Fatal("the spare session did not take over")
					}
					return
				}
				time.Sleep(time.Minute)
				if (in.reasons() == nil) == (out.reasons() == nil) || len(m.Sessions()) != 1 {
					t.Fatal("the spare session did not end")
				}
			})
		}
		if kept[0] == kept[1] {
			t.Error("the two sides prefer different sessions")
		}
	}
}

func TestInboundSessionEndsADial(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission) {
		to := known.add(t, nil)
		tr.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return errors.New("refused") }
		m.Send(to, msg("a"))
		synctest.Wait()
		in, _ := tr.open(to, transport.Inbound)
		if len(in.messages()) != 1 {
			t.Fatal("what waited for the dial went elsewhere")
		}
		time.Sleep(2 * time.Second)
		if a.failures() != 0 || m.Stats().DropDialFailed != 0 {
			t.Error("the failed dial was held against the peer")
		}
	})
}

func TestSessionThatIsRefusedAtOnceIsAFailedDial(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *admission) {
		for _, tc := range []struct {
			cause error
			after time.Duration
			want  error
		}{
			{&transport.Terminated{Reason: transport.ReasonBanned}, time.Second, transport.ErrBackoff},
			{errors.New("EOF"), time.Second, transport.ErrBackoff}, // without a byte
			{&transport.Terminated{Reason: transport.ReasonNormal}, time.Second, nil},
			{&transport.Terminated{Reason: transport.ReasonBanned}, time.Minute, nil},
			{nil, time.Second, nil},
		} {
			to := known.add(t, nil)
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			_, _, s := tr.state()
			time.Sleep(tc.after)
			failed := a.failures()
			tr.reg.Closed(s, tc.cause)
			if err := m.Connect(t.Context(), to); !errors.Is(err, tc.want) {
				t.Errorf("after %v and %v: %v", tc.cause, tc.after, err)
			}
			if (tc.want != nil) != (a.failures() > failed) {
				t.Errorf("after %v and %v: Admission learned wrong", tc.cause, tc.after)
			}
		}
	})
}

func TestIdleSessionsAreClosed(t *testing.T) {
	serving(t, transport.Config{IdleTimeout: time.Minute}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		s, _ := tr.open(known.add(t, nil), transport.Inbound)
		time.Sleep(59 * time.Second)
		if s.reasons() != nil {
			t.Fatal("too early")
		}
		time.Sleep(15 * time.Second)
		if !slices.Equal(s.reasons(), []transport.Reason{transport.ReasonIdle}) {
			t.Fatalf("closed %v", s.reasons())
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	serving(t, transport.Config{MaxSessions: 2}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		first := known.add(t, nil)
		tr.open(first, transport.Inbound)
		tr.open(known.add(t, nil), transport.Inbound)
		third := known.add(t, nil)
		if tr.reg.Admit(third) || !tr.reg.Admit(first) {
			t.Error("Admit at the bound")
		}
		if err := m.Connect(t.Context(), third); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("connect: %v", err)
		}
	})
}

func TestSendFullIsCounted(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *admission) {
		peer := known.add(t, nil)
		s, _ := tr.open(peer, transport.Inbound)
		s.full = true
		m.Send(peer, msg("a"), msg("b"))
		if n := m.Stats().DropSessionFull; n != 2 {
			t.Errorf("%d dropped", n)
		}
	})
}

func TestServeEndsDialsAndDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, known := &fake{style: "NTCP2"}, new(peers)
		tr.dial = func(ctx context.Context, _ *i2p.RouterInfo) error { <-ctx.Done(); return ctx.Err() }
		m, err := transport.New(transport.Config{MaxDials: 1}, transport.Deps{Transports: []transport.Transport{tr}, Lookup: known.lookup})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Connect(t.Context(), i2p.Hash{1}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("before Serve: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Serve(ctx, sink{}) }()
		synctest.Wait()
		waited := make(chan error, 3)
		for range 3 {
			to := known.add(t, nil)
			go func() { waited <- m.Connect(t.Context(), to) }()
		}
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for range 3 {
			if err := <-waited; err == nil {
				t.Error("connected")
			}
		}
		m.Send(i2p.Hash{1}, msg("x"))
		if n := m.Stats().DropNoSession; n != 1 {
			t.Errorf("%d dropped", n)
		}
	})
}

func TestServeReturnsTheErrorOfATransport(t *testing.T) {
	broken := errors.New("broken")
	m, err := transport.New(transport.Config{}, transport.Deps{
		Transports: []transport.Transport{brokenTransport{&fake{style: "NTCP2"}, broken}}, Lookup: new(peers).lookup,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Serve(t.Context(), sink{}); !errors.Is(err, broken) {
		t.Errorf("serve: %v", err)
	}
}

type brokenTransport struct {
	*fake
	err error
}

func (b brokenTransport) Serve(context.Context, transport.Registry) error { return b.err }

func TestSendDoesNotAllocate(t *testing.T) {
	tr, peer := &fake{style: "NTCP2"}, i2p.Hash{1}
	m, err := transport.New(transport.Config{}, transport.Deps{Transports: []transport.Transport{tr}, Lookup: new(peers).lookup})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Serve(ctx, sink{}) }()
	defer func() { cancel(); <-done }()
	for m.Connect(t.Context(), i2p.Hash{}) == transport.ErrClosed {
	}
	for {
		tr.mu.Lock()
		ready := tr.reg != nil
		tr.mu.Unlock()
		if ready {
			break
		}
	}
	s, _ := tr.open(peer, transport.Inbound)
	s.full = true // drops at once
	batch := []*buf.Buf{msg("a")}
	if n := testing.AllocsPerRun(1000, func() {
		batch[0] = buf.Get()
		m.Send(peer, batch...)
	}); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
