package ntcp2

import (
	"testing"

	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
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

// An address without keys, or a plain one beside a hybrid one, is never tried: what it costs says nothing.
func TestBidCostsWhatDialWouldTry(t *testing.T) {
	p := new(pipes)
	sizes := []mlkem.Params{mlkem.MLKEM768}
	a := newRouter(t, func(c *Config, d *Deps) { p.on("0.0.0.0:1")(c, d); c.PostQuantum = sizes })
	b := newRouter(t, func(c *Config, d *Deps) { p.on("11.0.0.2:2")(c, d); c.PostQuantum = sizes })
	good := b.self().Addresses()[0]
	address := func(cost uint8, options ...string) i2p.RouterAddress {
		all := map[string]string{"host": "11.0.0.3", "port": "3", "v": "2"}
		for _, name := range options {
			all[name] = good.Options.Get(name)
		}
		made, err := i2p.NewRouterAddress(cost, style, all)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for name, other := range map[string]i2p.RouterAddress{"without keys": address(1), "without IV": address(1, "s"), "plain": address(1, "s", "i")} {
		ri, err := i2p.NewRouterInfo(b.keys, b.clock.Now(), []i2p.RouterAddress{other, good}, map[string]string{"netId": "99"})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.transport.Bid(ri); !ok || got.Cost != costPublished || !got.Hybrid {
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
