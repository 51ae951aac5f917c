//go:build linux

package interop_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/interop"
)

// testFloodfill: with every floodfill of i2pd stopped, the server publishes its eepsite to clove, and the client finds
// it there. Both start anew, so that they know no LeaseSet; they know clove from their seed.
func testFloodfill(t *testing.T, n *interop.Network) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	r := startClove(t, n, router.Config{Floodfill: true})
	if err := r.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	info := filepath.Join(n.Dir, "clove-floodfill.info")
	if err := os.WriteFile(info, r.RouterInfo().Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.StopFloodfills(); err != nil {
		t.Fatal(err)
	}
	before := r.Stats().NetDB
	measure(t, "first page after the restart", func() error { return n.RestartEnds(ctx, info) })
	after := r.Stats().NetDB
	if after.LeaseSetsStored == before.LeaseSetsStored || after.LookupsAnswered == before.LookupsAnswered {
		t.Errorf("no store or no lookup at clove: before %+v, after %+v", before, after)
	}
	t.Logf("netDb of clove: %+v", after)
}
