//go:build linux

package interop_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"clove.i2p/tests/interop"
)

// testProxies: the same as testReads, with the program and its proxies.
func testProxies(t *testing.T, n *interop.Network, c *interop.Clove) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ready, err := c.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, proxy := range []string{"http://" + ready.HTTPProxy, "socks5h://" + ready.SOCKSProxy} {
		v, err := interop.NewProxyVisitor(n.Eepsite, proxy)
		if err != nil {
			t.Fatal(err)
		}
		measure(t, fmt.Sprintf("%s: %d requests", proxy, requests), func() error { return v.ReadPages(ctx, requests) })
		measure(t, fmt.Sprintf("%s: download", proxy), func() error { return v.Download(ctx, download/4) })
		measure(t, fmt.Sprintf("%s: upload", proxy), func() error { return v.Upload(ctx, upload/4) })
	}
	checkStatus(ctx, t, c, 2)
}

// checkStatus wants that `clove status` lists tunnels in both directions for each destination.
func checkStatus(ctx context.Context, t *testing.T, c *interop.Clove, destinations int) {
	t.Helper()
	status, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Destinations) != destinations {
		t.Errorf("%d destinations, want %d", len(status.Destinations), destinations)
	}
	for _, d := range status.Destinations {
		checkLengths(t, d.Tunnels, cloveHops)
	}
}
