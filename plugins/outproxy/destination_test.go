package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestParseDestination(t *testing.T) {
	for s, want := range map[string]string{
		"example.org": "example.org:80", "Example.ORG.": "example.org:80", "example.org:443": "example.org:443", "xn--bcher-kva.example:8080": "xn--bcher-kva.example:8080",
		"93.184.216.34": "93.184.216.34:80", "[2606:2800:220:1:248:1893:25c8:1946]:443": "[2606:2800:220:1:248:1893:25c8:1946]:443", "[2606:2800::1]": "[2606:2800::1]:80",
		"a_b.example.org": "a_b.example.org:80", "1.example": "1.example:80", "127.0.0.1.example.org": "127.0.0.1.example.org:80",
	} {
		if d, bad := parseDestination(s, 80); bad != nil || d.String() != want {
			t.Errorf("%q: %v %v, want %s", s, d, bad, want)
		}
	}
	for s, want := range map[string]string{
		"127.0.0.1": errProhibited, "127.0.0.1:80": errProhibited, "127.1": errProhibited, "2130706433": errProhibited, "0x7f000001": errProhibited, "0x7f.1": errProhibited,
		"0177.0.0.1": errProhibited, "017700000001": errProhibited, "127.0.0.1.": errProhibited, "127.0.0.0x1": errProhibited, "0": errProhibited, "0x": errProhibited,
		"010.8.8.8": errProhibited, "8.8.8": errProhibited, "8.8.8.8.8": errProhibited, "256.8.8.8": errProhibited,
		"169.254.169.254": errProhibited, "10.0.0.1": errProhibited, "172.16.0.1": errProhibited, "192.168.1.1": errProhibited, "100.64.0.1": errProhibited,
		"0.0.0.0": errProhibited, "255.255.255.255": errProhibited, "224.0.0.1": errProhibited, "198.18.0.1": errProhibited,
		"[::1]": errProhibited, "[::1]:80": errProhibited, "[::]": errProhibited, "[fe80::1]": errProhibited, "[fe80::1%25eth0]": errProhibited, "[fd00::1]": errProhibited,
		"[::ffff:127.0.0.1]": errProhibited, "[::ffff:10.0.0.1]:80": errProhibited, "[::127.0.0.1]": errProhibited, "[64:ff9b::7f00:1]": errProhibited,
		"[2002:7f00:1::]": errProhibited, "[2001::1]": errProhibited, "[2001:db8::1]": errProhibited, "[fd00:ec2::254]": errProhibited,
		"localhost": errProhibited, "LOCALHOST.": errProhibited, "a.localhost": errProhibited, "router": errProhibited, "router.lan": errProhibited, "metadata.google.internal": errProhibited,
		"printer.local": errProhibited, "box.home.arpa": errProhibited, "site.i2p": errProhibited, "site.onion": errProhibited, "1.0.0.127.in-addr.arpa": errProhibited,
		"": errDenied, ":80": errDenied, "a..b": errDenied, ".example.org": errDenied, "-a.example": errDenied, "a b.example": errDenied, "user@example.org": errDenied, "example.org:": errDenied,
		"example.org:0": errDenied, "example.org:080": errDenied, "example.org:65536": errDenied, "example.org:+80": errDenied, "[example.org]": errDenied, "[example.org]:80": errDenied,
		"::1": errDenied, "127。0。0。1": errDenied, "１２７.0.0.1": errDenied, "bücher.example": errDenied, "a%2e.example": errDenied, "a\x00.example": errDenied,
		strings.Repeat("a", 64) + ".example": errDenied, strings.Repeat("a.", 130) + "example": errDenied,
	} {
		if d, bad := parseDestination(s, 80); bad == nil || bad.err != want && !(want == errDenied && bad.err == errProhibited) {
			t.Errorf("%q: %v %v, want %s", s, d, bad, want)
		}
	}
	if _, bad := parseDestination("example.org", 0); bad == nil {
		t.Error("CONNECT without a port is taken")
	}
}

func FuzzParseDestination(f *testing.F) {
	for _, s := range []string{"example.org:443", "127.0.0.1", "[::1]:80", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "a.b.c.", "127。0。0。1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, bad := parseDestination(s, 80)
		if bad != nil {
			return
		}
		// What comes out is one address or one name, to everybody who reads it.
		host, port, err := net.SplitHostPort(d.String())
		if err != nil || host != d.host || port == "0" || strings.ToLower(host) != host {
			t.Fatalf("%q -> %q: %v", s, d, err)
		}
		again, bad := parseDestination(d.String(), 1)
		if bad != nil || again != d {
			t.Fatalf("%q -> %v -> %v %v", s, d, again, bad)
		}
		if a, err := netip.ParseAddr(host); err == nil {
			if !public(a) || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() {
				t.Fatalf("%q -> %v", s, a)
			}
			return
		}
		last := host[strings.LastIndexByte(host, '.')+1:]
		if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" || !strings.Contains(host, ".") {
			t.Fatalf("%q -> %q, which some resolvers read as an address", s, host)
		}
	})
}

func TestRules(t *testing.T) {
	r, err := newRules([]string{"443", "8000-8002"}, []string{"*.allowed.example", "93.184.216.34"}, []string{"bad.allowed.example."})
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{
		"allowed.example:443": true, "www.allowed.example:8001": true, "93.184.216.34:443": true, "notallowed.example:443": false, "other.example:443": false,
		"allowed.example:80": false, "bad.allowed.example:443": false, "x.bad.allowed.example:443": false, "allowed.example:8003": false,
	} {
		d, bad := parseDestination(s, 80)
		if bad != nil {
			t.Fatal(s, bad)
		}
		if got := r.check(d) == nil; got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
	if r, err = newRules(nil, nil, nil); err != nil || r.check(destination{"a.example", 80}) != nil || r.check(destination{"a.example", 443}) != nil || r.check(destination{"a.example", 25}) == nil {
		t.Error("the default ports are not 80 and 443")
	}
	for _, p := range []string{"", "0", "70000", "5-4", "x", "-1"} {
		if _, err := newRules([]string{p}, nil, nil); err == nil {
			t.Errorf("port %q", p)
		}
	}
	if _, err := newRules(nil, nil, []string{"a b"}); err == nil {
		t.Error("a domain with a space")
	}
}
