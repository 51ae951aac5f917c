package ntcp2

import (
	"context"
	"net"
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	at := netip.MustParseAddrPort
	p := new(pipes)
	for name, tc := range map[string]struct {
		listen, advertise []string
		want              []string // host:port or caps
	}{
		"specific":        {[]string{"10.0.0.1:5"}, nil, []string{"10.0.0.1:5"}},
		"two":             {[]string{"10.0.0.1:5", "[fc00::1]:6"}, nil, []string{"10.0.0.1:5", "[fc00::1]:6"}},
		"unspecified":     {[]string{"0.0.0.0:5"}, nil, []string{"4"}},
		"dual":            {[]string{"[::]:5"}, nil, []string{"46"}},
		"outgoing only":   {nil, nil, []string{"46"}},
		"advertise":       {[]string{"[::]:5"}, []string{"192.0.2.1:0", "[2001:db8::1]:7"}, []string{"192.0.2.1:5", "[2001:db8::1]:7"}},
		"not listening":   {[]string{"0.0.0.0:5"}, []string{"[2001:db8::1]:0"}, []string{"4"}},
		"other advertise": {[]string{"10.0.0.1:5"}, []string{"192.0.2.1:99"}, []string{"192.0.2.1:99"}},
	} {
		r := newRouter(t, func(c *Config, d *Deps) {
			c.Listen = nil
			for _, l := range tc.listen {
				c.Listen = append(c.Listen, at(l))
			}
			for _, l := range tc.advertise {
				c.Advertise = append(c.Advertise, at(l))
			}
			d.Listen = p.listen
		})
		got := r.transport.Addresses()
		if len(got) != len(tc.want) {
			t.Errorf("%s: %d addresses", name, len(got))
			continue
		}
		for i, a := range got {
			s, ok := a.StaticKey()
			if !isNTCP2(a) || !ok || s != r.transport.cfg.StaticKey.Public() {
				t.Errorf("%s: %+v", name, a)
			}
			_, hasIV := a.IV()
			if p := a.AddrPort(); p.IsValid() && (p.String() != tc.want[i] || !hasIV) || !p.IsValid() && (a.Caps() != tc.want[i] || hasIV) {
				t.Errorf("%s: %v, want %s", name, a.Options, tc.want[i])
			}
		}
	}
}

func TestReachable(t *testing.T) {
	for name, tc := range map[string]struct {
		ours, theirs string
		private      bool
		network      int
		want         bool
	}{
		"private":               {"10.0.0.1:1", "10.0.0.2:2", true, testNetwork, true},
		"private not allowed":   {"10.0.0.1:1", "10.0.0.2:2", false, testNetwork, false},
		"public":                {"0.0.0.0:1", "11.0.0.2:2", false, testNetwork, true},
		"other network":         {"0.0.0.0:1", "11.0.0.2:2", false, testNetwork + 1, false},
		"IPv6 from IPv4":        {"10.0.0.1:1", "[2600::1]:2", true, testNetwork, false},
		"IPv6 from dual stack":  {"[::]:1", "[2600::1]:2", false, testNetwork, true},
		"documentation address": {"0.0.0.0:1", "192.0.2.1:2", false, testNetwork, false},
	} {
		p := new(pipes)
		a := newRouter(t, func(c *Config, d *Deps) {
			p.on(tc.ours)(c, d)
			c.AllowPrivate = tc.private
		})
		b := newRouter(t, func(c *Config, d *Deps) { p.on(tc.theirs)(c, d); c.NetworkID = tc.network })
		if got := a.transport.Reachable(b.self()); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// An IP version that is off is neither dialled nor taken: on [::] alone, and with no listener, as behind a proxy.
func TestIPVersionThatIsOff(t *testing.T) {
	var listened []string
	for name, tc := range map[string]struct {
		listen         string
		noIPv4, noIPv6 bool
		caps           string
	}{
		"[::] without IPv4": {listen: "[::]:5", noIPv4: true, caps: "6"},
		"proxy, no IPv4":    {noIPv4: true, caps: "6"},
		"proxy, no IPv6":    {noIPv6: true, caps: "4"},
	} {
		listened = nil
		r := newRouter(t, func(c *Config, d *Deps) {
			c.Listen, c.NoIPv4, c.NoIPv6 = nil, tc.noIPv4, tc.noIPv6
			if tc.listen != "" {
				c.Listen = []netip.AddrPort{netip.MustParseAddrPort(tc.listen)}
			}
			d.Listen = func(ctx context.Context, network string, at netip.AddrPort) (net.Listener, error) {
				listened = append(listened, network)
				return new(pipes).listen(ctx, network, at)
			}
		})
		v4 := r.transport.mayDial(netip.MustParseAddr("8.8.8.8"))
		v6 := r.transport.mayDial(netip.MustParseAddr("2600::1"))
		if v4 == tc.noIPv4 || v6 == tc.noIPv6 {
			t.Errorf("%s: dials IPv4 %v, IPv6 %v", name, v4, v6)
		}
		if got := r.transport.Addresses()[0].Caps(); got != tc.caps {
			t.Errorf("%s: publishes caps %q, want %q", name, got, tc.caps)
		}
		if tc.listen != "" && (len(listened) != 1 || listened[0] != "tcp6") {
			t.Errorf("%s: listens on %v", name, listened)
		}
	}
}
