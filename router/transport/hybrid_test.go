package transport_test

import (
	"errors"
	"testing"
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

// A slow post-quantum handshake has another one beside it after a while, and no plain one.
func TestPlainHandshakeDoesNotRunBesides(t *testing.T) {
	for name, second := range map[string]bool{"plain": false, "post-quantum": true} {
		a, b := hybrid("NTCP2", 0), bids("SSU2", 30)
		if second {
			b = hybrid("SSU2", 30)
		}
		a.dial = dead
		servingBoth(t, transport.Config{}, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
			began := time.Now()
			err := m.Connect(t.Context(), known.add(t, nil))
			if took := time.Since(began); second != (err == nil) || second && took != 4*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			if n := style(m, 1).Dials; second != (n == 1) {
				t.Errorf("%s: %d dials besides", name, n)
			}
		})
	}
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
