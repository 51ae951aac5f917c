package pool

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

func TestTunnelsOfEveryLength(t *testing.T) {
	for length := range MaxHops + 1 {
		t.Run(strconv.Itoa(length), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 8, both(length, 2), nil)
				w.waitReady(5 * time.Second)
				time.Sleep(10 * time.Second)
				if n := w.count(); n != [2]int{2, 2} {
					t.Errorf("%v tunnels", n)
				}
				for _, s := range w.pool.Tunnels() {
					distinct := slices.CompactFunc(slices.SortedFunc(slices.Values(s.Hops), compare), equal)
					if len(s.Hops) != length || len(distinct) != length {
						t.Errorf("%s: %d hops, %d distinct", s.Direction, len(s.Hops), len(distinct))
					}
					// A test goes over both tunnels: a link to each hop and one to us, one less where a router is the
					// endpoint and the gateway.
					if want := time.Duration(2*length+1) * latency; length > 0 && (!s.Tested || s.Latency != want && s.Latency != want-latency) {
						t.Errorf("%s: tested %v, latency %v, want %v", s.Direction, s.Tested, s.Latency, want)
					}
				}
				if s := w.pool.Stats(); s.Refused+s.TimedOut+s.TestsFailed > 0 || s.TestsPassed == 0 {
					t.Errorf("%+v", s)
				}
				for _, h := range w.hops {
					if length == 0 && h.builds.Load() > 0 {
						t.Error("a tunnel without hops was asked of a router")
					}
				}
			})
		})
	}
}

func compare(a, b i2p.Hash) int { return slices.Compare(a[:], b[:]) }
func equal(a, b i2p.Hash) bool  { return a == b }

func TestTunnelsAreReplacedBeforeTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 6, both(2, 3), nil)
		w.waitReady(5 * time.Second)
		time.Sleep(5 * time.Second)
		most := [2]int{}
		for range 35 * 60 {
			time.Sleep(time.Second)
			n := w.count()
			for d := range n {
				if n[d] < 3 {
					t.Fatalf("%d %s tunnels at %v", n[d], Direction(d), time.Now())
				}
				most[d] = max(most[d], n[d])
			}
			if len(w.pool.Leases()) < 3 {
				t.Fatalf("%d leases", len(w.pool.Leases()))
			}
		}
		if most[0] > 6 || most[1] > 6 {
			t.Errorf("up to %v tunnels at once", most)
		}
		// 3 at the start in each direction, and each is replaced after 7.5 to 9 minutes.
		if b := w.pool.Stats().Built; b < 6*4 || b > 6*6 {
			t.Errorf("%d tunnels built in 35 minutes", b)
		}
		// They do not expire together.
		var ends []time.Time
		for _, s := range w.pool.Tunnels() {
			if s.Direction == Inbound {
				ends = append(ends, s.Expires)
			}
		}
		slices.SortFunc(ends, time.Time.Compare)
		if spread := ends[len(ends)-1].Sub(ends[0]); spread < 10*time.Second {
			t.Errorf("inbound tunnels expire within %v", spread)
		}
	})
}

func TestBuildsBackOffAndRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, both(2, 2), nil)
		for _, h := range w.hops {
			h.table.Drain() // refuses everything
		}
		time.Sleep(2 * time.Minute)
		refused := w.pool.Stats().Refused
		// 0.2, 0.4, ... 6.4, 8, 8, ... seconds apart, and two at a time.
		if refused < 20 || refused > 60 {
			t.Errorf("%d builds were refused in 2 minutes", refused)
		}
		if n := w.count(); n != [2]int{} {
			t.Errorf("tunnels %v", n)
		}
		w.end()
		if s := w.pool.Stats(); s.Pending != 0 {
			t.Errorf("%d builds are under way after the end", s.Pending)
		}
	})
}

func TestPoolWithoutPeersDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, both(2, 2), nil)
		for _, h := range w.hops {
			h.shun.Store(true)
		}
		time.Sleep(2 * time.Minute)
		if n := w.pool.Stats().NoPeers; n > 60 {
			t.Errorf("peers were asked for %d times in 2 minutes", n)
		}
		for _, h := range w.hops {
			h.shun.Store(false)
		}
		w.waitReady(2 * backOffMost)
	})
}

// silence makes a hop that tunnels go through silent, and returns it.
func (w *world) silence() *hop {
	used := make(map[i2p.Hash]int)
	for _, s := range w.pool.Tunnels() {
		for _, h := range s.Hops {
			used[h]++
		}
	}
	var victim *hop
	for _, h := range w.hops {
		if victim == nil || used[h.hash] > used[victim.hash] {
			victim = h
		}
	}
	victim.silent.Store(true)
	victim.shun.Store(true)
	return victim
}

