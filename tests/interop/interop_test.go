//go:build linux

package interop_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
	"clove.i2p/tests/netns/netnstest"
)

// unavailable is why there can be no network here.
var unavailable error

// TestMain runs the tests in a namespace of their own: this process only waits for the one inside.
func TestMain(m *testing.M) {
	flag.Parse()
	if netns.Inside() {
		if err := netns.RaiseLoopback(); err != nil {
			unavailable = err
		}
		os.Exit(m.Run())
	}
	if _, err := interop.FindI2pd(); err != nil {
		unavailable = fmt.Errorf("no i2pd: %w; install the package i2pd or set I2PD", err)
		os.Exit(m.Run())
	}
	code, err := netns.Reexec()
	if err != nil {
		unavailable = err
		os.Exit(m.Run())
	}
	os.Exit(code)
}

// The amount of work: CLOVE_INTEROP_LONG is for hand.
var (
	long     = os.Getenv("CLOVE_INTEROP_LONG") != ""
	requests = choose(20, 100)
	download = int64(choose(10, 50)) << 20
	upload   = int64(choose(5, 20)) << 20
)

func choose(short, longer int) int {
	if long {
		return longer
	}
	return short
}

// TestInterop has both transports, and each router chooses.
func TestInterop(t *testing.T) { testInterop(t, interop.NTCP2, interop.SSU2) }

// TestInteropOverSSU2 has no TCP.
func TestInteropOverSSU2(t *testing.T) { testInterop(t, interop.SSU2) }

// TestInteropOverNTCP2 has no UDP.
func TestInteropOverNTCP2(t *testing.T) {
	if !long {
		t.Skip("TestInterop has NTCP2 too; CLOVE_INTEROP_LONG=1 runs this")
	}
	testInterop(t, interop.NTCP2)
}

// testInterop shares one network. The order matters: routers that were part of a network stay in the others' netDbs,
// so that nothing that carries others' tunnels leaves before the last test, and that one stops floodfills.
func testInterop(t *testing.T, transports ...string) {
	n := startNetwork(t, transports)
	r := startClove(t, n, router.Config{})
	t.Run("CloveReadsI2pd", func(t *testing.T) { testReads(t, n, r) })
	proxies := startProgram(t, n, "run", "run")
	server := startProgram(t, n, "serve", "serve", "http://"+n.Web.Address().String())
	t.Run("CloveReadsI2pdThroughProxies", func(t *testing.T) { testProxies(t, n, proxies) })
	t.Run("I2pdReadsClove", func(t *testing.T) { testServes(t, n, server) })
	t.Run("CloveCarriesI2pd", func(t *testing.T) { testCarries(t, n, r) })
	t.Run("CloveIsFloodfill", func(t *testing.T) { testFloodfill(t, n) })
	for _, s := range r.Status().Sessions {
		if !slices.Contains(transports, strings.ToLower(s.Style)) {
			t.Errorf("a session over %s", s.Style)
		}
	}
}

// startNetwork skips the test where there can be no network.
func startNetwork(t *testing.T, transports []string, prepare ...func(*interop.Network) error) *interop.Network {
	if testing.Short() && os.Getenv("CLOVE_INTEROP") != "required" {
		t.Skip("a network of real i2pd routers takes minutes: skipped with -short")
	}
	if unavailable != nil {
		netnstest.Missing(t, unavailable)
	}
	program, err := interop.FindI2pd()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "clove-interop-")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n, err := interop.StartNetwork(t.Context(), program, dir, transports, prepare...)
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Log(err)
		}
		if t.Failed() {
			t.Logf("data and logs of all routers are in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d i2pd routers, ready after %v", len(n.Routers()), time.Since(began).Round(100*time.Millisecond))
	return n
}

// cloveHops is the length of the tunnels of clove's proxies and eepsite.
const cloveHops = 2

// startProgram runs the clove program. It ends with the test t.
func startProgram(t *testing.T, n *interop.Network, name string, args ...string) *interop.Clove {
	t.Helper()
	c, err := n.StartClove(t.Context(), name, cloveHops, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// startClove runs a clove of the network in this process. It ends with the test t.
func startClove(t *testing.T, n *interop.Network, cfg router.Config) *router.Router {
	t.Helper()
	cfg.NetworkID, cfg.AllowPrivate = netns.NetworkID, true
	cfg.NTCP2.Listen = n.NewHost().String() + ":0"
	cfg.NTCP2.Disabled = !slices.Contains(n.Transports, interop.NTCP2)
	cfg.SSU2.Disabled = !slices.Contains(n.Transports, interop.SSU2)
	cfg.Reseed = interop.RouterInfoFiles(n.Routers())
	r, stop, err := router.Start(context.Background(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}
