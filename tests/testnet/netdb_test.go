package testnet_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

// TestEveryLeaseSetIsFound: 64 routers that know 5 others each form one network, in which every destination is found by others.
func TestEveryLeaseSetIsFound(t *testing.T) {
	const asks = 3 // each destination looks up so many, and is looked up so often
	routers, floodfills := 64, 16
	if testing.Short() || raceEnabled {
		routers, floodfills = 24, 6
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := testnet.New(t, testnet.Config{Routers: routers, Floodfills: floodfills, Seeds: 5, Delay: 25 * time.Millisecond, Seed: 64})
		n.WaitReady(time.Minute)
		t.Logf("all routers have tunnels after %v", time.Since(start))
		var ds []*router.Destination
		for i := 0; i < routers; i += 2 {
			ds = append(ds, n.Nodes[i].Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 2, Quantity: 2}}))
		}
		reachable(t, time.Minute, ds...)
		t.Logf("all LeaseSets are published after %v", time.Since(start))
		for _, d := range ds {
			greet(t, d)
		}
		var running sync.WaitGroup
		perm := rand.New(rand.NewPCG(1, 1)).Perm(len(ds))
		for i, d := range ds {
			running.Go(func() {
				for j := range asks {
					other := ds[perm[(indexOf(perm, i)+j+1)%len(ds)]]
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					c, err := d.Dial(ctx, "i2p", net.JoinHostPort(other.Base32(), "7"))
					cancel()
					if err != nil {
						t.Errorf("destination %d asks for %s: %v", i, other.Hash().Short(), err)
						continue
					}
					c.Close()
				}
			})
		}
		running.Wait()
		t.Logf("all are found after %v", time.Since(start))
		var started, found, queries, hops, attempts, published uint64
		for i, d := range ds {
			v := d.Status().Stats.View
			// Publications are verified by lookups of their own, and they are the rest of these.
			if l := v.Lookups; l.Found < asks || l.NotFound > 0 || l.Dropped > 0 {
				t.Errorf("destination %d: lookups %+v", i, l)
			}
			started, found = started+v.Lookups.Started, found+v.Lookups.Found
			queries, hops = queries+v.Lookups.Queries, hops+v.Lookups.Hops
			attempts, published = attempts+v.PublishAttempts, published+v.Published
		}
		known, stored := 0, 0
		for _, node := range n.Nodes {
			db := node.Stats().NetDB
			known, stored = known+db.Routers, stored+db.LeaseSets
		}
		t.Logf("lookups %d, found %d, queries %d, hops %d; publications %d of %d attempts; copies of a LeaseSet %.1f; routers known to each %.1f",
			started, found, queries, hops, published, attempts, float64(stored)/float64(len(ds)), float64(known)/float64(routers))
		all := uint64(asks * len(ds))
		if found < all {
			t.Errorf("%d of %d lookups found", found, all)
		}
		// Two floodfills are asked at a time, and the first two know it, or the ones that they refer to.
		if most := 3 * started; queries > most {
			t.Errorf("%d queries for %d lookups", queries, started)
		}
		if hops > started {
			t.Errorf("%d referrals followed in %d lookups", hops, started)
		}
		if most := published + published/4; attempts > most {
			t.Errorf("%d attempts for %d publications", attempts, published)
		}
		if least := 3 * len(ds); stored < least {
			t.Errorf("%d copies of %d LeaseSets: each belongs to three floodfills", stored, len(ds))
		}
	})
}

func indexOf(s []int, v int) int {
	for i := range s {
		if s[i] == v {
			return i
		}
	}
	return -1
}

// greet accepts streams to port 7 and closes them.
func greet(t *testing.T, d *router.Destination) {
	t.Helper()
	l, err := d.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}
