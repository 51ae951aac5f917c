//go:build linux

package interop_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/tunnel/pool"
	"clove.i2p/tests/interop"
)

// testReads: clove reads the eepsite of i2pd, whose LeaseSet it finds at floodfills of i2pd, through tunnels of i2pd.
// There is no other clove in the network that it could take for a hop.
func testReads(t *testing.T, n *interop.Network, r *router.Router) {
	for _, length := range []int{2, 3} {
		t.Run(fmt.Sprintf("%dHops", length), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			d, err := r.Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: length}, Unpublished: true})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Ready(ctx); err != nil {
				t.Fatal(err)
			}
			v := interop.NewVisitor(n.Eepsite, d.Dial)
			measure(t, fmt.Sprintf("%d requests", requests), func() error { return v.ReadPages(ctx, requests) })
			measure(t, fmt.Sprintf("download of %d MiB", download>>20), func() error { return v.Download(ctx, download) })
			measure(t, fmt.Sprintf("upload of %d MiB", upload>>20), func() error { return v.Upload(ctx, upload) })
			tunnels := translate(d.Status().Tunnels)
			checkLengths(t, tunnels, length)
			checkHops(t, n, tunnels)
			if stats := d.Status().Stats.View.Lookups; stats.Found == 0 {
				t.Errorf("no LeaseSet was found at a floodfill: %+v", stats)
			}
			if t.Failed() {
				t.Logf("destination: %+v", d.Status())
				t.Logf("router: %+v", r.Stats())
			}
		})
	}
}

// measure runs a step of a test, and logs how long it took.
func measure(t *testing.T, what string, step func() error) {
	t.Helper()
	began := time.Now()
	if err := step(); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
}

func translate(tunnels []pool.Status) (out []interop.Tunnel) {
	for _, t := range tunnels {
		hops := make([]string, len(t.Hops))
		for i, h := range t.Hops {
			hops[i] = h.String()
		}
		out = append(out, interop.Tunnel{Direction: t.Direction.String(), Hops: hops})
	}
	return out
}

// checkHops wants that all hops are i2pd routers of the network.
func checkHops(t *testing.T, n *interop.Network, tunnels []interop.Tunnel) {
	t.Helper()
	names, err := n.Hashes()
	if err != nil {
		t.Fatal(err)
	}
	for _, tunnel := range tunnels {
		for _, h := range tunnel.Hops {
			if names[h] == "" {
				t.Errorf("%s tunnel: hop %s is not an i2pd router of the network", tunnel.Direction, h)
			}
		}
	}
}

// checkLengths wants tunnels in both directions, all of that length.
func checkLengths(t *testing.T, tunnels []interop.Tunnel, length int) {
	t.Helper()
	count := make(map[string]int)
	for _, tunnel := range tunnels {
		count[tunnel.Direction]++
		if len(tunnel.Hops) != length {
			t.Errorf("%s tunnel has %d hops, want %d", tunnel.Direction, len(tunnel.Hops), length)
		}
	}
	if len(count) != 2 {
		t.Errorf("tunnels in each direction: %v", count)
	}
}
