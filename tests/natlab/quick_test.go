//go:build linux

package natlab_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"clove.i2p/tests/natlab"
)

// What does not take long of TestCloveVerdicts and TestCloveRelay: clove behind a port-restricted NAT finds out by tests of i2pd
// that nobody can connect to it, i2pd introduce it, and an i2pd behind such a NAT gets to it.
func TestCloveBehindNAT(t *testing.T) {
	if full {
		t.Skip("TestCloveVerdicts and TestCloveRelay have all of it")
	}
	besides(t)
	n := newNetwork(t)
	startMany(t, n)
	seed := n.Seed()
	at := func(name string) natlab.Spec { return natlab.Spec{Name: name, Kind: natlab.PortRestricted} }
	// A test needs a Charlie that Alice has no session with, and Bobs choose: of several, one soon has two results.
	var all [3]*natlab.Clove
	for i := range all {
		var err error
		if all[i], err = n.StartClove(t.Context(), at(fmt.Sprintf("hidden clove %d", i)),
			natlab.CloveConfig{Eepsite: true, LogLevel: cloveLevel(), Seed: seed}); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	var hidden *natlab.Clove
	eventually(t, 8*time.Minute, func(ctx context.Context) error {
		for _, c := range all {
			status, err := c.Status(ctx)
			if err != nil {
				return err
			}
			switch state, external, reason := status.IPv4(); state {
			case "unknown", "":
				continue
			case "firewalled":
				ri, err := c.RouterInfo()
				if err != nil || len(natlab.Introducers(ri)) == 0 {
					continue
				}
				t.Logf("firewalled %s and introduced after %v: %s", external, time.Since(began).Round(time.Second), reason)
				hidden = c
				return nil
			default:
				t.Fatalf("verdict %q: %s", state, reason)
			}
		}
		return errors.New("none of several cloves is firewalled and has introducers")
	})
	visit(t, hidden, false, func(attempt int, _ string) (router, *natlab.Host, error) {
		r, err := n.StartI2pd(t.Context(), at(fmt.Sprintf("visitor %d", attempt)),
			natlab.I2pdConfig{LogLevel: level(), Seed: append(append([]string{}, seed...), hidden.RouterInfoFile())})
		if err != nil {
			return nil, nil, err
		}
		return r, r.Host, nil
	})
}
