package ssu2

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/simnet"
)

func TestAddressesFollowThePublication(t *testing.T) {
	n := simnet.NewInternet(1)
	h := n.Host("h", netip.MustParseAddr("11.0.0.1"), netip.MustParseAddr("2600::1"))
	r := newRouter(t, func(c *Config, d *Deps) {
		on(h, "0.0.0.0:9000")(c, d)
		c.Listen = append(c.Listen, netip.MustParseAddrPort("[2600::1]:9000"))
		c.MTU = 1400
		c.PostQuantum = []byte{4, 3}
	})
	v4 := netip.MustParseAddrPort("11.0.0.1:0")
	for name, tc := range map[string]struct {
		p    Publication
		want []map[string]string
	}{
		"automatic: the bound address that says something": {Publication{}, []map[string]string{
			{"host": "2600::1", "port": "9000", "caps": "BC"}, {"caps": "4"},
		}},
		"direct with the bound port": {Publication{V4: Family{Presence: Direct, At: v4}}, []map[string]string{
			{"host": "11.0.0.1", "port": "9000", "caps": "BC"}, {"host": "2600::1", "port": "9000", "caps": "BC"},
		}},
		"direct, nobody knows where": {Publication{V4: Family{Presence: Direct}, V6: Family{Presence: Direct}}, []map[string]string{{"caps": "46"}}},
		"firewalled without introducers": {Publication{V4: Family{Presence: Firewalled}, V6: Family{Presence: Firewalled}},
			[]map[string]string{{"caps": "46"}}},
		"hidden":    {Publication{V4: Family{Presence: Hidden}, V6: Family{Presence: Hidden}}, []map[string]string{{"caps": "46"}}},
		"IPv6 only": {Publication{V4: Family{Presence: Absent}}, []map[string]string{{"host": "2600::1", "port": "9000", "caps": "BC"}}},
	} {
		r.transport.Publish(tc.p)
		got := r.transport.Addresses()
		if len(got) != len(tc.want) {
			t.Errorf("%s: %d addresses", name, len(got))
			continue
		}
		for i, want := range tc.want {
			s := r.transport.cfg.StaticKey.Public()
			want["v"], want["mtu"], want["pq"] = "2", "1400", "4,3"
			want["s"], want["i"] = i2p.EncodeBase64(s[:]), i2p.EncodeBase64(r.transport.cfg.IntroKey[:])
			have := map[string]string{}
			for k, v := range got[i].Options.All() {
				have[k] = v
			}
			if got[i].Style != "SSU2" || len(have) != len(want) {
				t.Errorf("%s: %v", name, have)
			}
			for k, v := range want {
				if have[k] != v {
					t.Errorf("%s: %s is %q, not %q", name, k, have[k], v)
				}
			}
			to, ok := parseTarget(got[i])
			if !ok || to.mtu != 1400 || len(to.variants) != 2 || to.variants[0] != wire.MLKEM768 {
				t.Errorf("%s: read back as %+v", name, to)
			}
		}
	}
}

func TestBidsAndReachability(t *testing.T) {
	n := simnet.NewInternet(1)
	public := func(c *Config, _ *Deps) { c.AllowPrivate = false }
	a := newRouter(t, func(c *Config, d *Deps) {
		on(n.Host("a", netip.MustParseAddr("11.0.0.1")), "11.0.0.1:9000")(c, d)
		public(c, d)
	})
	b := newRouter(t, on(n.Host("b", netip.MustParseAddr("11.0.0.2")), "11.0.0.2:9000"))
	private := newRouter(t, on(n.Host("c", netip.MustParseAddr("10.0.0.2")), "10.0.0.2:9000"))
	six := newRouter(t, on(n.Host("d", netip.MustParseAddr("2600::2")), "[2600::2]:9000"))
	if bid, ok := a.transport.Bid(b.self()); !ok || bid != (transport.Bid{Cost: costPublished, Path: transport.Direct}) || !a.transport.Reachable(b.self()) {
		t.Errorf("bid %+v, %v", bid, ok)
	}
	service := newRouter(t, on(n.Host("e", netip.MustParseAddr("11.0.0.3")), "11.0.0.3:5353"))
	for name, r := range map[string]*router{"private": private, "IPv6": six, "the port of a service": service} {
		if _, ok := a.transport.Bid(r.self()); ok || a.transport.Reachable(r.self()) {
			t.Errorf("%s is reachable", name)
		}
	}
	b.transport.Publish(Publication{V4: Family{Presence: Hidden}})
	b.sign(nil)
	if _, ok := a.transport.Bid(b.self()); ok || a.transport.Reachable(b.self()) {
		t.Error("a hidden router is reachable")
	}
}

