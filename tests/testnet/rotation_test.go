package testnet_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/pool"
	"clove.i2p/tests/testnet"
)

// A count of what must not grow.
type count struct {
	goroutines, tunnels, transit, pending, testing, sessions int
	buffers                                                  int64
}

func take(n *testnet.Network) (c count) {
	synctest.Wait()
	c.goroutines, c.buffers = runtime.NumGoroutine(), buf.InUse()
	for _, node := range n.Nodes {
		s := node.Status()
		c.tunnels += len(s.Exploratory)
		c.transit += len(s.Transit)
		c.sessions += len(s.Sessions)
		pools := []pool.Stats{s.Stats.Exploratory}
		for _, d := range s.Destinations {
			c.tunnels += len(d.Tunnels)
			pools = append(pools, d.Stats.Pool)
		}
		for _, p := range pools {
			c.pending += p.Pending
			c.testing += p.Testing
		}
	}
	return c
}

// both reports whether there is a tunnel in both directions.
func both(tunnels []pool.Status) bool {
	var have [2]bool
	for _, t := range tunnels {
		have[t.Direction] = true
	}
	return have[pool.Inbound] && have[pool.Outbound]
}

func TestRequestsSurviveTunnelRotation(t *testing.T) {
	length, every := 25*time.Minute, time.Second
	if testing.Short() || raceEnabled {
		length, every = 13*time.Minute, 10*time.Second
	}
	synctest.Test(t, func(t *testing.T) {
		n := testnet.New(t, testnet.Config{Routers: 8, Floodfills: 3, Delay: 20 * time.Millisecond, Seed: 25})
		shape := router.Tunnels{Length: 2, Quantity: 2}
		site := n.Nodes[7].Open(router.DestinationConfig{Tunnels: shape})
		reader := n.Nodes[6].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
		serve(t, site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
		reachable(t, 20*time.Second, site, reader)
		c := visitor(t, reader, false)
		start := time.Now()
		var early count
		var slowest time.Duration
		for i := 0; time.Since(start) < length; i++ {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			path := fmt.Sprintf("/%d", i)
			got, err := get(ctx, c, "http://"+site.Base32()+path)
			cancel()
			if got != path || err != nil {
				t.Fatalf("request %d after %v: %q, %v", i, time.Since(start), got, err)
			}
			slowest = max(slowest, time.Since(began))
			for _, d := range []*router.Destination{site, reader} {
				if !both(d.Status().Tunnels) {
					t.Fatalf("%s has tunnels %+v after %v", d.Hash().Short(), d.Status().Tunnels, time.Since(start))
				}
			}
			for _, node := range n.Nodes {
				if s := node.Status(); !both(s.Exploratory) {
					t.Fatalf("%s has exploratory tunnels %+v after %v", node, s.Exploratory, time.Since(start))
				}
			}
			if early.goroutines == 0 && time.Since(start) > 2*time.Minute {
				early = take(n)
			}
			time.Sleep(time.Until(began.Add(every)))
		}
		late := take(n)
		t.Logf("slowest request %v; minute 2: %+v; end: %+v", slowest, early, late)
		if slowest > 3*time.Second {
			t.Errorf("a request took %v", slowest)
		}
		checkGrowth(t, n, early, late)
		for _, d := range []*router.Destination{site, reader} {
			s := d.Status().Stats
			// 2 tunnels each way, replaced 60 to 150 s before they are 10 minutes old.
			least := 4 * (1 + int(length/(9*time.Minute)))
			most := 4 * (2 + int(length/(7*time.Minute+30*time.Second)))
			if b := int(s.Pool.Built); b < least || b > most {
				t.Errorf("%s built %d tunnels in %v, want %d to %d: %+v", d.Hash().Short(), b, length, least, most, s.Pool)
			}
		}
	})
}

// checkGrowth compares what is in use with what was: tunnels overlap with their successors, so that there may be up to twice the
// number of tunnels that are kept.
func checkGrowth(t *testing.T, n *testnet.Network, early, late count) {
	t.Helper()
	kept := 4 * (len(n.Nodes) + 2) // 2 each way: exploratory pools and two destinations
	if late.tunnels < kept/2 || late.tunnels > 2*kept+kept/4 {
		t.Errorf("%d tunnels, want about %d", late.tunnels, kept)
	}
	if late.transit > 2*(2*kept+kept/4) { // two hops each
		t.Errorf("%d transit tunnels for %d tunnels", late.transit, late.tunnels)
	}
	if late.goroutines > early.goroutines+early.goroutines/20+4 {
		t.Errorf("goroutines grew from %d to %d", early.goroutines, late.goroutines)
	}
	if late.pending > kept {
		t.Errorf("%d builds under way", late.pending)
	}
	if late.buffers > early.buffers+64 {
		t.Errorf("buffers in use grew from %d to %d", early.buffers, late.buffers)
	}
}

// hopsOf counts how often each router is a hop of the tunnels of destinations.
func hopsOf(ds ...*router.Destination) map[i2p.Hash]int {
	used := make(map[i2p.Hash]int)
	for _, d := range ds {
		for _, t := range d.Status().Tunnels {
			for _, h := range t.Hops {
				used[h]++
			}
		}
	}
	return used
}

func TestRequestsRecoverWhenAHopDies(t *testing.T) {
	// Tests find the dead tunnels in 15 to 25 s, a build that chooses the dead router again takes 10 s more. 10 s in all are
	// usual; what Dial waits at most has to do even if a destination lost all of its tunnels.
	const bound = time.Minute
	for _, death := range []struct {
		name string
		die  func(*testnet.Node)
	}{
		{"stopped", func(n *testnet.Node) { n.Stop() }},
		{"silent", func(n *testnet.Node) { n.Unplug() }},
	} {
		t.Run(death.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := testnet.New(t, testnet.Config{Routers: 10, Floodfills: 4, Delay: 20 * time.Millisecond, Seed: 10})
				shape := router.Tunnels{Length: 2, Quantity: 2}
				site := n.Nodes[9].Open(router.DestinationConfig{Tunnels: shape})
				reader := n.Nodes[8].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
				serve(t, site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
				reachable(t, 20*time.Second, site, reader)
				c := visitor(t, reader, false)
				request := func(limit time.Duration) error {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					_, err := get(ctx, c, "http://"+site.Base32()+"/")
					return err
				}
				for range 10 {
					if err := request(20 * time.Second); err != nil {
						t.Fatal(err)
					}
				}
				var victim *testnet.Node
				used := hopsOf(site, reader)
				for _, node := range n.Nodes[:8] {
					if victim == nil || used[node.Hash()] > used[victim.Hash()] {
						victim = node
					}
				}
				t.Logf("%v dies, a hop of %d of 8 tunnels", victim, used[victim.Hash()])
				death.die(victim)
				died := time.Now()
				var slowest time.Duration
				for time.Since(died) < 4*time.Minute {
					began := time.Now()
					if err := request(bound); err != nil {
						t.Fatalf("request %v after the death: %v", began.Sub(died), err)
					}
					took := time.Since(began)
					slowest = max(slowest, took)
					if took > 3*time.Second && began.Sub(died) > 2*time.Minute {
						t.Errorf("request %v after the death took %v", began.Sub(died), took)
					}
					time.Sleep(time.Second)
				}
				t.Logf("slowest request %v", slowest)
				if used := hopsOf(site, reader); used[victim.Hash()] > 0 {
					t.Errorf("the dead router is a hop of %d tunnels after 4 minutes", used[victim.Hash()])
				}
			})
		})
	}
}
