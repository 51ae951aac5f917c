//go:build linux

package interoptest

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
	"clove.i2p/tests/netns/netnstest"
)

// publishTime is how long an i2pd may take to write a RouterInfo with its address.
const publishTime = 60 * time.Second

// Inside is netnstest.Inside for tests that need i2pd: it tells which program, and whether the test has work to do.
func Inside(t *testing.T, tools ...string) (program string, inside bool) {
	t.Helper()
	program, err := interop.FindI2pd()
	if err != nil {
		netnstest.Missing(t, err)
	}
	return program, netnstest.Inside(t, tools...)
}

// InsideHybrid is Inside for tests that need an i2pd with post-quantum handshakes, which is 2.60 or later and built with
// OpenSSL 3.5. CLOVE_HYBRID_I2PD names it; without that the test is skipped, since distributions do not have one yet.
func InsideHybrid(t *testing.T) (program string, inside bool) {
	t.Helper()
	if program = os.Getenv("CLOVE_HYBRID_I2PD"); program == "" {
		t.Skip("CLOVE_HYBRID_I2PD does not name an i2pd with post-quantum handshakes: make interop-hybrid I2PD=PATH")
	}
	return program, netnstest.Inside(t)
}

// Start runs a floodfill with one transport, on the first address of the network, until the test ends. It returns the router
// and the RouterInfo that it publishes. Later versions of i2pd start only when they know a router: known is one, which
// need not be there, or nil. Options go onto its command line.
func Start(t *testing.T, program, transport string, port uint16, known *i2p.RouterInfo, options ...string) (*interop.I2pd, *i2p.RouterInfo) {
	t.Helper()
	dir := t.TempDir()
	var seed []string
	if known != nil {
		seed = []string{filepath.Join(dir, "known.info")}
		if err := os.WriteFile(seed[0], known.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := interop.NewI2pd(program, filepath.Join(dir, "i2pd"), netip.AddrPortFrom(netns.Host(0), port), interop.ConsolePort, []string{transport})
	r.Floodfill, r.LogLevel, r.Options = true, "debug", options
	style := map[string]string{interop.NTCP2: "NTCP2", interop.SSU2: "SSU2"}[transport]
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(r.Log(style))
		}
	})
	if err := r.Start(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), publishTime)
	defer cancel()
	ri, err := r.Published(ctx, style)
	if err != nil {
		t.Fatal(err)
	}
	return r, ri
}
