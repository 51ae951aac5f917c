package transport

import (
	"net/netip"
	"testing"
	"time"
)

// Identities cost nothing, addresses do: one address may not take the session table of a router.
func TestGateBoundsTheSessionsOfOneSource(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, ip := range []struct{ from, same, other string }{
		{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"},
		{"2001:db8:1:2::1", "2001:db8:1:ffff::1", "2001:db8:2::1"},
	} {
		g := NewGate(100, 4, false)
		from, same, other := netip.MustParseAddr(ip.from), netip.MustParseAddr(ip.same), netip.MustParseAddr(ip.other)
		for range maxSessionsPerSource {
			if !g.Enter(from, now) {
				t.Fatal("refused below the bound")
			}
			g.Leave(from)
			g.Opened(from)
		}
		if g.Enter(same, now) {
			t.Errorf("%s may have any number of sessions", from)
		}
		if !g.Enter(other, now) {
			t.Errorf("%s is refused for the sessions of %s", other, from)
		}
		g.Closed(from)
		if !g.Enter(same, now) {
			t.Errorf("%s is refused although a session closed", same)
		}
		for range maxSessionsPerSource - 1 {
			g.Closed(from)
		}
		if len(g.sessions) != 0 {
			t.Errorf("left %v", g.sessions)
		}
	}
}

func TestGateBoundsTheHandshakesOfOneSource(t *testing.T) {
	g, from, now := NewGate(100, 4, false), netip.MustParseAddr("192.0.2.1"), time.Unix(1e9, 0)
	for range maxAttemptsPerSource {
		if !g.Enter(from, now) {
			t.Fatal("refused below the bound")
		}
		g.Leave(from)
	}
	if g.Enter(from, now.Add(attemptWindow-1)) {
		t.Fatal("any number of handshakes")
	}
	if !g.Enter(from, now.Add(attemptWindow)) {
		t.Fatal("handshakes are never forgotten")
	}
}

func TestGate(t *testing.T) {
	now := time.Unix(1e9, 0)
	ip := netip.MustParseAddr
	g := NewGate(32, 2, false)
	if !g.Enter(ip("192.0.2.1"), now) || !g.Enter(ip("::ffff:192.0.2.1"), now) || g.Enter(ip("192.0.2.1"), now) {
		t.Fatal("limit by address")
	}
	for i := range byte(30) {
		if !g.Enter(netip.AddrFrom4([4]byte{11, i}), now) {
			t.Fatal("refused below the limit in total")
		}
	}
	if g.Enter(ip("203.0.113.3"), now) {
		t.Fatal("limit in total")
	}
	g.Leave(ip("192.0.2.1"))
	for i := range byte(30) {
		g.Leave(netip.AddrFrom4([4]byte{11, i}))
	}
	g.Leave(ip("192.0.2.1"))
	if len(g.pending)+len(g.networks)+len(g.regions) != 0 || g.total != 0 {
		t.Fatalf("left %v", g.pending)
	}
	for range maxFailuresPerSource {
		g.Failed(ip("2001:db8::1"), now)
	}
	if g.Enter(ip("2001:db8::2"), now.Add(attemptWindow-1)) {
		t.Fatal("a source that keeps failing may enter")
	}
	if !g.Enter(ip("2001:db8::2"), now.Add(attemptWindow)) {
		t.Fatal("failures are never forgotten")
	}
	for i := range 3 * maxAttemptEntries {
		g.Failed(netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(g.recent) > maxAttemptEntries {
		t.Fatalf("%d sources kept", len(g.recent))
	}
	open := NewGate(100, 1, true)
	for range 50 {
		if !open.Enter(ip("127.0.0.1"), now) {
			t.Fatal("private network with limits by source")
		}
	}
}

// A customer of a provider has 65,536 of these /64: together they are one.
func TestGateLeavesPlacesForOtherNetworks(t *testing.T) {
	for _, from := range []func(i int) netip.Addr{
		func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(i >> 8), byte(i), 15: 1})
		},
		func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) },
	} {
		g, now, entered := NewGate(512, 4, false), time.Unix(1e9, 0), 0
		for i := range 1000 {
			if g.Enter(from(i), now) {
				entered++
			}
		}
		if entered != 57 { // 512/(networkShare+1)
			t.Errorf("%d handshakes of one network at once", entered)
		}
		if !g.Enter(netip.MustParseAddr("2001:db8:2::1"), now) {
			t.Error("another network is refused")
		}
		for range entered {
			g.Leave(from(0))
		}
		if !g.Enter(from(0), now) {
			t.Error("refused although all have left")
		}
	}
}

// Nor do all networks of one region, or of many regions, take all places.
func TestGateLeavesPlacesForOtherRegions(t *testing.T) {
	for name, from := range map[string]func(i int) netip.Addr{
		"8 of /48": func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x26, 0, 0, 0, 0, byte(i % 8), byte(i >> 8), byte(i), 15: 1})
		},
		"/48s of one /32": func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x26, 0, 0, 0, byte(i >> 8), byte(i), 15: 1}) },
		"/48s of 16 /32": func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x26, 0, 0, byte(i % 16), byte(i >> 8), byte(i), 15: 1})
		},
		"/24s of 16 /16":   func(i int) netip.Addr { return netip.AddrFrom4([4]byte{12, byte(i % 16), byte(i >> 4), 1}) },
		"one /24 of 64 /8": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{64 + byte(i%64), 1, 1, byte(i >> 6)}) },
	} {
		g, now, entered := NewGate(512, 8, false), time.Unix(1e9, 0), 0
		for i := range 1 << 12 {
			if g.Enter(from(i), now) {
				entered++
			}
		}
		for i := range byte(10) {
			if !g.Enter(netip.AddrFrom4([4]byte{11, i, 1, 1}), now) {
				t.Errorf("%s: after %d of them others are refused", name, entered)
				break
			}
		}
	}
}
