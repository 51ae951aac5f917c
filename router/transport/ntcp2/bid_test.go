package ntcp2

import (
	"testing"

	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/transport"
)

func TestBidSaysWhetherTheHandshakeIsHybrid(t *testing.T) {
	both := []mlkem.Params{mlkem.MLKEM768, mlkem.MLKEM512}
	for name, tc := range map[string]struct {
		ours, theirs []mlkem.Params
		want         bool
	}{"both": {both, both[1:], true}, "they alone": {nil, both, false}, "we alone": {both, nil, false}, "not the same": {both[:1], both[1:], false}} {
		p := new(pipes)
		a := newRouter(t, func(c *Config, d *Deps) { p.on("0.0.0.0:1")(c, d); c.PostQuantum = tc.ours })
		b := newRouter(t, func(c *Config, d *Deps) { p.on("11.0.0.2:2")(c, d); c.PostQuantum = tc.theirs })
		if got, ok := a.transport.Bid(b.self()); got.Hybrid != tc.want || !ok {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

func TestBidIsOfAnAddressThatWeDial(t *testing.T) {
	for name, tc := range map[string]struct {
		ours, theirs string
		private      bool
		want         transport.Bid
		ok           bool
	}{
		"IPv4":                 {"0.0.0.0:1", "11.0.0.2:2", false, transport.Bid{Cost: costPublished, Path: transport.Direct}, true},
		"IPv6 costs more":      {"[::]:1", "[2600::1]:2", false, transport.Bid{Cost: costPublished + 1, Path: transport.Direct, IPv6: true}, true},
		"IPv6 from IPv4":       {"0.0.0.0:1", "[2600::1]:2", false, transport.Bid{}, false},
		"private, not allowed": {"0.0.0.0:1", "10.0.0.2:2", false, transport.Bid{}, false},
	} {
		p := new(pipes)
		a := newRouter(t, func(c *Config, d *Deps) {
			p.on(tc.ours)(c, d)
			c.AllowPrivate = tc.private
		})
		b := newRouter(t, func(c *Config, d *Deps) { p.on(tc.theirs)(c, d) })
		ri := b.self()
		if got, ok := a.transport.Bid(ri); got != tc.want || ok != tc.ok || ok != a.transport.Reachable(ri) {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
