package transport_test

import (
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func TestCheapestBid(t *testing.T) {
	type address struct {
		cost    uint8
		options map[string]string
	}
	v4 := address{3, map[string]string{"host": "11.0.0.1", "port": "1"}}
	v6 := address{3, map[string]string{"host": "2600::1", "port": "1"}}
	introduced := address{8, map[string]string{"caps": "4", "ih0": "x"}}
	for name, tc := range map[string]struct {
		addresses  []address
		ipv4, ipv6 bool
		want       transport.Bid
		ok         bool
	}{
		"none":                   {nil, true, true, transport.Bid{}, false},
		"direct":                 {[]address{v4}, true, true, transport.Bid{Cost: 3, Path: transport.Direct}, true},
		"IPv6 costs more":        {[]address{v6}, true, true, transport.Bid{Cost: 4, Path: transport.Direct, IPv6: true}, true},
		"the cheaper of two":     {[]address{v6, v4}, true, true, transport.Bid{Cost: 3, Path: transport.Direct}, true},
		"what we have":           {[]address{v4, v6}, false, true, transport.Bid{Cost: 4, Path: transport.Direct, IPv6: true}, true},
		"not what we have":       {[]address{v6}, true, false, transport.Bid{}, false},
		"introduced":             {[]address{introduced}, true, true, transport.Bid{Cost: 28, Path: transport.Introduced}, true},
		"introduced or direct":   {[]address{introduced, {15, v4.options}}, true, true, transport.Bid{Cost: 15, Path: transport.Direct}, true},
		"introduced over IPv6":   {[]address{{8, map[string]string{"caps": "6", "ih2": "x"}}}, true, true, transport.Bid{Cost: 29, Path: transport.Introduced, IPv6: true}, true},
		"introduced, but not so": {[]address{{8, map[string]string{"caps": "6", "ih2": "x"}}}, true, false, transport.Bid{}, false},
		"firewalled":             {[]address{{14, map[string]string{"caps": "4"}}}, true, true, transport.Bid{}, false},
		"a name":                 {[]address{{3, map[string]string{"host": "example.org", "port": "1", "ih0": "x"}}}, true, true, transport.Bid{}, false},
		"without port":           {[]address{{3, map[string]string{"host": "11.0.0.1"}}}, true, true, transport.Bid{}, false},
		"greedy":                 {[]address{{255, v4.options}}, true, true, transport.Bid{Cost: 30, Path: transport.Direct}, true},
	} {
		k, err := i2p.NewRouterKeys()
		if err != nil {
			t.Fatal(err)
		}
		var all []i2p.RouterAddress
		for _, a := range tc.addresses {
			ra, err := i2p.NewRouterAddress(a.cost, "SSU2", a.options)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ra)
		}
		ri, err := i2p.NewRouterInfo(k, time.Now(), all, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := transport.CheapestBid(ri, func(a i2p.RouterAddress) transport.Path { return transport.PathOf(a, tc.ipv4, tc.ipv6) })
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
