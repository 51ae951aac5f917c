package netdb_test

import (
	"testing"
	"time"
)

// TestEveryLeaseSetIsFound brings up 64 routers, half of them floodfills, each of which knows five others. After a
// minute every destination finds every other one, within few queries.
func TestEveryLeaseSetIsFound(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		const routers, known, clients = 64, 5, 24
		for i := range routers {
			caps := "XR"
			if i%2 == 0 {
				caps = "XfR"
			}
			n.add(caps, nil)
		}
		for i, r := range n.nodes {
			r.know(n.nodes[(i+1)%routers]) // so that the graph is connected
			for range known - 1 {
				r.know(n.nodes[n.rand.IntN(routers)])
			}
		}
		stop := n.run()
		defer stop()
		time.Sleep(10 * time.Second)
		early := 0
		for _, r := range n.nodes {
			early += r.db.Stats().Routers
		}
		time.Sleep(50 * time.Second)

		least, total := routers, 0
		for _, r := range n.nodes {
			s := r.db.Stats()
			least = min(least, s.Floodfills)
			total += s.Routers
			if s.Published == 0 {
				t.Errorf("%s has not published itself: %+v", r.name, s)
			}
		}
		t.Logf("a router knows %d others after 10 s, %d after a minute, at least %d floodfills; %d lookups were sent for it",
			early/routers, total/routers, least, n.count("DatabaseLookup"))
		if total/routers < routers*9/10 || least < routers/2-3 {
			t.Errorf("exploration did not reach the whole network")
		}

		var list []*client
		for i := range clients {
			c := n.client(n.nodes[i*7%routers])
			if err := c.view.Publish(t.Context(), c.leaseSet()); err != nil {
				t.Fatalf("publish: %v", err)
			}
			if s := c.view.Stats(); s.PublishAttempts != 1 {
				t.Errorf("publication took %d attempts", s.PublishAttempts)
			}
			list = append(list, c)
		}
		time.Sleep(time.Second)
		var queries, hops, found, most uint64
		var slowest time.Duration
		for _, c := range list {
			for _, o := range list {
				if c == o {
					continue
				}
				before, at := c.view.Stats().Lookups, time.Now()
				ls, err := c.view.Lookup(t.Context(), o.hash())
				if err != nil {
					t.Errorf("%s: lookup of %s: %v", c.name, o.name, err)
					continue
				}
				if ls.Hash() != o.hash() {
					t.Errorf("found another LeaseSet")
				}
				after := c.view.Stats().Lookups
				queries += after.Queries - before.Queries
				most = max(most, after.Queries-before.Queries)
				hops += after.Hops - before.Hops
				slowest = max(slowest, time.Since(at))
				found++
			}
		}
		t.Logf("%d found; queries: %.2f on average, %d at most; referrals: %.2f; slowest %v",
			found, float64(queries)/float64(found), most, float64(hops)/float64(found), slowest)
		if found != clients*(clients-1) {
			t.Errorf("found %d of %d", found, clients*(clients-1))
		}
		// Two are asked at once; the network is known well enough that hardly a referral is needed.
		if queries > found*5/2 {
			t.Errorf("%d queries for %d lookups", queries, found)
		}
		if slowest > 3*time.Second {
			t.Errorf("slowest lookup took %v", slowest)
		}
		for _, c := range list {
			if err := c.view.Verify(t.Context(), c.leaseSetPublished(t)); err != nil {
				t.Errorf("verify: %v", err)
			}
		}
	})
}
