package ssu2

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/simnet"
)

// behind puts a router behind a NAT of its own.
func behind(t *testing.T, n *simnet.Internet, kind simnet.NATKind, i byte) *router {
	t.Helper()
	box := n.NAT("nat", simnet.NATOptions{Kind: kind, External: netip.AddrFrom4([4]byte{11, i, 0, 1})})
	h := box.Host("inside", netip.AddrFrom4([4]byte{10, 0, i, 1}))
	h.SetPath(lossy(0), simnet.Path{})
	return newRouter(t, on(h, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, i, 1}), 9000).String()))
}

func TestPeerTestsOfNATs(t *testing.T) {
	for name, tc := range map[string]struct {
		kind simnet.NATKind
		want nat.Outcome
	}{
		"full cone":       {simnet.FullCone, nat.OK},
		"port-restricted": {simnet.PortRestricted, nat.Firewalled},
		"symmetric":       {simnet.Symmetric, nat.Symmetric},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(3)
				var helpers []*router
				for i := range 4 {
					h, _ := newHost(t, n, 1+i<<8, lossy(0), nil)
					helpers = append(helpers, h.serve())
				}
				a := behind(t, n, tc.kind, 77)
				a.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
				a.sign(nil)
				a.knows(helpers...)
				a.serve()
				for i, h := range helpers {
					h.knows(append([]*router{a}, helpers...)...)
					for _, o := range helpers[:i] {
						h.dial(o)
					}
				}
				a.dial(helpers[0]) // one is Bob; the others are Charlies that we never spoke to
				time.Sleep(2 * time.Second)
				if err := a.transport.TestReachability(nat.V4); err != nil {
					t.Fatal(err)
				}
				time.Sleep(nat.TestTime + time.Second)
				a.mu.Lock()
				defer a.mu.Unlock()
				if len(a.tests) != 1 || a.tests[0].Outcome != tc.want {
					t.Errorf("%+v", a.tests)
				}
				if len(a.seen) == 0 || a.seen[0].Addr() != netip.MustParseAddr("11.77.0.1") {
					t.Errorf("seen at %v", a.seen)
				}
			})
		})
	}
}

func TestDialThroughAnIntroducer(t *testing.T) {
	for name, kinds := range map[string][2]simnet.NATKind{
		"to port-restricted":                    {simnet.FullCone, simnet.PortRestricted},
		"port-restricted to port-restricted":    {simnet.PortRestricted, simnet.PortRestricted},
		"symmetric to full cone":                {simnet.Symmetric, simnet.FullCone},
		"address-restricted to port-restricted": {simnet.AddressRestricted, simnet.PortRestricted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(3)
				bob, _ := newHost(t, n, 1, lossy(0), nil)
				bob.serve()
				charlie := behind(t, n, kinds[1], 88)
				charlie.knows(bob)
				charlie.serve()
				charlie.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
				time.Sleep(time.Second)
				if !charlie.transport.WantsIntroducer(bob.self(), nat.V4) || charlie.transport.MissingIntroducers(nat.V4) == 0 {
					t.Fatal("wants no introducer")
				}
				charlie.dial(bob)
				time.Sleep(5 * time.Second)
				if got := charlie.transport.Introducers(nat.V4); len(got) != 1 || got[0].Router != bob.hash() {
					t.Fatalf("introducers %v", got)
				}
				charlie.sign(nil)
				bob.knows(charlie)

				alice := behind(t, n, kinds[0], 99)
				alice.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
				alice.sign(nil)
				alice.knows(bob, charlie)
				alice.serve()
				bob.knows(alice)
				if bid, ok := alice.transport.Bid(charlie.self()); !ok || bid.Path != transport.Introduced {
					t.Fatalf("bid %+v", bid)
				}
				start := time.Now()
				ours, err := alice.transport.Dial(t.Context(), charlie.self())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("took %v", time.Since(start))
				theirs := receive(t, charlie.opened)
				transfer(t, ours, charlie, 20, 5000, nil)
				transfer(t, theirs, alice, 20, 5000, nil)
			})
		})
	}
}

func TestRelaySessionsOutliveTheIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		bob.serve()
		charlie := behind(t, n, simnet.PortRestricted, 88)
		charlie.knows(bob)
		charlie.serve()
		charlie.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
		time.Sleep(time.Second)
		ours, theirs := charlie.dial(bob)
		time.Sleep(10 * time.Minute) // the NAT forgets after one, but for what keeps it open
		for _, s := range []transport.Session{ours, theirs} {
			if idle := s.Idle(time.Now()); idle != 0 {
				t.Errorf("idle for %v", idle)
			}
		}
		before := theirs.Status().Remote
		transfer(t, theirs, charlie, 5, 1000, nil)
		if after := theirs.Status().Remote; after != before || bob.transport.Stats().Migrated != 0 {
			t.Error("the NAT forgot the session")
		}
	})
}

// While Charlie says that Bob introduces him, Bob holds the session for it.
func TestBobKeepsTheSessionForAsLongAsCharliePublishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		bob.serve()
		charlie := behind(t, n, simnet.PortRestricted, 88)
		charlie.knows(bob)
		charlie.serve()
		charlie.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
		time.Sleep(time.Second)
		ours, theirs := charlie.dial(bob)
		for range 15 {
			time.Sleep(11 * time.Minute)
			in := charlie.transport.Introducers(nat.V4)
			if len(in) != 1 {
				t.Fatalf("introducers %v", in)
			}
			last := in[0].Expires.Add(-2 * time.Minute)
			if a, b := ours.Idle(last), theirs.Idle(last); a != 0 || b != 0 {
				t.Errorf("published for %v, and idle then for %v and %v", time.Until(in[0].Expires), a, b)
			}
		}
	})
}

// A NAT lets in whoever there is a session with, however old that is: a session that he opens proves nothing.
func TestPeersInSessionAreNoStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		other, _ := newHost(t, n, 2, lossy(0), nil)
		third, _ := newHost(t, n, 3, lossy(0), nil)
		bob.serve()
		other.serve()
		third.serve()
		charlie := behind(t, n, simnet.PortRestricted, 88)
		charlie.serve()
		ours, _ := charlie.dial(bob)
		charlie.mu.Lock()
		at := charlie.seen[0]
		charlie.mu.Unlock()
		keepOpen := func() {
			for range 40 {
				time.Sleep(30 * time.Second)
				transfer(t, ours, bob, 1, 100, nil)
			}
		}
		strangers := func() []netip.Addr {
			charlie.mu.Lock()
			defer charlie.mu.Unlock()
			return slices.Clone(charlie.inbound)
		}
		keepOpen()
		charlie.dial(other) // the table of contacts turns
		charlie.transport.Publish(Publication{V4: Family{Presence: Direct, At: at}})
		charlie.sign(nil)
		again, err := bob.transport.Dial(t.Context(), charlie.self())
		if err != nil {
			t.Fatal(err)
		}
		receive(t, charlie.opened)
		time.Sleep(time.Second)
		if got := strangers(); len(got) != 0 {
			t.Errorf("strangers %v", got)
		}
		keepOpen()
		charlie.dial(third)
		ours.Close(transport.ReasonNormal)
		again.Close(transport.ReasonNormal)
		time.Sleep(30 * time.Second)
		if _, err := bob.transport.Dial(t.Context(), charlie.self()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := strangers(); len(got) != 0 {
			t.Errorf("strangers %v after the sessions had ended", got)
		}
	})
}

// Anybody can open as many sessions to us as he likes: what he says about our address does not count.
func TestOnlyPeersThatWeChoseSayWhereWeAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, theirs := a.dial(b)
		claimed := netip.MustParseAddrPort("11.9.9.9:99")
		for _, s := range []*session{ours.(*session), theirs.(*session)} {
			s.control(wire.AppendAddress(nil, claimed))
		}
		time.Sleep(time.Second)
		for i, r := range []*router{a, b} {
			r.mu.Lock()
			if got := slices.Contains(r.seen, claimed); got != (i == 0) {
				t.Errorf("router %d hears %v", i, r.seen)
			}
			r.mu.Unlock()
		}
		if (*natHost)(b.running().nat).mostSee(nat.V4) == claimed {
			t.Error("an inbound session votes")
		}
	})
}
