package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func msg(s string) *buf.Buf { return buf.From([]byte(s)) }

func TestSendDialsAndDeliversInOrder(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
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
			t.Error("Peers did not learn of it")
		}
		m.Disconnect(to, transport.ReasonNormal)
		if m.Connected(to) {
			t.Error("still connected")
		}
	})
}

func TestPendingQueueIsBounded(t *testing.T) {
	serving(t, transport.Config{MaxPendingMessages: 3}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
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

func TestWhatWaitsForDialsIsBoundedInBytes(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		dialling := make(chan struct{})
		tr.dial = func(context.Context, *i2p.RouterInfo) error { <-dialling; return nil }
		large := make([]byte, buf.Small+1)
		const dials, each = 100, 10
		for range dials {
			to := known.add(t, nil)
			for range each {
				m.Send(to, buf.From(large))
			}
		}
		synctest.Wait()
		if kept := dials*each - m.Stats().DropPendingFull; kept*buf.Large > 16<<20 || kept < 200 {
			t.Errorf("%d buffers of %d bytes wait", kept, buf.Large)
		}
		close(dialling)
		synctest.Wait()
		before := m.Stats().DropPendingFull
		tr.dial = func(context.Context, *i2p.RouterInfo) error { return errors.New("broken") }
		m.Send(known.add(t, nil), buf.From(large))
		if m.Stats().DropPendingFull != before {
			t.Error("room is not given back")
		}
	})
}

func TestFailedDialBacksOff(t *testing.T) {
	cfg := transport.Config{BackoffMin: time.Second, BackoffMax: 4 * time.Second}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
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
			t.Errorf("Peers learned of %d failures", a.failures())
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

func TestPeerIsNotBlamedForOurOwnTrouble(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		for _, e := range []error{syscall.EMFILE, syscall.ENETUNREACH} {
			tr.dial = func(context.Context, *i2p.RouterInfo) error { return &net.OpError{Op: "dial", Err: e} }
			to := known.add(t, nil)
			if err := m.Connect(t.Context(), to); !errors.Is(err, e) {
				t.Fatalf("connect: %v", err)
			}
			if err := m.Connect(t.Context(), to); !errors.Is(err, transport.ErrBackoff) {
				t.Errorf("dialled again at once: %v", err)
			}
		}
		if a.failures() != 0 {
			t.Errorf("Peers learned of %d failures", a.failures())
		}
	})
}

func TestOurOwnTroubleDoesNotKeepPeersWaiting(t *testing.T) {
	cfg := transport.Config{BackoffMin: time.Second, BackoffMax: time.Hour}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		to := known.add(t, nil)
		for range 10 {
			tr.dial = func(context.Context, *i2p.RouterInfo) error { return syscall.ENETUNREACH }
			if err := m.Connect(t.Context(), to); !errors.Is(err, syscall.ENETUNREACH) {
				t.Fatalf("connect: %v", err)
			}
			time.Sleep(time.Second)
		}
		tr.dial = fails(errors.New("broken")) // the peer's failures count from the first
		m.Connect(t.Context(), to)
		time.Sleep(time.Second)
		tr.dial = nil
		if err := m.Connect(t.Context(), to); err != nil {
			t.Error(err)
		}
	})
}

// A router chooses whom it names as its introducers: that they are not found is not its fault, but dialling it again and again is
// not ours.
func TestUnknownIntroducersKeepAPeerWaiting(t *testing.T) {
	unknown := fails(fmt.Errorf("ssu2: relay: %w", transport.ErrNoIntroducer))
	cfg := transport.Config{BackoffMin: time.Second, BackoffMax: 4 * time.Second}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		to := known.add(t, nil)
		tr.dial = unknown
		for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
			if err := m.Connect(t.Context(), to); !errors.Is(err, transport.ErrNoIntroducer) {
				t.Fatalf("connect: %v", err)
			}
			time.Sleep(pause - time.Millisecond)
			if err := m.Connect(t.Context(), to); !errors.Is(err, transport.ErrBackoff) {
				t.Fatalf("before %v: %v", pause, err)
			}
			time.Sleep(time.Millisecond)
		}
		if a.failures() != 0 {
			t.Errorf("Peers learned of %d failures", a.failures())
		}
	})
	ntcp2, ssu2 := bids("NTCP2", 0), bids("SSU2", 30)
	ntcp2.dial, ssu2.dial = fails(errors.New("broken")), unknown
	servingBoth(t, cfg, ntcp2, ssu2, func(t *testing.T, m *transport.Mux, known *peers, a *profiles) {
		if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, transport.ErrNoIntroducer) || a.failures() != 1 {
			t.Errorf("%v; Peers learned of %d failures over another transport", err, a.failures())
		}
	})
}

