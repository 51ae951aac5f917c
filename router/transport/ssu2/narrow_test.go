package ssu2

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/tests/simnet"
)

// narrow is a path that swallows what is longer than 1280 bytes, as the request of ML-KEM-768 is.
func narrow() simnet.Path {
	p := lossy(0)
	p.MTU, p.BlackHole = 1280, true
	return p
}

func offersMLKEM768(c *Config, _ *Deps) { c.PostQuantum = []byte{4} }

// Whatever the token of the hybrid SessionRequest is from.
func TestNarrowPathsTakeThePlainHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, host := newHost(t, n, 1, lossy(0), offersMLKEM768)
		b, _ := newHost(t, n, 2, lossy(0), offersMLKEM768)
		host.SetPath(narrow(), simnet.Path{})
		a.serve()
		b.serve()
		for i := range 4 { // the second and the fourth with a token that the one before left
			start := time.Now()
			ours, _ := a.dial(b)
			if got, took := ours.Status().Crypto, time.Since(start); got != "X25519" || took > plainAfter+2*time.Second {
				t.Errorf("dial %d: %s after %v", i, got, took)
			}
			time.Sleep(time.Second)
			ours.Close(transport.ReasonNormal)
			receive(t, a.closed)
			time.Sleep(20 * time.Second)
		}
	})
}

func TestNarrowPathsOfIntroducedDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		inside := func(i byte, path simnet.Path) *router {
			box := n.NAT("nat", simnet.NATOptions{Kind: simnet.PortRestricted, External: netip.AddrFrom4([4]byte{11, i, 0, 1})})
			at := netip.AddrFrom4([4]byte{10, 0, i, 1})
			h := box.Host("inside", at)
			h.SetPath(path, simnet.Path{})
			return newRouter(t, func(c *Config, d *Deps) {
				on(h, netip.AddrPortFrom(at, 9000).String())(c, d)
				offersMLKEM768(c, d)
			})
		}
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		bob.serve()
		charlie := inside(88, lossy(0))
		introducedBy(t, charlie, bob)
		alice := inside(99, narrow())
		alice.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
		alice.sign(nil)
		alice.knows(bob, charlie)
		alice.serve()
		bob.knows(alice)
		start := time.Now()
		ours, err := alice.transport.Dial(t.Context(), charlie.self())
		if err != nil {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		if got := ours.Status().Crypto; got != "X25519" {
			t.Errorf("%s after %v", got, time.Since(start))
		}
	})
}

// introducedBy has a router served and published through an introducer.
func introducedBy(t *testing.T, charlie, bob *router) {
	t.Helper()
	charlie.knows(bob)
	charlie.serve()
	charlie.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
	time.Sleep(time.Second)
	charlie.dial(bob)
	time.Sleep(5 * time.Second)
	if got := charlie.transport.Introducers(nat.V4); len(got) != 1 {
		t.Fatalf("introducers %v", got)
	}
	charlie.sign(nil)
	bob.knows(charlie)
}
