package netdb_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
)

// divided is 8 floodfills that do not agree on the LeaseSet of a destination. The seeker knows them all.
type divided struct {
	n        *network
	owner    *client
	seeker   *client
	closest  []*testRouter
	old, new i2p.LeaseSet
}

// divide lets the floodfills have what has says, the closest first: o the old LeaseSet, - none, and otherwise the new one.
func divide(t *testing.T, n *network, has string, config func(*netdb.Config)) divided {
	t.Helper()
	meshed(n, 8)
	home := n.add("XR", config)
	home.know(n.nodes...)
	d := divided{n: n, owner: n.client(n.nodes[3]), seeker: n.client(home)}
	d.old = d.owner.leaseSet()
	time.Sleep(2 * time.Second)
	d.new = d.owner.leaseSet()
	for i, ri := range home.db.Closest(d.owner.hash(), 8) {
		r := n.byHash[ri.Hash()]
		d.closest = append(d.closest, r)
		ls := d.new
		switch {
		case i < len(has) && has[i] == '-':
			continue
		case i < len(has) && has[i] == 'o':
			ls = d.old
		}
		r.handle(n.nodes[0].self.Hash(), storeOfLeaseSet(ls))
	}
	return d
}

func (d divided) slow(i int, by time.Duration) {
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	d.closest[i].slow = by
}

// want fails unless ls is the LeaseSet wanted, it took so long, and the seeker has sent so many queries.
func (d divided) want(t *testing.T, ls i2p.LeaseSet, err error, want i2p.LeaseSet, since time.Time, took time.Duration, queries uint64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !ls.Published().Equal(want.Published()) {
		t.Errorf("found the LeaseSet of %v, want %v", ls.Published(), want.Published())
	}
	if d := time.Since(since); d != took {
		t.Errorf("took %v, want %v", d, took)
	}
	if s := d.seeker.view.Stats().Lookups; s.Queries != queries {
		t.Errorf("stats = %+v, want %d queries", s, queries)
	}
}

func (d divided) wantKnown(t *testing.T, want i2p.LeaseSet) {
	t.Helper()
	ls, ok := d.seeker.view.LeaseSet(want.Hash())
	if !ok {
		t.Fatal("the view forgot the LeaseSet")
	}
	if !ls.Published().Equal(want.Published()) {
		t.Errorf("the view knows the LeaseSet of %v, want %v", ls.Published(), want.Published())
	}
}

const roundTrip = 2 * tunnelDelay

func TestRefreshTakesTheNewerOfTwoAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		d.slow(1, 100*time.Millisecond)
		start := time.Now()
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.new, start, roundTrip+100*time.Millisecond, 2)
		if s := d.seeker.view.Stats().Lookups; s.Started != 1 || s.Found != 1 {
			t.Errorf("stats = %+v, want one lookup that found", s)
		}
	})
}

func TestRefreshDoesNotWaitForLong(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		d.slow(1, time.Second)
		start := time.Now()
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.old, start, roundTrip+250*time.Millisecond, 2)
		time.Sleep(time.Second)
		d.wantKnown(t, d.new) // the late answer counts
		// What the view knows by now is not hidden by those that answer first.
		d.slow(1, time.Minute)
		start = time.Now()
		ls, err = d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.new, start, roundTrip+250*time.Millisecond, 4)
	})
}

func TestRefreshAsksAnotherFloodfillWhenOneDoesNotKnow(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o-", func(c *netdb.Config) { c.Private = false })
		start := time.Now()
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.new, start, 2*roundTrip, 3)
	})
}

func TestRefreshWaitsLongerInALargeNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", func(c *netdb.Config) { c.Private = false })
		d.slow(1, 2*time.Second)
		start := time.Now()
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.old, start, roundTrip+time.Second, 2)
		time.Sleep(2 * time.Second)
		d.wantKnown(t, d.new)
	})
}

func TestRefreshAtTheOnlyFloodfillDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		home := n.add("XR", nil)
		home.know(d.closest[0])
		d.seeker = n.client(home)
		start := time.Now()
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.old, start, roundTrip, 1)
	})
}

func TestLookupTakesTheFirstAnswerAndKeepsTheNewest(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		d.slow(1, 3*time.Second)
		start := time.Now()
		ls, err := d.seeker.view.Lookup(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.old, start, roundTrip, 2)
		time.Sleep(3*time.Second + time.Millisecond)
		d.wantKnown(t, d.new)
		if s := d.seeker.view.Stats(); s.Refused != 0 || s.Lookups.Found != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

func TestAnswersThatComeFarTooLateAreNotTaken(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		d.slow(1, 8*time.Second)
		if _, err := d.seeker.view.Lookup(t.Context(), d.owner.hash()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		d.wantKnown(t, d.old)
		if s := d.seeker.view.Stats(); s.Refused != 1 {
			t.Errorf("stats = %+v, want one refused", s)
		}
	})
}

func TestRefreshIsNotContentWithTheAnswerToALookup(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		d := divide(t, n, "o", nil)
		d.slow(1, 100*time.Millisecond)
		var lookup sync.WaitGroup
		lookup.Go(func() { d.seeker.view.Lookup(t.Context(), d.owner.hash()) })
		synctest.Wait()
		start := time.Now()
		// The first floodfill answers both, which makes two answers, but is one floodfill.
		ls, err := d.seeker.view.Refresh(t.Context(), d.owner.hash())
		d.want(t, ls, err, d.new, start, roundTrip+250*time.Millisecond, 4)
		lookup.Wait()
	})
}
