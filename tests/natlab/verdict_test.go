//go:build linux

package natlab_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"clove.i2p/tests/interop"
	"clove.i2p/tests/natlab"
)

// newNetwork skips the test where there can be none. Data and logs stay after a failure.
func newNetwork(t *testing.T) *natlab.Network {
	t.Helper()
	if testing.Short() && os.Getenv("CLOVE_INTEROP") != "required" {
		t.Skip("a network of real i2pd routers: skipped with -short")
	}
	if _, err := interop.FindI2pd(); err != nil {
		skip(t, fmt.Errorf("no i2pd: %w; install the package i2pd or set I2PD", err))
	}
	if unavailable != nil {
		skip(t, unavailable)
	}
	dir, err := os.MkdirTemp("", "clove-natlab-")
	if err != nil {
		t.Fatal(err)
	}
	n, err := natlab.NewNetwork(dir)
	if err != nil {
		skip(t, err)
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
// not sent anything: with several Bobs i2pd 2.45 tests with all of them at once, dials Charlie while that answers, and
// takes the hole that this makes for being reachable.
func TestI2pdVerdicts(t *testing.T) {
	n := newNetwork(t)
	public, err := n.StartPublic(t.Context(), 6, natlab.I2pdConfig{LogLevel: level()})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[uint16]uint16{natlab.RouterPort: 31000}
	type subject struct {
		kind    natlab.Kind
		ports   map[uint16]uint16
		verdict string
		router  *natlab.I2pd
	}
	subjects := []*subject{
		{kind: natlab.Public, verdict: "OK"},
		{kind: natlab.Firewalled, verdict: "Firewalled"},
		{kind: natlab.FullCone, verdict: "OK"},
		{kind: natlab.FullCone, ports: shown, verdict: "Firewalled"},
		{kind: natlab.AddressRestricted, verdict: "Firewalled"},
		{kind: natlab.PortRestricted, verdict: "Firewalled"},
		{kind: natlab.PortRestricted, ports: shown, verdict: "Firewalled"},
		{kind: natlab.Symmetric, verdict: "Firewalled"},
	}
	for i, s := range subjects {
		s.router, err = n.StartI2pd(t.Context(), natlab.Spec{Name: fmt.Sprintf("%v %d", s.kind, i), Kind: s.kind, Ports: s.ports},
			natlab.I2pdConfig{LogLevel: level(), Seed: []string{public[i%len(public)].RouterInfoFile()}})
		if err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for _, s := range subjects {
		var got natlab.I2pdStatus
		eventually(t, 90*time.Second, func(ctx context.Context) (err error) {
			got, err = s.router.Status(ctx)
			if err == nil && !strings.HasPrefix(got.Network, s.verdict) {
				return fmt.Errorf("%s: verdict %q, want %q", s.router.Host.Name, got.Network, s.verdict)
			}
			return err
		})
		t.Logf("%-20v shown as %v: %s, caps %s, SSU2 %s after %v", s.kind, s.ports, got.Network, got.Caps, got.Address, time.Since(began).Round(time.Millisecond))
	}
}

// level of i2pd's logs: CLOVE_INTEROP_LOG.
func level() string { return os.Getenv("CLOVE_INTEROP_LOG") }
