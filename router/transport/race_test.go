package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// dead dials until the context ends.
func dead(ctx context.Context, _ *i2p.RouterInfo) error { <-ctx.Done(); return ctx.Err() }

func fails(err error) func(context.Context, *i2p.RouterInfo) error {
	return func(context.Context, *i2p.RouterInfo) error { return err }
}

func style(m *transport.Mux, i int) transport.StyleStats { return m.Stats().Styles[i] }

func TestTheCheapestBidIsDialled(t *testing.T) {
	for _, tc := range []struct{ ntcp2, ssu2, want int }{{0, 30, 0}, {30, 0, 1}} {
		a, b := bids("NTCP2", tc.ntcp2), bids("SSU2", tc.ssu2)
		servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
			for range 20 {
				if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
					t.Fatal(err)
				}
			}
			if n := style(m, tc.want).Outbound; n != 20 || style(m, 1-tc.want).Dials != 0 {
				t.Errorf("%+v", m.Stats())
			}
		})
	}
}

func TestNearEqualBidsAreSpread(t *testing.T) {
	servingBoth(t, transport.Config{}, bids("NTCP2", 3), bids("SSU2", 8), func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		const n = 300
		for range n {
			to := known.add(t, nil)
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			first := m.Sessions()
			m.Disconnect(to, transport.ReasonNormal)
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			for _, s := range m.Sessions() {
				if s.Peer == to && !hasStyle(first, to, s.Style) {
					t.Fatal("the same peer is dialled another way")
				}
			}
		}
		// 116 of 144 by the scale, which is 242 of 300; 4 standard deviations are 28.
		if got := style(m, 0).Outbound; got < n*7/10 || got > n*9/10 {
			t.Errorf("%d of %d over NTCP2", got, n)
		}
	})
}

func hasStyle(all []transport.SessionStatus, peer i2p.Hash, style string) bool {
	for _, s := range all {
		if s.Peer == peer {
			return s.Style == style
		}
	}
	return false
}

func TestFallback(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		first, second func(context.Context, *i2p.RouterInfo) error
		took          time.Duration
		err           string // empty: connected over the second
		failures      [2]uint64
	}{
		"first fails":        {fails(broken), nil, 0, "", [2]uint64{1, 0}},
		"first is dead":      {dead, nil, 4 * time.Second, "", [2]uint64{1, 0}},
		"both fail":          {fails(broken), fails(errors.New("worse")), 0, "broken; then worse", [2]uint64{1, 1}},
		"both are dead":      {dead, dead, 20 * time.Second, "deadline", [2]uint64{1, 1}},
		"clocks differ":      {fails(transport.ErrClockSkew), nil, 0, "", [2]uint64{1, 0}},
		"clocks differ both": {fails(transport.ErrClockSkew), fails(transport.ErrClockSkew), 0, "clocks differ too much; then", [2]uint64{1, 1}},
		"second is dead too": {fails(broken), dead, 20 * time.Second, "broken; then context deadline", [2]uint64{1, 1}},
	} {
		a, b := bids("NTCP2", 0), bids("SSU2", 30)
		a.dial, b.dial = tc.first, tc.second
		servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, adm *profiles) {
			began := time.Now()
			err := m.Connect(t.Context(), known.add(t, nil))
			synctest.Wait()
			if took := time.Since(began); took != tc.took {
				t.Errorf("%s: it took %v", name, took)
			}
			if tc.err == "" && (err != nil || style(m, 1).Outbound != 1 || m.Stats().Fallbacks != 1 || adm.failures() != 0) {
				t.Errorf("%s: %v, %+v", name, err, m.Stats())
			}
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err) || adm.failures() != 1) {
				t.Errorf("%s: %v", name, err)
			}
			if got := [2]uint64{style(m, 0).Failures, style(m, 1).Failures}; got != tc.failures {
				t.Errorf("%s: failures %v", name, got)
			}
		})
	}
}

