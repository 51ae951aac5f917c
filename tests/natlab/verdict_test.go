//go:build linux

package natlab_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/natlab"
	"clove.i2p/tests/netns/netnstest"
)

// newNetwork skips the test where there can be none. Data and logs stay after a failure.
func newNetwork(t *testing.T) *natlab.Network {
	t.Helper()
	if testing.Short() && os.Getenv("CLOVE_INTEROP") != "required" {
		t.Skip("a network of real i2pd routers: skipped with -short")
	}
	if _, err := interop.FindI2pd(); err != nil {
		netnstest.Missing(t, fmt.Errorf("no i2pd: %w; install the package i2pd or set I2PD", err))
	}
	if unavailable != nil {
		netnstest.Missing(t, unavailable)
	}
	dir, err := os.MkdirTemp("", "clove-natlab-")
	if err != nil {
		t.Fatal(err)
	}
	n, err := natlab.NewNetwork(dir)
	if err != nil {
		os.Remove(dir)
		netnstest.Missing(t, err)
	}
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
	return n
}

// eventually tries until it succeeds. These are real processes: there is no event to wait for.
func eventually(t *testing.T, limit time.Duration, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := interop.Poll(ctx, 250*time.Millisecond, func() error { return try(ctx) }); err != nil {
		t.Fatal(err)
	}
}

// The baseline that clove is compared with. Each router knows one other, which is Bob, so that Charlie is one that it has
// not sent anything: doc.go tells what happens otherwise.
func TestI2pdVerdicts(t *testing.T) {
	slow(t)
	n := newNetwork(t)
	public, err := n.StartPublic(t.Context(), 8, natlab.I2pdConfig{LogLevel: level()})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[uint16]uint16{natlab.RouterPort: 31000}
	bob := 0
	for _, test := range []struct {
		kind    natlab.Kind
		ports   map[uint16]uint16
		verdict string
		caps    string
	}{
		{natlab.Public, nil, "OK", "R"},
		{natlab.FullCone, nil, "OK", "R"},
		{natlab.FullCone, shown, "Firewalled", "U"}, // it takes its port for the one outside
		{natlab.Firewalled, nil, "Firewalled", "U"},
		{natlab.AddressRestricted, nil, "Firewalled", "U"},
		{natlab.PortRestricted, nil, "Firewalled", "U"},
		{natlab.PortRestricted, shown, "Firewalled", "U"},
		{natlab.Symmetric, nil, "Firewalled", "U"},
	} {
		name := test.kind.String()
		if test.ports != nil {
			name += ", other port"
		}
		t.Run(name, func(t *testing.T) {
			const attempts = 5 // Bob may lose a test: see doc.go
			for attempt := range attempts {
				r, err := n.StartI2pd(t.Context(), natlab.Spec{Name: fmt.Sprintf("%s %d", name, attempt), Kind: test.kind, Ports: test.ports},
					natlab.I2pdConfig{LogLevel: level(), Seed: []string{public[bob%len(public)].RouterInfoFile()}})
				if err != nil {
					t.Fatal(err)
				}
				bob++
				got, err := verdict(t.Context(), r, test.verdict)
				if err != nil {
					t.Logf("attempt %d: %v", attempt, err)
					continue
				}
				t.Logf("verdict %s, caps %s, SSU2 %s", got.Network, got.Caps, got.Address)
				if !strings.HasPrefix(got.Network, test.verdict) || !strings.HasSuffix(got.Caps, test.caps) {
					t.Errorf("want %q and caps %q", test.verdict, test.caps)
				}
				return
			}
			t.Errorf("no verdict")
		})
	}
}

// verdict waits for one. Firewalled may be the first half of OK.
func verdict(ctx context.Context, r *natlab.I2pd, want string) (s natlab.I2pdStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s, interop.Poll(ctx, 100*time.Millisecond, func() (err error) {
		if s, err = r.Status(ctx); err != nil {
			return err
		}
		if s.Network == "Unknown" || strings.HasPrefix(s.Network, "Testing") || want == "OK" && strings.HasPrefix(s.Network, "Firewalled") {
			return fmt.Errorf("verdict %q", s.Network)
		}
		return nil
	})
}

