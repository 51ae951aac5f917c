package ntcp2

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
		g := newGate(100, 4, false)
		from, same, other := netip.MustParseAddr(ip.from), netip.MustParseAddr(ip.same), netip.MustParseAddr(ip.other)
		for range maxSessionsPerIP {
			if !g.enter(from, now) {
				t.Fatal("refused below the bound")
			}
			g.leave(from)
			g.opened(from)
		}
		if g.enter(same, now) {
			t.Errorf("%s may have any number of sessions", from)
		}
		if !g.enter(other, now) {
			t.Errorf("%s is refused for the sessions of %s", other, from)
		}
		g.closed(from)
		if !g.enter(same, now) {
			t.Errorf("%s is refused although a session closed", same)
		}
		for range maxSessionsPerIP - 1 {
			g.closed(from)
		}
		if len(g.sessions) != 0 {
			t.Errorf("left %v", g.sessions)
		}
	}
}

func TestGateBoundsTheHandshakesOfOneSource(t *testing.T) {
	g, from, now := newGate(100, 4, false), netip.MustParseAddr("192.0.2.1"), time.Unix(1e9, 0)
	for range maxAttemptsPerIP {
		if !g.enter(from, now) {
			t.Fatal("refused below the bound")
		}
		g.leave(from)
	}
	if g.enter(from, now.Add(attemptWindow-1)) {
		t.Fatal("any number of handshakes")
	}
	if !g.enter(from, now.Add(attemptWindow)) {
		t.Fatal("handshakes are never forgotten")
	}
}
