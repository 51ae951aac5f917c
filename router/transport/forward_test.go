package transport_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// Strangers choose to whom forwarded messages go. However many dead routers they name, our own dials go on.
func TestForwardedMessagesDoNotKeepOurDialsWaiting(t *testing.T) {
	cfg := transport.Config{MaxDials: 4, MaxPendingDials: 16}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		dead := make(map[i2p.Hash]bool)
		tr.dial = func(ctx context.Context, ri *i2p.RouterInfo) error {
			if dead[ri.Hash()] {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		var named []i2p.Hash
		for range 100 {
			to := known.add(t, nil)
			dead[to] = true
			named = append(named, to)
		}
		for _, to := range named {
			m.Forward(to, msg("x"))
			synctest.Wait()
		}
		if st := m.Stats(); st.Dialling != 2+8 || st.DropNoSession != 90 {
			t.Errorf("%+v", st)
		}
		start := time.Now()
		for range 20 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatalf("our own: %v", err)
			}
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("our own dials waited %v", d)
		}
	})
}

func TestForwardedDialThatWeNeedComesForward(t *testing.T) {
	cfg := transport.Config{MaxDials: 2}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		slow := make(chan struct{})
		first, second := known.add(t, nil), known.add(t, nil)
		tr.dial = func(_ context.Context, ri *i2p.RouterInfo) error {
			if ri.Hash() == first {
				<-slow
			}
			return nil
		}
		m.Forward(first, msg("a"))
		synctest.Wait()
		m.Forward(second, msg("b"))
		synctest.Wait()
		if m.Connected(second) {
			t.Fatal("forwarded messages get more than half of the dials")
		}
		m.Send(second, msg("c"))
		synctest.Wait()
		_, _, s := tr.state()
		if !m.Connected(second) || !slices.Equal(s.messages(), []string{"b", "c"}) {
			t.Fatal("the dial did not come forward")
		}
		close(slow)
		synctest.Wait()
		if !m.Connected(first) {
			t.Error("the first one is lost")
		}
		m.Forward(known.add(t, nil), msg("d")) // its place is free again
		synctest.Wait()
		if st := m.Stats(); st.Dialling != 0 || st.Outbound != 3 {
			t.Errorf("%+v", st)
		}
	})
}
