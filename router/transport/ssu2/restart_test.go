package ssu2

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/tests/simnet"
)

// A killed router says nothing. It comes back with the same keys and address.
func TestRestartedPeerOpensAnotherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, hb := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		old, _ := a.dial(b)
		transfer(t, old, b, 5, 1000, nil)
		hb.SetPath(simnet.Path{Link: simnet.Link{Loss: 1}}, simnet.Path{})
		b.stop()
		hb.SetPath(lossy(0), simnet.Path{})
		again := newRouter(t, func(c *Config, d *Deps) {
			on(hb, "11.0.0.2:9000")(c, d)
			c.StaticKey, c.IntroKey, c.SelfHash, c.SigningKey = b.transport.cfg.StaticKey, b.transport.cfg.IntroKey, b.hash(), b.keys.Signing
		})
		again.keys = b.keys
		again.sign(nil)
		again.serve()
		// It dials: the old session at the other end is in nobody's way.
		ours, theirs := again.dial(a)
		transfer(t, ours, a, 5, 1000, nil)
		transfer(t, theirs, again, 5, 1000, nil)
		// And we dial, with a token that it does not know any more.
		ours, theirs = a.dial(again)
		transfer(t, ours, again, 5, 1000, nil)
		transfer(t, theirs, a, 5, 1000, nil)
		old.Close(transport.ReasonNormal)
		if err := receiveWithin(t, a.closed, time.Minute); err != nil {
			t.Error(err)
		}
	})
}

// Data that overtakes SessionConfirmed waits for it.
func TestDataBeforeSessionConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, ha := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		sent := 0
		path := lossy(0)
		path.Jitter = 0
		path.Drop = func(p []byte) bool { // TokenRequest, SessionRequest, and then the first SessionConfirmed
			sent++
			return sent == 3
		}
		ha.SetPath(path, simnet.Path{})
		ours, err := a.transport.Dial(t.Context(), b.self())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		transfer(t, ours, b, 5, 1000, nil)
		if held := b.transport.Stats().Held; held == 0 {
			t.Error("nothing was held")
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// Acks of SessionConfirmed that are lost are given again.
func TestLostAckOfSessionConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, hb := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		sent := 0
		path := lossy(0)
		path.Drop = func([]byte) bool { // Retry and SessionCreated pass
			sent++
			return sent > 2 && sent <= 5
		}
		hb.SetPath(path, simnet.Path{})
		a.dial(b)
		time.Sleep(2 * time.Second)
		if confirm := a.running().table.session(b.hash()).unconfirmed(); confirm {
			t.Error("SessionConfirmed is still sent")
		}
	})
}

func (s *session) unconfirmed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirm != nil
}

// What others write as our address reaches the observer, and nothing else does.
func TestObserverHearsOfAddressesAndStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		a.dial(b)
		time.Sleep(time.Second)
		b.dial(a) // not a stranger to it any more
		time.Sleep(time.Second)
		for name, r := range map[string]*router{"initiator": a, "responder": b} {
			r.mu.Lock()
			if len(r.seen) != 1 || r.seen[0] != r.transport.Bound()[0] {
				t.Errorf("%s: seen at %v", name, r.seen)
			}
			r.mu.Unlock()
		}
		if len(a.inbound) != 0 || len(b.inbound) != 1 || b.inbound[0] != netip.MustParseAddr("11.0.0.1") {
			t.Errorf("strangers %v, %v", a.inbound, b.inbound)
		}
	})
}