// Strangers choose hashes, and that none is found says nothing about a router.
func TestPeerIsNotBlamedForALookup(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, _ *peers, _ *fake, a *profiles) {
		if err := m.Connect(t.Context(), i2p.Hash{1}); err == nil || !strings.Contains(err.Error(), "transport: look up") {
			t.Error(err)
		}
		m.Forward(i2p.Hash{2}, msg("x"))
		synctest.Wait()
		if st := m.Stats(); st.DialFailures != 2 || a.failures() != 0 {
			t.Errorf("%+v; Peers learned of %d failures", st, a.failures())
		}
	})
}

func TestLookupsThatFindNothingKeepAPeerWaitingForAShortWhile(t *testing.T) {
	cfg := transport.Config{BackoffMin: 4 * time.Second, BackoffMax: time.Hour}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		to := known.add(t, nil)
		ri, _ := known.infos.LoadAndDelete(to)
		waits := func(pause time.Duration) {
			t.Helper()
			if err := m.Connect(t.Context(), to); err == nil || errors.Is(err, transport.ErrBackoff) {
				t.Fatalf("connect: %v", err)
			}
			time.Sleep(pause - time.Millisecond)
			if err := m.Connect(t.Context(), to); !errors.Is(err, transport.ErrBackoff) {
				t.Fatalf("before %v: %v", pause, err)
			}
			time.Sleep(time.Millisecond)
		}
		for _, pause := range []time.Duration{4, 8, 16, 30, 30} {
			waits(pause * time.Second)
		}
		known.infos.Store(to, ri) // by another way
		tr.dial = fails(errors.New("broken"))
		waits(4 * time.Second) // the failures of dials count from the first
		waits(8 * time.Second)
		known.infos.Delete(to)
		waits(4 * time.Second)
	})
}

func TestConnectErrors(t *testing.T) {
	self := i2p.Hash{9}
	serving(t, transport.Config{Self: self, DialTimeout: time.Minute}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		if err := m.Connect(t.Context(), self); !errors.Is(err, transport.ErrSelf) {
			t.Errorf("self: %v", err)
		}
		if err := m.Connect(t.Context(), i2p.Hash{1}); err == nil {
			t.Error("a router that nobody knows")
		}
		if err := m.Connect(t.Context(), known.add(t, map[string]string{"style": "other"})); !errors.Is(err, transport.ErrNoAddress) {
			t.Errorf("no address: %v", err)
		}
		refused := known.add(t, nil)
		m.Ban(refused, transport.BanProtocol, 0)
		if err := m.Connect(t.Context(), refused); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("not admitted: %v", err)
		}
		if tr.reg.Admit(refused) || tr.reg.Admit(self) {
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
	serving(t, transport.Config{MaxDials: 2, MaxPendingDials: 3}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		tr.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return nil }
		var all []i2p.Hash
		for range 8 {
			to := known.add(t, nil)
			all = append(all, to)
			m.Send(to, msg("x"))
			synctest.Wait()
		}
		// 2 run, 3 wait in the queue.
		if n := m.Stats().DropNoSession; n != 3 {
			t.Errorf("%d dropped", n)
		}
		time.Sleep(10 * time.Second)
		if dials, most, _ := tr.state(); most != 2 || dials != 5 {
			t.Errorf("%d dials, %d at once", dials, most)
		}
		if !m.Connected(all[0]) || m.Connected(all[7]) {
			t.Error("not the oldest were dialled")
		}
	})
}

func TestIdleSessionsAreClosed(t *testing.T) {
	serving(t, transport.Config{IdleTimeout: time.Minute}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
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
	serving(t, transport.Config{MaxSessions: 2}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
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

func TestInboundSessionsLeaveRoomForDials(t *testing.T) {
	serving(t, transport.Config{MaxSessions: 16}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		for n := 0; ; n++ {
			peer := i2p.Hash{1, byte(n)}
			if !tr.reg.Admit(peer) {
				if n != 14 {
					t.Errorf("%d inbound sessions", n)
				}
				break
			}
			tr.open(peer, transport.Inbound)
		}
		for range 2 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Errorf("dial: %v", err)
			}
		}
		if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("dial beyond the bound: %v", err)
		}
	})
}

func TestSendFullIsCounted(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
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
