package client

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/pool"
)

func TestLeaseSetFollowsTheTunnels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 2})
		time.Sleep(5 * time.Second)
		last := s.LeaseSet()
		made := 0
		for range 30 * 60 {
			time.Sleep(time.Second)
			ls := s.LeaseSet()
			if ls == last {
				continue
			}
			made++
			if !ls.Published().After(last.Published()) {
				t.Fatalf("published %v after %v", ls.Published(), last.Published())
			}
			if err := ls.Verify(); err != nil {
				t.Fatal(err)
			}
			last = ls
		}
		if !last.Expires().After(time.Now()) {
			t.Errorf("the LeaseSet expired at %v", last.Expires())
		}
		// 2 tunnels, replaced after 7.5 to 9 minutes: one LeaseSet when each comes and one when each goes.
		if made < 2*3 || made > 2*2*4+2 {
			t.Errorf("%d LeaseSets in 30 minutes", made)
		}
		ends := make(map[time.Time]bool)
		for _, l := range last.Leases() {
			ends[l.End] = true
			if !slices.ContainsFunc(s.Tunnels(), func(p pool.Status) bool {
				return p.Direction == pool.Inbound && !p.Expires.Before(l.End)
			}) {
				t.Errorf("a lease ends at %v, after its tunnel", l.End)
			}
		}
	})
}

func TestForcedLeaseSetIsNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
		for range 3 { // within one second: dates have seconds
			before := s.LeaseSet()
			s.forceRenew()
			synctest.Wait()
			after := s.LeaseSet()
			if after == before || after.Published().Sub(before.Published()) < time.Second {
				t.Errorf("published %v, then %v", before.Published(), after.Published())
			}
			if !sameLeases(before.Leases(), after.Leases()) {
				t.Errorf("leases %v, then %v", before.Leases(), after.Leases())
			}
		}
	})
}

// A destination that was published may come back within the second. What it says first must be news to floodfills.
func TestFirstLeaseSetIsNewerThanAnyBefore(t *testing.T) {
	for _, publish := range []bool{true, false} {
		for _, into := range []time.Duration{0, 700 * time.Millisecond, 999 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(into)
				start := time.Now()
				k, err := i2p.NewDestinationKeys(keys.SigEd25519)
				if err != nil {
					t.Fatal(err)
				}
				shape := pool.Shape{Length: 1, Quantity: 2}
				s, _ := serve(t, Config{Keys: k, Tunnels: pool.Config{Inbound: shape, Outbound: shape}, Publish: publish})
				if d := time.Since(start); d >= time.Second {
					t.Errorf("%v into a second: ready after %v", into, d)
				}
				synctest.Wait()
				ls := s.LeaseSet()
				if ls.Published().Unix() <= start.Unix() {
					t.Errorf("%v into a second: published %v, started %v", into, ls.Published(), start)
				}
				time.Sleep(time.Until(ls.Published()) - 1)
				synctest.Wait()
				if n := s.Stats().NotPublished; n != 0 { // nobody is there to take it
					t.Errorf("%v into a second: %d attempts to publish before its date", into, n)
				}
				time.Sleep(settle + 1)
				synctest.Wait()
				if n := s.Stats().NotPublished; publish != (n == 1) {
					t.Errorf("%v into a second: %d attempts to publish", into, n)
				}
			})
		}
	}
}

func TestLeaseSetsThatNobodySawTakeNoDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
		time.Sleep(5 * time.Second)
		for range 5 {
			s.forceRenew()
			synctest.Wait()
		}
		if d := s.LeaseSet().Published(); d.After(time.Now()) {
			t.Errorf("published %v, which is ahead of %v", d, time.Now())
		}
	})
}

