package proxies_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"clove.i2p/proxies"
)

var hash = strings.Repeat("a2", 26)

func TestParseHost(t *testing.T) {
	destination := strings.Repeat("Aa0-~", 103) + "="
	for _, tt := range []struct{ in, want string }{
		{"example.i2p", ""},
		{"EXAMPLE.I2P", "example.i2p"},
		{"a.b-c.1.i2p", ""},
		{"xn--bcher-kva.i2p", ""},
		{"xn--a--b.i2p", ""},
		{strings.Repeat("a", 63) + ".i2p", ""},
		{hash + ".b32.i2p", ""},
		{strings.ToUpper(hash) + ".B32.i2p", hash + ".b32.i2p"},
		{hash + "2345.b32.i2p", ""},
		{destination, ""},
	} {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if got, err := proxies.ParseHost(tt.in); got != want || err != nil {
			t.Errorf("%.70q: got %.70q, %v", tt.in, got, err)
		}
	}
	for _, bad := range []string{
		"", ".", "i2p.", ".i2p", "a.i2p.", "a..i2p", "-a.i2p", "a-.i2p", "a--b.i2p", "a_b.i2p", "a b.i2p", " a.i2p",
		"a.i2p ", "a\x00.i2p", "a.i2p\r\nX: y", "a.i2p\n", "a\t.i2p", "\x7f.i2p", "ä.i2p", "a\u3002i2p", "a\u212a.i2p", "\u0130.i2p",
		"u@a.i2p", "a.i2p:80", "a.i2p/", "a.i2p?", "a.i2p#", "a%2e.i2p", "[a.i2p]", "[a.i2p", "a\\.i2p", "*.i2p", "<b>.i2p",
		strings.Repeat("a", 64) + ".i2p", strings.Repeat("a.", 32) + ".i2p", strings.Repeat("a.", 40) + "i2p",
		"b32.i2p.b32.i2p", hash[:51] + ".b32.i2p", hash + "2.b32.i2p", hash[:51] + "1.b32.i2p", "x." + hash + ".b32.i2p",
		strings.Repeat("a", 515), strings.Repeat("a", 1025), strings.Repeat("+", 516), strings.Repeat("\x10", 516),
		"[::1", "::1]", "[]", "[::1]:80",
	} {
		if got, err := proxies.ParseHost(bad); !errors.Is(err, proxies.ErrBadHost) || got != "" {
			t.Errorf("%.70q: got %.70q, %v", bad, got, err)
		}
	}
	for why, hosts := range map[proxies.Refusal][]string{
		proxies.NotI2P: {
			"clear.example", "example.i2p.clear.example", "r3---sn-a.clear.example", "_x.a_b.example", "local.example",
			strings.Repeat("a.", 120) + "example",
		},
		proxies.PrivateName: {
			"i2p", "intranet", "b32", "example", "printer.local", "a.b.internal", "home.arpa", "nas.HOME.arpa", "router.lan",
			"fritz.home", "x.corp", "wiki.intranet", "x.private",
		},
		proxies.OtherNetwork: {"example.onion", "x.EXIT", "name.alt"},
		proxies.LocalHost: {
			"localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0x",
			"10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "[::1]", "[::]",
			"localhost.localdomain", "a.localdomain", "0.1.2.3", "100.64.0.1", "100.127.255.255", "172.31.0.1", "192.0.0.8",
			"198.18.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "0177.0.0.1", "017700000001", "0x7f.0.0.1", "127.0.1",
			"10.1", "1.2.3.4.0x5", "08.8.8.8", "::127.0.0.1", "[::ffff:10.0.0.1]", "64:ff9b::7f00:1", "64:ff9b:1::1",
			"2002:7f00:1::", "2001:0:7f00::1", "2001::1", "fec0::1", "fc00::1", "ff02::1", "100::1", "[::ffff:169.254.169.254]",
			"[2a00::1%1]", "[::ffff:10.0.0.1%eth0]", "fe80::1", "[fe80::1%eth0]", "fd00::1", "[::ffff:127.0.0.1]", "1.2.3.4.5",
		},
		proxies.IPv4Address: {"9.9.9.9", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1", "[::ffff:9.9.9.9]", "[9.9.9.9]"},
		proxies.IPv6Address: {"2a00::1", "2001:200::1", "2001:db8::1", "[2001:db8::1]"},
	} {
		for _, host := range hosts {
			got, err := proxies.ParseHost(host)
			var refused *proxies.RefusedError
			if !errors.As(err, &refused) || refused.Why != why || !errors.Is(err, proxies.ErrRefused) || got != "" {
				t.Errorf("%q: got %q, %v; want %v", host, got, err, why)
			}
		}
	}
}

func TestSplitHostPort(t *testing.T) {
	for in, want := range map[string]struct {
		host string
		port int
	}{
		"a.i2p": {"a.i2p", 80}, "a.i2p:1": {"a.i2p", 1}, "a.i2p:65535": {"a.i2p", 65535}, "[::1]:7": {"[::1]", 7}, "[::1]": {"[::1]", 80},
	} {
		if host, port, err := proxies.SplitHostPort(in, 80); host != want.host || port != want.port || err != nil {
			t.Errorf("%q: %q %d %v", in, host, port, err)
		}
	}
	for _, bad := range []string{"a:", "a:0", "a:65536", "a:+1", "a:-1", "a: 1", "a:1 ", "a:x", "a:80:"} {
		if _, _, err := proxies.SplitHostPort(bad, 80); !errors.Is(err, proxies.ErrBadHost) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := proxies.SplitHostPort("a", 0); !errors.Is(err, proxies.ErrBadHost) {
		t.Errorf("missing port: %v", err)
	}
}

func FuzzParseAnyHost(f *testing.F) {
	for _, s := range []string{
		"a.i2p", "x.example", "X_y.a--b.example", "9.9.9.9", "[2a00::1]", "::ffff:9.9.9.9", "127.1", "x.onion", "0x7f.1",
		strings.Repeat("A", 516),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, network, err := proxies.ParseAnyHost(s)
		if err != nil {
			var refused *proxies.RefusedError
			if host != "" || errors.As(err, &refused) && !refused.Why.Always() || refused == nil && !errors.Is(err, proxies.ErrBadHost) {
				t.Fatalf("%q, %v", host, err)
			}
			return
		}
		if again, n, err := proxies.ParseAnyHost(host); again != host || n != network || err != nil {
			t.Fatalf("%q is parsed to %q, %v, %v", host, again, n, err)
		}
		strict, err := proxies.ParseHost(s)
		if (network == proxies.I2P) != (err == nil && strict == host) {
			t.Fatalf("%q is %v, ParseHost says %q, %v", s, network, strict, err)
		}
		if a, err := netip.ParseAddr(host); err == nil && (network != proxies.Clearnet || a.IsPrivate() || a.IsLoopback() ||
			a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || a.Zone() != "") {
			t.Fatalf("address %q", host)
		}
		if network == proxies.Clearnet && (strings.HasSuffix(host, ".i2p") || len(host) > 253 ||
			strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.ContainsAny(host, "@/?#[]%<>\"'\\")) {
			t.Fatalf("%q", host)
		}
	})
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{
		"a.i2p", "A.b-c.i2p", hash + ".b32.i2p", strings.Repeat("A", 516), "127.0.0.1", "[::1]", "xn--a.i2p", "a\x00.i2p", "x.example",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, err := proxies.ParseHost(s)
		if err != nil {
			if host != "" || proxies.Classify(err) != proxies.ReasonBadRequest && proxies.Classify(err) != proxies.ReasonRefused {
				t.Fatalf("%q, %v", host, err)
			}
			return
		}
		if again, err := proxies.ParseHost(host); again != host || err != nil {
			t.Fatalf("%q is parsed to %q, %v", host, again, err)
		}
		if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.ContainsAny(host, "@:/?#[]%<>\"'\\") {
			t.Fatalf("%q", host)
		}
		if _, err := netip.ParseAddr(host); err == nil {
			t.Fatalf("address %q", host)
		}
		if strings.HasSuffix(host, ".i2p") {
			if len(host) > 72 || host != strings.ToLower(host) || len(s) != len(host) || !strings.EqualFold(host, s) {
				t.Fatalf("%q from %q", host, s)
			}
		} else if len(host) < 516 {
			t.Fatalf("%q is neither a name nor a destination", host)
		}
	})
}
