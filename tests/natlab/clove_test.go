//go:build linux

package natlab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clove.i2p/tests/interop"
	"clove.i2p/tests/natlab"
)

// What clove finds out about itself in a network of i2pd, as Alice: Bob and Charlie are i2pd.
func TestCloveVerdicts(t *testing.T) {
	besides(t)
	n := newNetwork(t)
	if full {
		startMany(t, n)
	} else if _, err := n.StartPublic(t.Context(), 8, natlab.I2pdConfig{LogLevel: level()}); err != nil {
		t.Fatal(err)
	}
	shown := map[uint16]uint16{natlab.RouterPort: 31000}
	type subject struct {
		kind    natlab.Kind
		ports   map[uint16]uint16
		verdict string
		port    uint16 // of the address that it is sure of
		quick   bool   // to find out: without tests by peers
	}
	subjects := []subject{
		{natlab.Public, nil, "ok", natlab.RouterPort, false},
		{natlab.FullCone, nil, "ok", natlab.RouterPort, false},
		{natlab.FullCone, shown, "ok", 31000, false},
		{natlab.Firewalled, nil, "firewalled", 0, false},
		{natlab.AddressRestricted, nil, "firewalled", 0, false},
		{natlab.PortRestricted, nil, "firewalled", 0, false},
		{natlab.PortRestricted, shown, "firewalled", 0, false},
		{natlab.Symmetric, nil, "symmetric", 0, true},
	}
	seed := n.Seed()
	for i, s := range subjects {
		if !full && !s.quick {
			continue
		}
		c, err := n.StartClove(t.Context(), natlab.Spec{Name: fmt.Sprintf("clove %v %d", s.kind, i), Kind: s.kind, Ports: s.ports},
			natlab.CloveConfig{Length: 1, LogLevel: cloveLevel(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		t.Run(c.Host.Name, func(t *testing.T) {
			t.Parallel()
			var state, external, reason string
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
			defer cancel()
			err := interop.Poll(ctx, time.Second, func() error {
				status, err := c.Status(t.Context())
				if err != nil {
					return err
				}
				if state, external, reason = status.IPv4(); state != s.verdict {
					return fmt.Errorf("verdict %q (%s), want %q; %d sessions", state, reason, s.verdict, len(status.Sessions))
				}
				return nil
			})
			t.Logf("%s %s after %v: %s", state, external, time.Since(began).Round(time.Second), reason)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%v:%d", c.Host.Outside(), s.port); s.port != 0 && external != want {
				t.Errorf("external address %q, want %q", external, want)
			}
		})
	}
}

// startMany starts more i2pd than a router has sessions with: a Charlie that has one with Alice refuses to test.
func startMany(t *testing.T, n *natlab.Network) []*natlab.I2pd {
	t.Helper()
	public, err := n.StartPublic(t.Context(), 8, natlab.I2pdConfig{LogLevel: level()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 32 {
		if _, err := n.StartI2pd(t.Context(), natlab.Spec{Name: fmt.Sprintf("slow%d", i)},
			natlab.I2pdConfig{Fixed: true, Bandwidth: "K", LogLevel: level()}); err != nil {
			t.Fatal(err)
		}
	}
	return public
}

// Sessions with a router that nobody can connect to, through an i2pd that introduces: clove is hidden, or visits, or both.
// Tunnels have no hops, so that visitors of its eepsite have to connect to the very router.
func TestCloveRelay(t *testing.T) {
	slow(t)
	n := newNetwork(t)
	public := startMany(t, n)
	var err error
	hidden, visitors := []natlab.Kind{natlab.PortRestricted}, []natlab.Kind{natlab.PortRestricted}
	if long {
		hidden, visitors = natlab.Kinds()[1:], natlab.Kinds()
	}
	seed := n.Seed()
	targets := map[string]map[natlab.Kind]router{"clove": {}, "i2pd": {}}
	for i, k := range hidden {
		targets["clove"][k], err = n.StartClove(t.Context(), natlab.Spec{Name: "hidden clove " + k.String(), Kind: k},
			natlab.CloveConfig{Eepsite: true, LogLevel: cloveLevel(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		targets["i2pd"][k], err = n.StartI2pd(t.Context(), natlab.Spec{Name: "hidden i2pd " + k.String(), Kind: k},
			natlab.I2pdConfig{Eepsite: true, LogLevel: level(), Seed: []string{public[i].RouterInfoFile()}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, kinds := range targets {
		for k, r := range kinds {
			if k == natlab.FullCone {
				continue // needs none
			}
			eventually(t, 8*time.Minute, func(ctx context.Context) error {
				ri, err := r.RouterInfo()
				if err == nil && len(natlab.Introducers(ri)) == 0 {
					err = fmt.Errorf("%s %v: no introducers", name, k)
				}
				return err
			})
		}
	}
	i2pd := func(s natlab.Spec, seed []string, _ string) (router, *natlab.Host, error) {
		r, err := n.StartI2pd(t.Context(), s, natlab.I2pdConfig{LogLevel: level(), Seed: seed})
		if err != nil {
			return nil, nil, err
		}
		return r, r.Host, nil
	}
	clove := func(s natlab.Spec, seed []string, _ string) (router, *natlab.Host, error) {
		r, err := n.StartClove(t.Context(), s, natlab.CloveConfig{LogLevel: cloveLevel(), Seed: seed})
		if err != nil {
			return nil, nil, err
		}
		return r, r.Host, nil
	}
	for _, v := range visitors {
		for _, k := range hidden {
			for _, test := range []struct {
				from, to string
				start    func(natlab.Spec, []string, string) (router, *natlab.Host, error)
			}{{"i2pd", "clove", i2pd}, {"clove", "i2pd", clove}, {"clove", "clove", clove}} {
				name := fmt.Sprintf("%s %v to %s %v", test.from, v, test.to, k)
				t.Run(name, func(t *testing.T) {
					target := targets[test.to][k]
					visit(t, target, blocked(v, k), func(attempt int, hash string) (router, *natlab.Host, error) {
						return test.start(natlab.Spec{Name: fmt.Sprintf("%s %d", name, attempt), Kind: v},
							append(append([]string{}, seed...), target.RouterInfoFile()), hash)
					})
				})
			}
		}
	}
}

// visit starts routers until one has read the eepsite of the target.
func visit(t *testing.T, target router, blocked bool, start func(attempt int, hash string) (router, *natlab.Host, error)) {
	t.Helper()
	ri, err := target.RouterInfo()
	if err != nil {
		t.Fatal(err)
	}
	site, err := target.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// i2pd sometimes gives up for minutes. And where tunnels have no hops, what a floodfill answers to the visitor comes from the end of one of its
	// own outbound tunnels, a router that mostly has no session with the visitor and cannot open one.
	attempts := 6
	if blocked {
		attempts = 1
	}
	for attempt := range attempts {
		began := time.Now()
		r, h, err := start(attempt, ri.Hash().String())
		if err != nil {
			t.Fatal(err)
		}
		err = read(t.Context(), h, site, 40*time.Second)
		text, ok, err2 := r.Connected(t.Context(), ri.Hash())
		if err2 != nil {
			t.Fatal(err2)
		}
		t.Logf("attempt %d: after %v: read %v, session %t %s", attempt, time.Since(began).Round(100*time.Millisecond), err, ok, text)
		if err != nil {
			continue
		}
		if blocked || !ok {
			t.Error("read without a session, or where no packet can get through")
		}
		return
	}
	if !blocked {
		t.Error("not read")
	}
}

// read tries until the eepsite can be read.
func read(ctx context.Context, h *natlab.Host, site string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := h.HTTPClient()
	return interop.Poll(ctx, 500*time.Millisecond, func() error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		return natlab.Download(ctx, client, site, 1000).Err
	})
}

func cloveLevel() string {
	if l := level(); l != "" {
		return strings.Replace(l, "warn", "info", 1)
	}
	return "info"
}
