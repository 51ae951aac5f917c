package ssu2

import (
	"net/netip"
	"slices"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

// A handshake that does not fit our MTU is not offered: peers that look at the first alone would take none.
func TestPublishedHandshakesFitTheMTU(t *testing.T) {
	for mtu, want := range map[int]string{minMTU: "3", 1337: "3", 1338: "4,3", maxMTU: "4,3"} {
		r := newRouter(t, func(c *Config, _ *Deps) { c.PostQuantum, c.MTU = []byte{4, 3}, mtu })
		for _, a := range r.transport.Addresses() {
			if got := a.Options.Get("pq"); got != want {
				t.Errorf("MTU %d: pq=%s, want %s", mtu, got, want)
			}
		}
	}
}

// Each IP version has the MTU of its own link; one address for both has the smaller.
func TestMTUOfEachIPVersion(t *testing.T) {
	r := newRouter(t, func(c *Config, _ *Deps) { c.PostQuantum = []byte{4, 3} })
	r.transport.bound = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:9000"), netip.MustParseAddrPort("[::]:9000")}
	four := Family{Direct, netip.MustParseAddrPort("11.0.0.1:9000"), 0}
	published := func(p Publication, want ...string) {
		t.Helper()
		r.transport.Publish(p)
		var got []string
		for _, a := range r.transport.Addresses() {
			got = append(got, a.Options.Get("mtu")+" "+a.Options.Get("pq"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("publishes %q, want %q", got, want)
		}
	}
	published(Publication{V4: four, V6: Family{MTU: 1400}}, " 4,3", "1400 4,3")
	published(Publication{V4: Family{MTU: 1320}, V6: Family{MTU: 1480}}, "1320 3")
	published(Publication{V4: Family{MTU: 900}, V6: Family{MTU: 9000, Presence: Absent}}, "1280 3")
	to := target{mtu: maxMTU, variants: []wire.Variant{wire.MLKEM512, wire.MLKEM768}}
	for at, want := range map[string]wire.Variant{"11.0.0.9": wire.MLKEM512, "2600::9": wire.MLKEM768} {
		if got := r.transport.variantFor(to, netip.MustParseAddr(at)); got != want {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}

// The handshake that is used is the best that fits both our MTU and the one that the peer publishes.
func TestHandshakeFitsTheMTUOfThePeer(t *testing.T) {
	for _, tc := range []struct {
		at        string
		ours, its int
		want      wire.Variant
	}{
		{"11.0.0.9:9", maxMTU, maxMTU, wire.MLKEM768},
		{"11.0.0.9:9", maxMTU, 1321, wire.MLKEM768},
		{"11.0.0.9:9", maxMTU, 1320, wire.MLKEM512},
		{"11.0.0.9:9", 1320, maxMTU, wire.MLKEM512},
		{"[2600::9]:9", maxMTU, 1341, wire.MLKEM768},
		{"[2600::9]:9", maxMTU, 1340, wire.MLKEM512},
		{"11.0.0.9:9", minMTU, minMTU, wire.MLKEM512},
	} {
		tr := &Transport{cfg: Config{MTU: tc.ours}, variants: []wire.Variant{wire.MLKEM768, wire.MLKEM512}}
		s := &server{t: tr, cfg: tr.cfg}
		to := target{mtu: tc.its, variants: []wire.Variant{wire.MLKEM512, wire.MLKEM768}}
		if got := s.choose(to, way{at: netip.MustParseAddrPort(tc.at)}); got != tc.want {
			t.Errorf("%s, MTU %d and %d: %v, want %v", tc.at, tc.ours, tc.its, got, tc.want)
		}
		if got := s.choose(to, way{at: netip.MustParseAddrPort(tc.at), plain: true}); got != wire.Plain {
			t.Errorf("%v where plain was asked for", got)
		}
	}
}
