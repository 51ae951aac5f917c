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

// testReads: clove reads the eepsite of i2pd through tunnels of i2pd.
func testReads(t *testing.T, n *interop.Network) {
	r := startClove(t, n, router.Config{NoTransit: true})
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
			checkHops(t, n, d.Status().Tunnels, length)
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

// checkHops wants tunnels in both directions, of that length, of i2pd routers only.
func checkHops(t *testing.T, n *interop.Network, tunnels []pool.Status, length int) {
	t.Helper()
	names, err := n.Hashes()
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[pool.Direction]int)
	for _, tunnel := range tunnels {
		count[tunnel.Direction]++
		if len(tunnel.Hops) != length {
			t.Errorf("%v tunnel %d has %d hops, want %d", tunnel.Direction, tunnel.ID, len(tunnel.Hops), length)
		}
		for _, h := range tunnel.Hops {
			if names[h] == "" {
				t.Errorf("%v tunnel %d: hop %v is not an i2pd router of the network", tunnel.Direction, tunnel.ID, h)
			}
		}
	}
	if count[pool.Inbound] == 0 || count[pool.Outbound] == 0 {
		t.Errorf("%d inbound and %d outbound tunnels", count[pool.Inbound], count[pool.Outbound])
	}
}
