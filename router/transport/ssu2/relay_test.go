package ssu2

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/simnet"
)

// introduction makes an internet with Charlie behind a NAT, and Bob who introduces him.
func introduction(t *testing.T) (n *simnet.Internet, bob, charlie *router) {
	t.Helper()
	n = simnet.NewInternet(3)
	bob, _ = newHost(t, n, 1, lossy(0), nil)
	bob.serve()
	charlie = behind(t, n, simnet.PortRestricted, 88)
	introducedBy(t, charlie, bob)
	return n, bob, charlie
}

// emissary answers no other SessionRequest after an introduction.
func TestIntroducedDialsHaveTheIDsOfTheNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		alice, _ := newHost(t, n, 2, lossy(0), nil)
		alice.knows(bob, charlie)
		alice.serve()
		bob.knows(alice)
		s, err := alice.transport.Dial(t.Context(), charlie.self())
		if err != nil {
			t.Fatal(err)
		}
		sn := s.(*session)
		if ours, theirs := wire.NonceIDs(uint32(sn.id)); sn.id != ours || sn.remoteID != theirs {
			t.Errorf("%x and %x", sn.id, sn.remoteID)
		}
	})
}

// The registry learns for what dial a session with an introducer is. That it finds no place for it is not the peer's fault.
func TestIntroducersAreDialledForThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		alice, _ := newHost(t, n, 2, lossy(0), nil)
		alice.knows(bob, charlie)
		type key struct{}
		var asked []any
		alice.onOpened = func(ctx context.Context, s transport.Session) {
			alice.mu.Lock()
			defer alice.mu.Unlock()
			asked = append(asked, ctx.Value(key{}))
		}
		alice.serve()
		bob.knows(alice)
		alice.keep = false
		ctx := context.WithValue(t.Context(), key{}, "dial")
		if _, err := alice.transport.Dial(ctx, charlie.self()); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("without room: %v", err)
		}
		alice.mu.Lock()
		alice.keep = true
		alice.mu.Unlock()
		time.Sleep(time.Second) // the session that was refused has ended
		if _, err := alice.transport.Dial(ctx, charlie.self()); err != nil {
			t.Fatal(err)
		}
		if len(asked) != 3 || slices.Contains(asked, nil) { // Bob, Bob again, Charlie
			t.Errorf("sessions of %v", asked)
		}
	})
}

// Whatever the IP version of the session with the introducer.
func TestARelayIsInAnIPVersionOfThePeer(t *testing.T) {
	v4, v6 := netip.MustParseAddr("11.0.0.9"), netip.MustParseAddr("2600::9")
	n := simnet.NewInternet(1)
	h := n.Host("both", netip.MustParseAddr("11.0.0.1"), netip.MustParseAddr("2600::1"))
	both := newRouter(t, func(c *Config, d *Deps) {
		on(h, "11.0.0.1:9000")(c, d)
		c.Listen = append(c.Listen, netip.MustParseAddrPort("[2600::1]:9000"))
	}).serve().running()
	four := newRouter(t, on(n.Host("four", netip.MustParseAddr("11.0.0.2")), "11.0.0.2:9000")).serve().running()
	for _, c := range []struct {
		s    *server
		caps string
		bob  netip.Addr
		want nat.Family
	}{
		{both, "4", v6, nat.V4}, {both, "6", v4, nat.V6}, {both, "46", v6, nat.V6}, {both, "46", v4, nat.V4},
		{both, "", v6, nat.V4}, {both, "BC6", v6, nat.V6}, {four, "6", v4, nat.V4},
	} {
		if got := c.s.relayFamily(target{caps: c.caps}, c.bob); got != c.want {
			t.Errorf("caps %q through %v: %v", c.caps, c.bob, got)
		}
	}
}

func TestUnknownIntroducersAreLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		found := false
		alice, _ := newHost(t, n, 2, lossy(0), func(_ *Config, d *Deps) {
			known := d.RouterInfo
			d.RouterInfo = func(router i2p.Hash) *i2p.RouterInfo {
				if !found {
					return nil
				}
				return known(router)
			}
			d.Lookup = func(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error) {
				time.Sleep(time.Second)
				if router != bob.hash() {
					return nil, errors.New("not found")
				}
				found = true
				return bob.self(), nil
			}
		})
		alice.knows(bob, charlie)
		alice.serve()
		bob.knows(alice)
		if _, err := alice.transport.Dial(t.Context(), charlie.self()); err != nil {
			t.Fatal(err)
		}
		if alice.running().table.session(bob.hash()) == nil {
			t.Error("no session with the introducer")
		}

		other, _ := newHost(t, n, 3, lossy(0), nil)
		other.serve()
		_, err := other.transport.Dial(t.Context(), charlie.self())
		if !errors.Is(err, transport.ErrNoIntroducer) {
			t.Errorf("the peer is blamed: %v", err)
		}
	})
}

