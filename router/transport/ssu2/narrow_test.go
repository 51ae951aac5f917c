package ssu2

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
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

// The system knows the MTU and says so.
func TestNarrowLinksTakeThePlainHandshakeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, host := newHost(t, n, 1, lossy(0), offersMLKEM768)
		b, _ := newHost(t, n, 2, lossy(0), offersMLKEM768)
		path := lossy(0)
		path.MTU = 1280
		host.SetPath(path, simnet.Path{})
		a.serve()
		b.serve()
		start := time.Now()
		ours, _ := a.dial(b)
		if got, took := ours.Status().Crypto, time.Since(start); got != "X25519" || took > time.Second {
			t.Errorf("%s after %v", got, took)
		}
		if got := b.transport.Stats().Retries; got != 1 {
			t.Errorf("%d tokens", got)
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

// The request of a hybrid handshake that just fits has no padding at all.
func TestSessionRequestsFitTheMTU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		b, _ := newHost(t, n, 2, lossy(0), offersMLKEM768)
		for extra := range 4 {
			mtu := wire.MLKEM768.RequestOverhead() + requestPayload + ipv4Overhead + extra
			a, _ := newHost(t, n, 10+extra, lossy(0), func(c *Config, d *Deps) {
				offersMLKEM768(c, d)
				c.MTU = mtu
			})
			a.serve()
			a.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
			s, to := a.running(), a.transport.targets(b.self())[0]
			for range 60 {
				if s.nat.wantsTag(b.self(), to.at.Addr()) {
					break
				}
				time.Sleep(time.Second)
			}
			if !s.nat.wantsTag(b.self(), to.at.Addr()) {
				t.Fatal("no relay tag is wanted")
			}
			d := &dial{s: s, l: s.links[0], ri: b.self(), peer: b.hash(), at: to.at, id: 7, target: to, token: 5, variant: s.choose(to, way{at: to.at})}
			if d.variant != wire.MLKEM768 {
				t.Fatalf("MTU %d: %v", mtu, d.variant)
			}
			for range 100 {
				if err := d.begin(); err != nil {
					t.Fatal(err)
				}
				if most := maxPacket(to.at.Addr(), mtu); len(d.flight) > most {
					t.Fatalf("MTU %d: %d of %d bytes", mtu, len(d.flight), most)
				}
			}
		}
	})
}
