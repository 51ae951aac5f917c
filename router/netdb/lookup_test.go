package netdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
)

// meshed adds floodfills that know each other.
func meshed(n *network, floodfills int) {
	for range floodfills {
		n.add("XfR", nil)
	}
	for _, r := range n.nodes {
		r.know(n.nodes...)
	}
}

// published publishes a LeaseSet of a new client and lets it be flooded.
func published(t *testing.T, n *network, home *testRouter) *client {
	t.Helper()
	c := n.client(home)
	if err := c.view.Publish(t.Context(), c.leaseSet()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	return c
}

func TestLookupStopsAtClosestFloodfill(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 32)
		c := n.client(n.nodes[0])
		start := time.Now()
		_, err := c.view.Lookup(t.Context(), i2p.HashOf([]byte("nobody")))
		if !errors.Is(err, netdb.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
		// Four answers, asked for two at a time: two round trips.
		if s := c.view.Stats().Lookups; s.Queries != 4 || s.NotFound != 1 {
			t.Errorf("stats = %+v, want 4 queries", s)
		}
		if d := time.Since(start); d != 4*tunnelDelay {
			t.Errorf("took %v, want two round trips", d)
		}
	})
}

func TestLookupFollowsReferrals(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 24)
		o := published(t, n, n.nodes[3])
		closest := n.nodes[0].db.Closest(o.hash(), 24)
		furthest := n.byHash[closest[len(closest)-1].Hash()]

		// The seeker knows one floodfill, the one that is furthest from the key.
		home := n.add("XR", nil)
		home.know(furthest)
		c := n.client(home)
		ls, err := c.view.Lookup(t.Context(), o.hash())
		if err != nil {
			t.Fatal(err)
		}
		if ls.Hash() != o.hash() {
			t.Error("found another LeaseSet")
		}
		s := c.view.Stats().Lookups
		if s.Hops != 1 {
			t.Errorf("%d referrals in a row, want 1", s.Hops)
		}
		// One to the furthest, RouterInfos of two that it names at once, one to a floodfill that has it, and at most
		// one more in parallel.
		if s.Queries > 6 {
			t.Errorf("%d queries", s.Queries)
		}
		// What came down the client's tunnel stays in its view.
		if s := home.db.Stats(); s.Routers != 1 || s.LeaseSets != 0 {
			t.Errorf("the router learned from its client: %+v", s)
		}
		if _, ok := n.client(home).view.LeaseSet(o.hash()); ok {
			t.Error("another client of the router knows the LeaseSet")
		}
		if ls, ok := c.view.LeaseSet(o.hash()); !ok || ls.Hash() != o.hash() {
			t.Error("the view forgot what it found")
		}
		if c.view.Lookup(t.Context(), o.hash()); c.view.Stats().Lookups.Started != 1 {
			t.Error("a LeaseSet that is known was looked up again")
		}
	})
}

func TestLookupSurvivesDeadFloodfills(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 16)
		o := published(t, n, n.nodes[3])
		closest := n.nodes[0].db.Closest(o.hash(), 3)
		for _, ri := range closest[:2] {
			n.byHash[ri.Hash()].kill()
		}
		c := n.client(n.nodes[0])
		start := time.Now()
		if _, err := c.view.Lookup(t.Context(), o.hash()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 4*time.Second {
			t.Errorf("took %v", d)
		}
		time.Sleep(time.Second) // for the other answers
		// The next lookup asks those that were silent last.
		start = time.Now()
		if _, err := c.view.Refresh(t.Context(), o.hash()); err != nil {
			t.Fatal(err)
		}
		// A silent one that the lookup did not wait for, because our own router answered, is asked again; then the grace
		// for its answer passes.
		if d := time.Since(start); d != 2*tunnelDelay && d != 2*tunnelDelay+privateGrace {
			t.Errorf("took %v, want one round trip", d)
		}
	})
}

// privateGrace is how long a refresh in a private network waits for its second answer.
const privateGrace = 250 * time.Millisecond

func TestLookupGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 16)
		n.lose = func(kind string) bool { return kind == "DatabaseSearchReply" }
		c := n.client(n.nodes[0])
		start := time.Now()
		if _, err := c.view.Lookup(t.Context(), i2p.HashOf([]byte("x"))); !errors.Is(err, netdb.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
		if s := c.view.Stats().Lookups; s.Queries != 7 {
			t.Errorf("%d queries, want 7", s.Queries)
		}
		if d := time.Since(start); d > 15*time.Second {
			t.Errorf("took %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.view.Lookup(ctx, i2p.HashOf([]byte("y"))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want the caller's deadline", err)
		}
	})
}

func TestViewIsNotReadyAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 4)
		c := n.client(n.nodes[0])
		c.ready = false
		start := time.Now()
		if _, err := c.view.Lookup(t.Context(), i2p.HashOf([]byte("x"))); !errors.Is(err, netdb.ErrNotReady) {
			t.Errorf("lookup: %v, want ErrNotReady", err)
		}
		if err := c.view.Publish(t.Context(), c.leaseSet()); !errors.Is(err, netdb.ErrNotReady) {
			t.Errorf("publish: %v, want ErrNotReady", err)
		}
		if time.Since(start) != 0 {
			t.Error("it took time")
		}
		lonely := n.client(n.add("XR", nil))
		if _, err := lonely.view.Lookup(t.Context(), i2p.HashOf([]byte("x"))); !errors.Is(err, netdb.ErrNoFloodfill) {
			t.Errorf("lookup: %v, want ErrNoFloodfill", err)
		}
	})
}

func TestConcurrentLookupsAreOne(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		o := published(t, n, n.nodes[3])
		c := n.client(n.nodes[0])
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.view.Lookup(impatient, o.hash()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("impatient: %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if _, err := c.view.Lookup(t.Context(), o.hash()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// The first caller gave up, the second began anew, the others shared it.
		if s := c.view.Stats().Lookups; s.Started != 2 || s.Found != 1 {
			t.Errorf("stats = %+v, want 2 started, 1 found", s)
		}
	})
}

func TestLookupRouter(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		target, seeker := n.add("XR", nil), n.add("XR", nil)
		for _, r := range n.nodes[:8] {
			r.know(target)
		}
		seeker.know(n.nodes[0], n.nodes[1])
		start := time.Now()
		ri, err := seeker.db.LookupRouter(t.Context(), target.self.Hash())
		if err != nil || ri.Hash() != target.self.Hash() {
			t.Fatalf("LookupRouter = %v, %v", ri, err)
		}
		if d := time.Since(start); d != 2*linkDelay {
			t.Errorf("took %v, want one round trip", d)
		}
		if s := seeker.db.Stats(); s.Lookups.Queries != 1 {
			t.Errorf("%d queries, want 1", s.Lookups.Queries)
		}
		if _, err := seeker.db.LookupRouter(t.Context(), target.self.Hash()); err != nil || n.count("DatabaseLookup") != 1 {
			t.Errorf("a known router was looked up again")
		}
		// One that does not answer at its address may have a new one.
		seeker.book.Failed(target.self.Hash(), errors.New("refused"))
		if _, err := seeker.db.LookupRouter(t.Context(), target.self.Hash()); err != nil || n.count("DatabaseLookup") != 2 {
			t.Errorf("an unreachable router was not looked up again: %v", err)
		}
		if _, err := seeker.db.LookupRouter(t.Context(), i2p.HashOf([]byte("x"))); !errors.Is(err, netdb.ErrNotFound) {
			t.Errorf("err = %v, want ErrNotFound", err)
		}
	})
}

func TestExplorationFindsFloodfillsWithoutKnowingOne(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		floodfill, plain, lonely := n.add("XfR", nil), n.add("XR", nil), n.add("XR", nil)
		plain.know(floodfill)
		lonely.know(plain)
		if learned := lonely.db.Explore(t.Context(), i2np.LookupExploratory); learned != 1 {
			t.Errorf("learned of %d routers, want the floodfill", learned)
		}
		if lonely.db.Stats().Floodfills != 1 {
			t.Error("the floodfill is not known")
		}
	})
}