// Whoever publishes introducers that nobody finds has us look for each of them once in a while, however often he is dialled.
func TestIntroducersThatAreNotFoundAreNotLookedForAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		lookups := 0
		alice, _ := newHost(t, n, 2, lossy(0), func(_ *Config, d *Deps) {
			d.Lookup = func(context.Context, i2p.Hash) (*i2p.RouterInfo, error) {
				lookups++
				return nil, errors.New("not found")
			}
		})
		alice.serve()
		dial := func() error {
			_, err := alice.transport.Dial(t.Context(), charlie.self())
			return err
		}
		for want := range 3 {
			for range 5 {
				if err := dial(); !errors.Is(err, transport.ErrNoIntroducer) || lookups != want+1 {
					t.Fatalf("%d lookups, %v", lookups, err)
				}
			}
			time.Sleep(unfoundTime)
		}
		dial()
		alice.knows(bob) // by another way
		bob.knows(alice)
		if err := dial(); err != nil {
			t.Error(err)
		}
	})
}

// names adds introducers to the RouterInfo of a router.
func names(t *testing.T, r *router, introducers ...*router) {
	t.Helper()
	addresses := r.transport.Addresses()
	options := maps.Collect(addresses[0].Options.All())
	for _, in := range introducers {
		i := 0
		for options[fmt.Sprint("ih", i)] != "" {
			i++
		}
		options[fmt.Sprint("ih", i)], options[fmt.Sprint("itag", i)] = in.hash().String(), "7"
	}
	a, err := i2p.NewRouterAddress(addresses[0].Cost, addresses[0].Style, options)
	if err != nil {
		t.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(r.keys, r.clock.Now(), []i2p.RouterAddress{a}, map[string]string{"netId": "99", "caps": "XR"})
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.info = ri
	r.mu.Unlock()
}

// The first introducer that is found may be of no use to us.
func TestIntroducersThatWeCannotReachEndNoLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		other := newRouter(t, on(n.Host("six", netip.MustParseAddr("2600::1")), "[2600::1]:9000"))
		names(t, charlie, other)
		var alice *router
		alice, _ = newHost(t, n, 2, lossy(0), func(_ *Config, d *Deps) {
			d.Lookup = func(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error) {
				found := other
				if router == bob.hash() {
					found = bob
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				alice.knows(found)
				return found.self(), nil
			}
		})
		alice.serve()
		bob.knows(alice)
		if _, err := alice.transport.Dial(t.Context(), charlie.self()); err != nil {
			t.Error(err)
		}
	})
}

// A router whose introducer leads to no address is to blame, whomever it names besides.
func TestUnknownIntroducersExcuseNoOtherFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, bob, charlie := introduction(t)
		names(t, charlie, newRouter(t, nil))
		alice, _ := newHost(t, n, 2, lossy(0), nil)
		alice.knows(bob)
		alice.serve()
		failed := make(chan error)
		go func() {
			_, err := alice.transport.Dial(t.Context(), charlie.self())
			failed <- err
		}()
		engine := alice.running().nat
		for answered := false; !answered; time.Sleep(time.Millisecond) {
			engine.mu.Lock()
			for _, r := range engine.relays {
				r.done(nat.RelayResult{}) // where nobody is
				answered = true
			}
			engine.mu.Unlock()
		}
		if err := <-failed; !errors.Is(err, transport.ErrNoAddress) {
			t.Errorf("%v", err)
		}
	})
}

func TestIntroducersThatAreNotFoundAreBounded(t *testing.T) {
	now := time.Unix(1, 0)
	s := &server{unfound: make(unfound)}
	for i := range 3 * maxUnfound {
		router := i2p.Hash{byte(i), byte(i >> 8)}
		s.notFound(router, now)
		if len(s.unfound) > maxUnfound || !s.isUnfound(router, now) || s.isUnfound(router, now.Add(unfoundTime)) {
			t.Fatalf("%d in the table", len(s.unfound))
		}
	}
}