// A first choice that is slow, but not dead, wins when it is faster than the second; the loser is told to stop.
func TestSlowFirstChoiceMayStillWin(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	a.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(6 * time.Second); return nil }
	b.dial = dead
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		began := time.Now()
		if err := m.Connect(t.Context(), known.add(t, nil)); err != nil || time.Since(began) != 6*time.Second {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		synctest.Wait()
		if b.running != 0 || style(m, 0).Outbound != 1 || style(m, 1).Failures != 0 {
			t.Errorf("%+v", m.Stats())
		}
	})
}

// What began after the winner is not to blame for being behind.
func TestLaterLoserIsNotBlamed(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	a.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(9 * time.Second); return nil }
	b.dial = dead
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		err := m.Connect(t.Context(), known.add(t, nil))
		synctest.Wait()
		if err != nil || style(m, 1).Dials != 1 || style(m, 1).Failures != 0 {
			t.Errorf("%v, %+v", err, m.Stats())
		}
	})
}

func TestFailuresAreRemembered(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 20)
	broken := errors.New("broken")
	servingBoth(t, transport.Config{BackoffMax: 2 * time.Minute}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		to := known.add(t, nil)
		connect := func() {
			t.Helper()
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			m.Disconnect(to, transport.ReasonNormal)
			synctest.Wait()
		}
		count := func() [2]int { return [2]int{len(a.begun), len(b.begun)} }
		steps := []struct {
			what string
			do   func()
			want [2]int
		}{
			{"falls back", func() { a.dial = fails(broken); connect() }, [2]int{1, 1}},
			{"goes the second way at once", connect, [2]int{1, 2}},
			{"does not try the first way in its pause", func() { b.dial = fails(broken); m.Connect(t.Context(), to) }, [2]int{1, 3}},
			{"tries both when both pauses are over", func() { time.Sleep(3 * time.Second); m.Connect(t.Context(), to) }, [2]int{2, 4}},
			{"forgets", func() { a.dial, b.dial = nil, nil; time.Sleep(time.Hour); connect() }, [2]int{3, 4}},
		}
		for _, s := range steps {
			if s.do(); count() != s.want {
				t.Fatalf("%s: %v", s.what, count())
			}
		}
	})
}

// When nothing gets through over a transport, whoever the peer, the other one is dialled first.
func TestATransportThatKeepsFailingGoesBehind(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 0)
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, adm *profiles) {
		b.dial = fails(&net.OpError{Op: "dial", Err: syscall.ENETUNREACH})
		for range 300 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		before := len(b.begun)
		for range 100 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if before == 0 || len(b.begun) > before+10 { // a few until the last point is gone
			t.Errorf("%d dials, then %d", before, len(b.begun)-before)
		}
		time.Sleep(time.Hour) // it may work again
		for range 30 {
			m.Connect(t.Context(), known.add(t, nil))
		}
		if len(b.begun) == before {
			t.Error("it is never tried again")
		}
		a.dial = b.dial
		if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, syscall.ENETUNREACH) || adm.failures() != 0 {
			t.Errorf("%v, %d failures", err, adm.failures())
		}
	})
}

func TestATransportNearItsLimitGoesBehind(t *testing.T) {
	cfg := transport.Config{MaxOf: map[string]int{"NTCP2": 8}}
	servingBoth(t, cfg, bids("NTCP2", 0), bids("SSU2", 6), func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		for range 20 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if n := style(m, 0).Outbound; n < 6 || n > 7 { // the last place costs 30 more
			t.Errorf("%+v", m.Stats())
		}
	})
	servingBoth(t, transport.Config{MaxOf: map[string]int{"NTCP2": 1, "SSU2": 1}}, bids("NTCP2", 0), bids("SSU2", 20), func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		for range 2 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, transport.ErrBusy) {
			t.Error(err)
		}
	})
}

