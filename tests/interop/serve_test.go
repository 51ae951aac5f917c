//go:build linux

package interop_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"clove.i2p/tests/interop"
)

// testServes: i2pd reads an eepsite of `clove serve`.
func testServes(t *testing.T, n *interop.Network, c *interop.Clove) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ready, err := c.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	v, err := n.ClientVisitor(ready.Eepsite)
	if err != nil {
		t.Fatal(err)
	}
	measure(t, fmt.Sprintf("%d requests", requests), func() error { return v.ReadPages(ctx, requests) })
	measure(t, fmt.Sprintf("download of %d MiB", download>>20), func() error { return v.Download(ctx, download) })
	measure(t, fmt.Sprintf("upload of %d MiB", upload>>20), func() error { return v.Upload(ctx, upload) })
	checkStatus(ctx, t, c, 1)
}
