package transport_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// hybrid bids for a post-quantum handshake.
func hybrid(style string, cost int) bidder {
	return bidder{&fake{style: style}, func(*i2p.RouterInfo) (transport.Bid, bool) {
		return transport.Bid{Cost: cost, Path: transport.Direct, Hybrid: true}, true
	}}
}

func TestPostQuantumHandshakeGoesFirst(t *testing.T) {
	servingBoth(t, transport.Config{}, bids("NTCP2", 0), hybrid("SSU2", 60), func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		for range 20 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if style(m, 0).Dials != 0 || style(m, 1).Outbound != 20 {
			t.Errorf("%+v", m.Stats())
		}
	})
}

// A slow post-quantum handshake has another one beside it after a while. A plain one begins when it has had its time, and it
// ends then.
func TestPlainHandshakeDoesNotRunBesides(t *testing.T) {
	for name, second := range map[string]bool{"plain": false, "post-quantum": true} {
		a, b := hybrid("NTCP2", 0), bids("SSU2", 30)
		if second {
			b = hybrid("SSU2", 30)
		}
		want := 8 * time.Second
		if second {
			want = 4 * time.Second
		}
		a.dial = dead
		servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
			began := time.Now()
			err := m.Connect(t.Context(), known.add(t, nil))
			if took := time.Since(began); err != nil || took != want {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			synctest.Wait()
			if a.most != 1 || a.running != 0 || style(m, 0).Failures != 1 {
				t.Errorf("%s: %+v", name, m.Stats())
			}
		})
	}
}

// A post-quantum handshake that is slow, but not dead, is the only one.
func TestSlowPostQuantumHandshakeIsNotGivenUp(t *testing.T) {
	a, b := hybrid("NTCP2", 0), bids("SSU2", 30)
	a.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(7 * time.Second); return nil }
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		if err := m.Connect(t.Context(), known.add(t, nil)); err != nil || style(m, 1).Dials != 0 {
			t.Errorf("%v, %+v", err, m.Stats())
		}
	})
}

// Where a plain handshake works and the post-quantum one failed, the plain one goes first for a while. Where both failed, the
// post-quantum one does.
func TestFailedPostQuantumHandshakeGoesBehind(t *testing.T) {
	a, b := bids("NTCP2", 0), hybrid("SSU2", 0)
	b.dial = dead
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		to := known.add(t, nil)
		connect := func(want time.Duration) {
			t.Helper()
			began := time.Now()
			err := m.Connect(t.Context(), to)
			if took := time.Since(began); (err == nil) != (a.dial == nil) || took != want {
				t.Errorf("%v after %v", err, took)
			}
			m.Disconnect(to, transport.ReasonNormal)
			synctest.Wait()
		}
		connect(8 * time.Second)
		time.Sleep(6 * time.Minute)
		connect(0)
		time.Sleep(6 * time.Minute) // it may have been an accident
		connect(8 * time.Second)
		a.dial = fails(errors.New("broken"))
		time.Sleep(6 * time.Minute)
		connect(20 * time.Second) // the plain one fails, then that which failed before
		time.Sleep(6 * time.Minute)
		a.begun, b.begun = nil, nil
		connect(8 * time.Second)
		if len(a.begun) != 1 || len(b.begun) != 1 || !b.begun[0].Before(a.begun[0]) {
			t.Errorf("%v, %v", a.begun, b.begun)
		}
	})
}

// Whoever ends all post-quantum handshakes gets a plain one: without it he could keep us apart as well.
func TestPlainHandshakeComesAfterAllOthersFailed(t *testing.T) {
	a, b := hybrid("NTCP2", 0), bids("SSU2", 30)
	a.dial = fails(errors.New("broken"))
	servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		if err := m.Connect(t.Context(), known.add(t, nil)); err != nil || style(m, 1).Outbound != 1 {
			t.Errorf("%v, %+v", err, m.Stats())
		}
	})
}