// Firewalled i2pd publishes introducers, and others get to it through them.
func TestI2pdRelay(t *testing.T) {
	slow(t)
	n := newNetwork(t)
	public, err := n.StartPublic(t.Context(), 8, natlab.I2pdConfig{LogLevel: level()})
	if err != nil {
		t.Fatal(err)
	}
	hidden := []natlab.Kind{natlab.Firewalled, natlab.PortRestricted}
	visitors := []natlab.Kind{natlab.PortRestricted}
	if long {
		hidden, visitors = natlab.Kinds()[1:], natlab.Kinds()
	}
	charlies := make(map[natlab.Kind]*natlab.I2pd)
	for i, k := range hidden {
		if charlies[k], err = n.StartI2pd(t.Context(), natlab.Spec{Name: "hidden " + k.String(), Kind: k},
			natlab.I2pdConfig{LogLevel: level(), Seed: []string{public[i].RouterInfoFile()}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range hidden {
		if k == natlab.FullCone {
			continue // needs none
		}
		eventually(t, 4*time.Minute, func(ctx context.Context) error {
			ri, err := charlies[k].RouterInfo()
			if err == nil && len(natlab.Introducers(ri)) == 0 {
				err = fmt.Errorf("%v: no introducers", k)
			}
			return err
		})
	}
	for _, v := range visitors {
		for _, k := range hidden {
			t.Run(fmt.Sprintf("%v to %v", v, k), func(t *testing.T) {
				ri, err := charlies[k].RouterInfo()
				if err != nil {
					t.Fatal(err)
				}
				attempts := 3 // two i2pd that dial each other at the same moment fail both, and give up for minutes
				if blocked(v, k) {
					attempts = 1
				}
				for attempt := range attempts {
					began := time.Now()
					r, err := n.StartI2pd(t.Context(), natlab.Spec{Name: fmt.Sprintf("%v to %v %d", v, k, attempt), Kind: v},
						natlab.I2pdConfig{LogLevel: level(), Tunnels: natlab.ServerTunnel("probe", 9, 1, ri.Hash().String())})
					if err != nil {
						t.Fatal(err)
					}
					text, err := connected(t.Context(), r, ri.Hash())
					if err != nil {
						t.Logf("attempt %d: %v", attempt, err)
						continue
					}
					t.Logf("attempt %d: session after %v: %s", attempt, time.Since(began).Round(100*time.Millisecond), text)
					if blocked(v, k) {
						t.Error("where no packet can get through")
					}
					return
				}
				if !blocked(v, k) {
					t.Error("no session")
				}
			})
		}
	}
}

// A router is i2pd or clove.
type router interface {
	RouterInfo() (*i2p.RouterInfo, error)
	RouterInfoFile() string
	Site(ctx context.Context) (string, error)
	Connected(ctx context.Context, peer i2p.Hash) (string, bool, error)
}

// connected waits for a session with a peer, whoever opened it.
func connected(ctx context.Context, r router, peer i2p.Hash) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return text, interop.Poll(ctx, 250*time.Millisecond, func() (err error) {
		var ok bool
		if text, ok, err = r.Connected(ctx, peer); err == nil && !ok {
			err = fmt.Errorf("no session: %s", text)
		}
		return err
	})
}

// blocked reports whether a hole cannot be punched: on one side the port depends on the destination, and on the other the
// door is open for one port only.
func blocked(a, b natlab.Kind) bool {
	if a == natlab.Symmetric {
		a, b = b, a
	}
	return b == natlab.Symmetric && (a == natlab.Firewalled || a == natlab.PortRestricted || a == natlab.Symmetric)
}

// level of i2pd's logs: CLOVE_INTEROP_LOG. The whole tables are for CLOVE_INTEROP_LONG.
func level() string { return os.Getenv("CLOVE_INTEROP_LOG") }

var (
	long = os.Getenv("CLOVE_INTEROP_LONG") != ""
	full = long || os.Getenv("CLOVE_NATLAB") == "full"
)

// slow skips what takes minutes.
func slow(t *testing.T) {
	t.Helper()
	if !full {
		t.Skip("takes minutes: CLOVE_NATLAB=full runs this")
	}
}

// besides lets a test run beside others in the short version, which measures nothing.
func besides(t *testing.T) {
	t.Helper()
	if !full {
		t.Parallel()
	}
}
