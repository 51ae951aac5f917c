package ssu2

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/tests/simnet"
)

func TestRouterInfoOfInboundPeersIsChecked(t *testing.T) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	static, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	public, intro, now := static.Public(), NewIntroKey(), time.Now()
	address := func(options map[string]string) i2p.RouterAddress {
		options["v"], options["s"], options["i"] = "2", i2p.EncodeBase64(public[:]), i2p.EncodeBase64(intro[:])
		a, err := i2p.NewRouterAddress(8, "SSU2", options)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	v4, v6 := map[string]string{"host": "11.0.0.1", "port": "9000"}, map[string]string{"host": "2600:1:2:3::1", "port": "9000"}
	for name, tc := range map[string]struct {
		addresses []map[string]string
		static    keys.X25519Public
		from      string
		network   string
		age       time.Duration
		strict    bool
		want      transport.Reason // ReasonNormal: taken
	}{
		"published host":              {[]map[string]string{v4}, public, "11.0.0.1", "2", 0, true, 0},
		"another host":                {[]map[string]string{v4}, public, "11.0.0.2", "2", 0, true, transport.ReasonBanned},
		"another host, private":       {[]map[string]string{v4}, public, "11.0.0.2", "2", 0, false, 0},
		"another host of the same 64": {[]map[string]string{v6}, public, "2600:1:2:3::9", "2", 0, true, 0},
		"another 64":                  {[]map[string]string{v6}, public, "2600:1:2:4::1", "2", 0, true, transport.ReasonBanned},
		"host of another IP version":  {[]map[string]string{v4}, public, "2600:1:2:4::1", "2", 0, true, 0},
		"no host":                     {[]map[string]string{{"caps": "4"}}, public, "11.0.0.2", "2", 0, true, 0},
		"one of two hosts":            {[]map[string]string{v4, {"host": "11.0.0.2", "port": "1"}}, public, "11.0.0.2", "2", 0, true, 0},
		"another static key":          {[]map[string]string{v4}, other.Public(), "11.0.0.1", "2", 0, true, transport.ReasonStaticKey},
		"no address":                  {nil, public, "11.0.0.1", "2", 0, true, transport.ReasonStaticKey},
		"another network":             {[]map[string]string{v4}, public, "11.0.0.1", "3", 0, true, transport.ReasonOptions},
		"too old":                     {[]map[string]string{v4}, public, "11.0.0.1", "2", maxRouterInfoAge + time.Minute, true, transport.ReasonConfirmed},
		"of the future":               {[]map[string]string{v4}, public, "11.0.0.1", "2", -maxRouterInfoFuture - time.Minute, true, transport.ReasonConfirmed},
	} {
		var addresses []i2p.RouterAddress
		for _, options := range tc.addresses {
			addresses = append(addresses, address(options))
		}
		ri, err := i2p.NewRouterInfo(k, now.Add(-tc.age), addresses, map[string]string{"netId": tc.network, "router.version": "0.9.66"})
		if err != nil {
			t.Fatal(err)
		}
		remote, no := checkPeer(ri, tc.static, netip.MustParseAddr(tc.from), 2, tc.strict, now)
		switch {
		case tc.want == transport.ReasonNormal && (no != nil || remote.intro != intro):
			t.Errorf("%s: %v", name, no)
		case tc.want != transport.ReasonNormal && (no == nil || no.reason != tc.want):
			t.Errorf("%s: %v, want reason %d", name, no, tc.want)
		case no != nil && tc.want != transport.ReasonStaticKey && remote.intro != intro:
			t.Errorf("%s: no key to answer with", name)
		}
	}
	// A signature that is not the router's.
	ri, err := i2p.NewRouterInfo(k, now, []i2p.RouterAddress{address(map[string]string{})}, map[string]string{"netId": "2"})
	if err != nil {
		t.Fatal(err)
	}
	b := append([]byte(nil), ri.Bytes()...)
	b[len(b)-1] ^= 1
	forged, _, err := i2p.ParseRouterInfo(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, no := checkPeer(forged, public, netip.MustParseAddr("11.0.0.1"), 2, true, now); no == nil || no.reason != transport.ReasonRISign {
		t.Errorf("forged: %v", no)
	}
}

func TestTableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		b, _ := newHost(t, n, 1, lossy(0), func(c *Config, _ *Deps) { c.MaxSessions = 3 })
		b.serve()
		refused := 0
		for i := range 5 {
			a, _ := newHost(t, n, 10+i, lossy(0), func(c *Config, _ *Deps) { c.HandshakeTimeout = 3 * time.Second })
			a.serve()
			if _, err := a.transport.Dial(t.Context(), b.self()); errors.Is(err, errTimeout) {
				refused++
			}
			time.Sleep(time.Second)
		}
		if got := b.running().table.count(); got != 3 || refused != 2 {
			t.Errorf("%d sessions, %d refused", got, refused)
		}
		c, _ := newHost(t, n, 99, lossy(0), nil)
		if _, err := b.transport.Dial(t.Context(), c.self()); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("dial of a full transport: %v", err)
		}
	})
}

func TestDialRefusesWhatCannotBe(t *testing.T) {
	a := newRouter(t, nil)
	a.serve()
	if _, err := a.transport.Dial(t.Context(), a.self()); !errors.Is(err, transport.ErrSelf) {
		t.Errorf("ourselves: %v", err)
	}
	b := newRouter(t, func(c *Config, _ *Deps) { c.NetworkID = testNetwork + 1 })
	if _, err := a.transport.Dial(t.Context(), b.self()); !errors.Is(err, errNetwork) || a.transport.Reachable(b.self()) {
		t.Errorf("another network: %v", err)
	}
	c := newRouter(t, nil)
	c.transport.Publish(Publication{V4: Family{Presence: Hidden}})
	c.sign(nil)
	if _, err := a.transport.Dial(t.Context(), c.self()); !errors.Is(err, transport.ErrNoAddress) {
		t.Errorf("hidden: %v", err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	good := func() Config {
		return Config{
			Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, NetworkID: 5, Self: func() *i2p.RouterInfo { return nil },
		}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no address":         func(c *Config) { c.Listen = nil },
		"address without IP": func(c *Config) { c.Listen = []netip.AddrPort{{}} },
		"network":            func(c *Config) { c.NetworkID = 256 },
		"private on 2":       func(c *Config) { c.NetworkID, c.AllowPrivate = 2, true },
		"no RouterInfo":      func(c *Config) { c.Self = nil },
		"MTU":                func(c *Config) { c.MTU = 1279 },
		"hybrid of NTCP2":    func(c *Config) { c.PostQuantum = []byte{5} },
		"negative":           func(c *Config) { c.MaxSessions = -1 },
	} {
		c := good()
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