func (w *world) through(h *hop) (n int) {
	for _, s := range w.pool.Tunnels() {
		if slices.Contains(s.Hops, h.hash) {
			n++
		}
	}
	return n
}

func TestDeadTunnelsAreFoundAndReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, both(2, 3), nil)
		w.waitReady(5 * time.Second)
		time.Sleep(20 * time.Second) // all have been tested
		victim := w.silence()
		if w.through(victim) == 0 {
			t.Fatal("nothing goes through the victim")
		}
		// A round of tests begins every 15 to 19 s; a lost test takes 3 s, and two of them a second more.
		time.Sleep(testInterval*5/4 + 2*testTimeoutLeast + 3*time.Second)
		if n := w.through(victim); n > 0 {
			t.Errorf("%d tunnels go through a dead router: %+v", n, w.pool.Stats())
		}
		if n := w.count(); n[0] < 3 || n[1] < 3 {
			t.Errorf("%v tunnels", n)
		}
		if s := w.pool.Stats(); s.TestsFailed < testFailures {
			t.Errorf("%+v", s)
		}
	})
}

func TestSuspectedTunnelIsTestedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, both(2, 2), nil)
		w.waitReady(5 * time.Second)
		time.Sleep(7 * time.Second)
		victim := w.silence()
		for start := time.Now(); time.Since(start) < 2*testTimeoutLeast+4*time.Second; time.Sleep(100 * time.Millisecond) {
			for _, d := range []Direction{Inbound, Outbound} {
				for _, tun := range w.pool.alive(d, time.Now()) {
					if slices.Contains(tun.hops, victim.hash) {
						w.pool.Suspect(tun) // as often as a stream likes
					}
				}
			}
		}
		if n := w.through(victim); n > 0 {
			t.Errorf("%d tunnels go through a dead router: %+v", n, w.pool.Stats())
		}
		if f := w.pool.Stats().TestsFailed; f > 20 {
			t.Errorf("%d tests for a few tunnels", f)
		}
	})
}

// TestPoolComesBackWhenAllTunnelsDie: what is broken carries no build, so that one pool without another recovers.
func TestPoolComesBackWhenAllTunnelsDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, both(2, 2), nil)
		w.waitReady(5 * time.Second)
		time.Sleep(20 * time.Second)
		dead := slices.Clone(w.hops)
		for _, h := range dead {
			h.silent.Store(true)
			h.shun.Store(true)
		}
		for range 4 {
			w.add()
			h := w.hops[len(w.hops)-1]
			w.running.Go(func() { h.table.Run(w.ctx) })
		}
		time.Sleep(time.Minute)
		for _, h := range dead {
			if n := w.through(h); n > 0 {
				t.Errorf("%d tunnels go through a dead router", n)
			}
		}
		if n := w.count(); n != [2]int{2, 2} {
			t.Errorf("%v tunnels: %+v", n, w.pool.Stats())
		}
	})
}

func TestEndForgetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := buf.InUse()
		w := newWorld(t, 5, both(2, 2), nil)
		w.waitReady(5 * time.Second)
		w.hops[0].silent.Store(true) // builds stay under way
		time.Sleep(9 * time.Minute)
		w.end()
		synctest.Wait()
		time.Sleep(time.Second) // what is under way arrives nowhere
		if s := w.pool.Stats(); s.Pending != 0 || len(w.pool.Tunnels()) != 0 {
			t.Errorf("%d builds, %d tunnels", s.Pending, len(w.pool.Tunnels()))
		}
		if n, m := len(w.table.inbound), len(w.table.pending); n+m != 0 {
			t.Errorf("the table holds %d tunnels and %d builds", n, m)
		}
		if left := buf.InUse() - before; left != 0 {
			t.Errorf("%d buffers left", left)
		}
	})
}

func TestTurnsAreTakenByDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, both(1, 2), nil)
		w.waitReady(5 * time.Second)
		time.Sleep(5 * time.Second)
		in, out := make(map[*Tunnel]int), make(map[*Tunnel]int)
		for range 10 { // as a lookup does
			i, _ := w.pool.Inbound()
			o, _ := w.pool.Outbound()
			in[i]++
			out[o]++
		}
		if len(in) != 2 || len(out) != 2 {
			t.Errorf("%d inbound and %d outbound tunnels were chosen of 2 each", len(in), len(out))
		}
	})
}

func TestConfigOutOfRange(t *testing.T) {
	for _, c := range []Config{both(-1, 1), both(MaxHops+1, 1), both(1, 0), both(1, MaxQuantity+1)} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for _, c := range []Config{both(0, 1), both(MaxHops, MaxQuantity)} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}