// Two routers dial each other over different transports, and each of them falls back. Whatever the order in which the up to
// four sessions open at each side, both keep the same one, and one only.
func TestCrossedSessionsOfDifferentStyles(t *testing.T) {
	type kind struct {
		style int
		weDid bool
	}
	all := []kind{{0, true}, {1, true}, {0, false}, {1, false}}
	for mask := 1; mask < 16; mask++ {
		var present []kind
		for i, k := range all {
			if mask&(1<<i) != 0 {
				present = append(present, k)
			}
		}
		kept := make(map[kind]bool)
		for side := range 2 {
			for shift := range present {
				self := i2p.Hash{byte(0xff * side)} // the other one is {0x80}
				a, b := bids("NTCP2", 0), bids("SSU2", 0)
				if (side+shift)%2 == 1 { // the order of the transports does not matter
					a, b = b, a
				}
				servingBoth(t, transport.Config{Self: self}, a, b, func(t *testing.T, m *transport.Mux, _ *peers, _ *profiles) {
					for i := range present {
						k := present[(i+shift)%len(present)]
						d := transport.Inbound
						if k.weDid == (side == 0) {
							d = transport.Outbound
						}
						f := a
						if (f.style == "SSU2") != (k.style == 1) {
							f = b
						}
						if _, err := f.open(i2p.Hash{0x80}, d); err != nil {
							t.Fatal(err)
						}
					}
					if n := len(m.Sessions()); n != len(present) {
						t.Fatalf("%d sessions of %d at first", n, len(present))
					}
					time.Sleep(time.Minute)
					left := m.Sessions()
					if len(left) != 1 {
						t.Fatalf("%d sessions are left", len(left))
					}
					k := kind{weDid: (left[0].Direction == transport.Outbound) == (side == 0)}
					if left[0].Style == "SSU2" {
						k.style = 1
					}
					kept[k] = true
				})
			}
		}
		if len(kept) != 1 {
			t.Errorf("of %v %v are kept", present, kept)
		}
	}
}

// A failure outlives the pause: then the first way may be dialled, but comes second.
func TestAFailureCostsForAWhile(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 3)
	a.dial = fails(errors.New("broken"))
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		var all []i2p.Hash
		for len(a.begun) < 10 { // one in a few goes the second way by chance
			to := known.add(t, nil)
			all = append(all, to)
			m.Connect(t.Context(), to)
			m.Disconnect(to, transport.ReasonNormal)
		}
		time.Sleep(time.Minute)
		for _, to := range all {
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(a.begun); n != 10 {
			t.Errorf("%d dials the first way", n)
		}
	})
}

func TestNoFallbackWhenThePeerCameItself(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	a.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return errors.New("broken") }
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		to := known.add(t, nil)
		m.Send(to, msg("x"))
		synctest.Wait()
		a.open(to, transport.Inbound)
		time.Sleep(10 * time.Second)
		if len(b.begun) != 0 || len(m.Sessions()) != 1 {
			t.Errorf("%+v", m.Stats())
		}
	})
}

func TestErrorsOfADialNameEachTransport(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	first, second := fmt.Errorf("ntcp2: connect: %w", syscall.ECONNREFUSED), errors.New("ssu2: no answer")
	a.dial, b.dial = fails(first), fails(second)
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		err := m.Connect(t.Context(), known.add(t, nil))
		if !errors.Is(err, first) || !errors.Is(err, second) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Error(err)
		}
	})
}

// A transport without a place left says nothing of the peer.
func TestFullTransportIsNotHeldAgainstThePeer(t *testing.T) {
	cfg := transport.Config{MaxOf: map[string]int{"NTCP2": 1, "SSU2": 1}}
	full := fails(transport.ErrBusy)
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	b.dial = full
	servingBoth(t, cfg, a, b, func(t *testing.T, m *transport.Mux, known *peers, p *profiles) {
		if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
			t.Fatal(err)
		}
		for range 3 { // NTCP2 is full by our count, SSU2 by its own
			if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, transport.ErrBusy) {
				t.Errorf("%v", err)
			}
		}
		if n := p.failures(); n != 0 {
			t.Errorf("%d peers are blamed", n)
		}
	})
}