func TestHybridHandshakes(t *testing.T) {
	for name, tc := range map[string]struct {
		ours, theirs []byte
		mtu          int
		narrow       bool
		want         string
	}{
		"best of both":                 {[]byte{4, 3}, []byte{3, 4}, 1500, false, "X25519+ML-KEM-768"},
		"the one that both have":       {[]byte{4, 3}, []byte{3}, 1500, false, "X25519+ML-KEM-512"},
		"none of the peer's":           {[]byte{4}, []byte{3}, 1500, false, "X25519"},
		"peer has none":                {[]byte{4, 3}, nil, 1500, false, "X25519"},
		"we have none":                 {nil, []byte{4, 3}, 1500, false, "X25519"},
		"768 does not fit our MTU":     {[]byte{4, 3}, []byte{4, 3}, 1300, false, "X25519+ML-KEM-512"},
		"768 is lost on a narrow path": {[]byte{4}, []byte{4}, 1500, true, "X25519"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(1)
				path := lossy(0)
				if tc.narrow {
					path.MTU, path.BlackHole = 1280, true
				}
				a, _ := newHost(t, n, 1, path, func(c *Config, _ *Deps) { c.PostQuantum, c.MTU = tc.ours, tc.mtu })
				b, _ := newHost(t, n, 2, lossy(0), func(c *Config, _ *Deps) { c.PostQuantum = tc.theirs })
				a.serve()
				b.serve()
				ours, theirs := a.dial(b)
				if got := ours.Status().Crypto; got != tc.want || theirs.Status().Crypto != tc.want {
					t.Errorf("%s, %s", got, theirs.Status().Crypto)
				}
				transfer(t, ours, b, 10, 9000, nil)
				transfer(t, theirs, a, 10, 9000, nil)
			})
		})
	}
}

func TestIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		ha, hb := n.Host("a", netip.MustParseAddr("2600::1")), n.Host("b", netip.MustParseAddr("2600:1::1"))
		ha.SetPath(lossy(0.05), simnet.Path{})
		a := newRouter(t, on(ha, "[2600::1]:9000"))
		b := newRouter(t, on(hb, "[2600:1::1]:9000"))
		a.serve()
		b.serve()
		ours, theirs := a.dial(b)
		transfer(t, ours, b, 50, 30000, nil)
		transfer(t, theirs, a, 50, 30000, nil)
	})
}

// limiter allows so many bytes a second.
type slowLimiter struct{ rate int }

func (l slowLimiter) WaitIn(context.Context, int) error { return nil }
func (l slowLimiter) WaitOut(_ context.Context, n int) error {
	time.Sleep(time.Duration(n) * time.Second / time.Duration(l.rate))
	return nil
}

func TestBandwidthIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, simnet.Path{Link: simnet.Link{Delay: 20 * time.Millisecond}}, func(c *Config, _ *Deps) { c.Limiter = slowLimiter{100 << 10} })
		b, _ := newHost(t, n, 2, simnet.Path{Link: simnet.Link{Delay: 20 * time.Millisecond}}, nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		start := time.Now()
		var size int
		for i := range 100 {
			m := message(uint32(i+1), 10000, 1)
			size += m.Len()
			for ours.Status().Queued > 20 {
				time.Sleep(time.Millisecond)
			}
			ours.Send([]*buf.Buf{m})
		}
		for range 100 {
			receiveWithin(t, b.messages, time.Minute)
		}
		if rate := float64(size) / time.Since(start).Seconds() / (100 << 10); rate > 1.02 || rate < 0.7 {
			t.Errorf("%.2f of the limit", rate)
		}
	})
}

// [::] alone is for both IP versions, unless IPv4 is off.
func TestIPv4ThatIsOff(t *testing.T) {
	v4, v6 := netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2600::1")
	for _, off := range []bool{false, true} {
		n := simnet.NewInternet(1)
		h := n.Host("h", netip.MustParseAddr("2600::5"))
		r := newRouter(t, func(c *Config, d *Deps) {
			on(h, "[::]:9000")(c, d)
			c.NoIPv4 = off
		})
		if r.transport.mayDial(v4) == off || !r.transport.mayDial(v6) {
			t.Errorf("IPv4 off %v: IPv4 %v, IPv6 %v", off, r.transport.mayDial(v4), r.transport.mayDial(v6))
		}
	}
}

func TestBidSaysWhetherTheHandshakeIsHybrid(t *testing.T) {
	for name, tc := range map[string]struct {
		ours, theirs []byte
		mtu          int
		want         bool
	}{
		"both": {[]byte{4, 3}, []byte{3}, 1500, true}, "they alone": {nil, []byte{4}, 1500, false}, "we alone": {[]byte{4}, nil, 1500, false},
		"too long for the path": {[]byte{4}, []byte{4}, 1280, false}, "short enough for it": {[]byte{4, 3}, []byte{4, 3}, 1280, true},
	} {
		a := newRouter(t, func(c *Config, _ *Deps) { c.PostQuantum = tc.ours })
		b := newRouter(t, func(c *Config, _ *Deps) { c.PostQuantum, c.MTU = tc.theirs, tc.mtu })
		if got, ok := a.transport.Bid(b.self()); got.Hybrid != tc.want || !ok {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