func TestChooseLease(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	lease := func(n byte, left time.Duration) i2p.Lease {
		return i2p.Lease{Gateway: i2p.Hash{n}, Tunnel: i2p.TunnelID(n), End: now.Add(left)}
	}
	for name, tc := range map[string]struct {
		leases []i2p.Lease
		before i2p.Lease
		want   []byte // gateways, any of them; 0: none
	}{
		"none":                  {nil, i2p.Lease{}, []byte{0}},
		"all over":              {[]i2p.Lease{lease(1, -1), lease(2, -time.Minute)}, i2p.Lease{}, []byte{0}},
		"any that lasts":        {[]i2p.Lease{lease(1, time.Minute), lease(2, time.Minute), lease(3, time.Second)}, i2p.Lease{}, []byte{1, 2}},
		"not the one before":    {[]i2p.Lease{lease(1, time.Minute), lease(2, time.Minute)}, lease(1, time.Minute), []byte{2}},
		"the one before, alone": {[]i2p.Lease{lease(1, time.Minute)}, lease(1, time.Minute), []byte{1}},
		"the last to end":       {[]i2p.Lease{lease(1, 3*time.Second), lease(2, 9*time.Second)}, i2p.Lease{}, []byte{2}},
	} {
		got := make(map[byte]bool)
		for range 200 {
			got[chooseLease(leases{list: tc.leases}, tc.before, now).Gateway[0]] = true
		}
		for g := range got {
			if !slices.Contains(tc.want, g) {
				t.Errorf("%s: lease of gateway %d", name, g)
			}
		}
		if len(got) != len(tc.want) {
			t.Errorf("%s: chose %v, want each of %v", name, got, tc.want)
		}
	}
}

// leases are a LeaseSet as far as chooseLease looks.
type leases struct {
	i2p.LeaseSet
	list []i2p.Lease
}

func (l leases) Leases() []i2p.Lease { return l.list }

func TestPathIsKeptUntilItIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 2})
		time.Sleep(5 * time.Second)
		end := time.Now().Add(12 * time.Minute)
		k := farDestination(t, s, i2p.Lease{Gateway: i2p.Hash{1}, Tunnel: 1, End: end}, i2p.Lease{Gateway: i2p.Hash{2}, Tunnel: 2, End: end})
		to := k.Destination.Hash()
		now := func() (i2p.TunnelID, *pool.Tunnel) {
			t.Helper()
			if err := s.Send(to, Streaming, Ports{}, buf.From([]byte("packet"))); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.remotes[to].lease.Tunnel, s.remotes[to].out
		}
		lease, out := now()
		for range 20 {
			if l, o := now(); l != lease || o != out {
				t.Fatal("the path changed")
			}
		}
		s.Repath(to)
		l, o := now()
		if l == lease || o == out {
			t.Errorf("lease %d, then %d; the same tunnel: %v", lease, l, o == out)
		}
		// A path that ends is replaced.
		time.Sleep(time.Until(out.Expires()) - leaseRetire/2)
		if _, o := now(); !o.Alive(time.Now().Add(leaseRetire)) {
			t.Error("a tunnel is used to its end")
		}
	})
}

// An answer that came after the first one is in the view only.
func TestRepathTakesTheNewestLeaseSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
		k := farDestination(t, s)
		time.Sleep(time.Second)
		newer, err := i2p.NewLeaseSet2(k, time.Now(), []i2p.Lease{{Gateway: i2p.Hash{8}, Tunnel: 8, End: time.Now().Add(9 * time.Minute)}}, i2p.Mapping{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.view.Store(newer); err != nil {
			t.Fatal(err)
		}
		s.Repath(newer.Hash())
		s.mu.Lock()
		defer s.mu.Unlock()
		if got := s.remotes[newer.Hash()].lease.Tunnel; got != 8 {
			t.Errorf("the path leads to tunnel %d, which is gone", got)
		}
	})
}

func TestSendWithoutLeaseSetAsksForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := buf.InUse()
		s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
		to := i2p.Hash{5}
		for range 3 {
			if err := s.Send(to, Streaming, Ports{}, buf.From([]byte("packet"))); !errors.Is(err, ErrNoLeaseSet) {
				t.Errorf("%v", err)
			}
		}
		synctest.Wait()
		if got := s.Stats(); got.NoLeaseSet != 3 || got.Sent != 0 {
			t.Errorf("%+v", got)
		}
		if left := buf.InUse() - before; left != 0 {
			t.Errorf("%d buffers left", left)
		}
	})
}

func TestRemotesAreBounded(t *testing.T) {
	s := &Session{remotes: make(map[i2p.Hash]*remote)}
	start := time.Now()
	for i := range maxRemotes + 10 {
		s.remoteOf(i2p.Hash{byte(i), byte(i >> 8), 1}, start.Add(time.Duration(i)))
	}
	if len(s.remotes) != maxRemotes {
		t.Errorf("%d remotes", len(s.remotes))
	}
	if s.remotes[i2p.Hash{9, 0, 1}] != nil || s.remotes[i2p.Hash{10, 0, 1}] == nil {
		t.Error("the oldest did not make room")
	}
}
