package router

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport"
)

const testNetwork = 77

// made is a router that does not run, in a network of its own.
func made(t *testing.T, c Config) *Router {
	t.Helper()
	if c.NetworkID == 0 {
		c.NetworkID, c.AllowPrivate = testNetwork, true
	}
	r, err := New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.reach.sourceOf = func(reachability.Family) netip.Addr { return netip.Addr{} }
	return r
}

// verdict makes enough networks agree on one for IPv4.
func (r *Router) verdict(t *testing.T, state reachability.State, at netip.AddrPort) {
	t.Helper()
	now := time.Now()
	for n := byte(1); n <= 4; n += 2 {
		r.reach.keeper.Tested(now, reachability.Test{
			Outcome: state, Tested: at, Bob: reachability.Peer{n}, Charlie: reachability.Peer{n + 1},
			BobIP: netip.AddrFrom4([4]byte{60 + n, 1, 1, 1}), CharlieIP: netip.AddrFrom4([4]byte{61 + n, 1, 1, 1}),
		})
	}
	if got := r.reach.keeper.Report(now, reachability.V4).State; got != state {
		t.Fatalf("verdict %v, want %v", got, state)
	}
	if r.reach.takeChanged() {
		r.reach.publish(now)
	}
	if !r.saysSo() {
		if err := r.sign(); err != nil {
			t.Fatal(err)
		}
	}
}

func hosts(r *Router) (all []string) {
	for _, a := range r.RouterInfo().Addresses() {
		if at := a.AddrPort(); at.IsValid() {
			all = append(all, a.Style+" "+at.String())
		}
	}
	slices.Sort(all)
	return all
}

// Strangers got in, but nobody said where they see us.
func TestReachedAtNoKnownAddressIsNotPublished(t *testing.T) {
	r := made(t, Config{SSU2: Endpoint{Listen: "[::]:0"}})
	for n := byte(1); n <= 2; n++ {
		r.reach.InboundFrom(i2p.Hash{n}, netip.AddrFrom16([16]byte{0x2a, n}))
	}
	if got := r.reach.keeper.Report(time.Now(), reachability.V6).State; got != reachability.OK {
		t.Fatal(got)
	}
	r.reach.publish(time.Now())
	if err := r.sign(); err != nil {
		t.Fatal(err)
	}
	for _, a := range r.RouterInfo().Addresses() {
		if host := a.Options.Get("host"); a.Style == "SSU2" && host != "" {
			t.Errorf("publishes %q", host)
		}
	}
	if caps := r.RouterInfo().Caps(); caps != "XU" {
		t.Errorf("caps %q", caps)
	}
}

func TestHiddenRouterNeverSaysWhereItIs(t *testing.T) {
	for name, c := range map[string]Config{
		"specific listen address": {NTCP2: Endpoint{Listen: "127.0.0.1:0"}},
		"advertised address":      {NTCP2: Endpoint{Advertise: "192.0.2.1:5"}, SSU2: Endpoint{Advertise: "192.0.2.1:6"}},
	} {
		c.Hidden, c.Floodfill, c.PortMapping = true, true, true
		r := made(t, c)
		if got := hosts(r); len(got) > 0 {
			t.Errorf("%s: publishes %v", name, got)
		}
		if caps := r.RouterInfo().Caps(); caps != "XHG" {
			t.Errorf("%s: caps %q", name, caps)
		}
		if r.reach.wantsMapping() {
			t.Errorf("%s: has ports forwarded", name)
		}
	}
}

func TestRouterBehindAProxySaysNoAddress(t *testing.T) {
	r := made(t, Config{Upstream: "socks5://127.0.0.1:9", NoIPv6: true, Floodfill: true, NTCP2: Endpoint{Advertise: "192.0.2.1:5"}})
	if got := hosts(r); len(got) > 0 || r.RouterInfo().Caps() != "XU" || r.RouterInfo().Addresses()[0].Caps() != "4" {
		t.Errorf("publishes %v, caps %q, of the address %q", got, r.RouterInfo().Caps(), r.RouterInfo().Addresses()[0].Caps())
	}
}

func TestCapsFollowTheVerdict(t *testing.T) {
	r := made(t, Config{Floodfill: true})
	caps := func(want string) {
		t.Helper()
		if got := r.RouterInfo().Caps(); got != want {
			t.Errorf("caps %q, want %q", got, want)
		}
	}
	caps("XU") // nobody knows yet
	r.verdict(t, reachability.Firewalled, netip.AddrPort{})
	caps("XU")
	out := netip.MustParseAddrPort("11.22.33.44:5555")
	r.verdict(t, reachability.OK, out)
	caps("XfR")
	if got := hosts(r); len(got) != 1 || got[0] != "SSU2 "+out.String() {
		t.Errorf("publishes %v: peer tests say nothing of TCP", got)
	}
	r.verdict(t, reachability.Firewalled, netip.AddrPort{})
	caps("XU")
}

// A verdict about UDP moves the address of NTCP2 as well, where that is of this machine or forwarded.
func TestNTCP2IsPublishedWhereTCPIsKnownToArrive(t *testing.T) {
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port) }
	out := netip.MustParseAddrPort("11.22.33.44:7777")
	forwarded := portmap.State{Port: portmap.Port{Transport: portmap.TCP, Internal: 1}, Protocol: portmap.UPnP, External: out}

	r := made(t, Config{})
	port := r.ntcp2.Bound()[0].Port()
	r.verdict(t, reachability.OK, at(port))
	if got := hosts(r); !slices.Contains(got, "NTCP2 "+at(port).String()) {
		t.Errorf("of this machine: %v", got)
	}
	r = made(t, Config{NTCP2: Endpoint{Listen: "127.0.0.2:0"}, SSU2: Endpoint{Listen: ":0"}})
	r.verdict(t, reachability.OK, at(9))
	if got := strings.Join(hosts(r), " "); strings.Contains(got, "NTCP2 127.0.0.1") {
		t.Errorf("published where nothing listens: %v", got)
	}
	r = made(t, Config{})
	r.reach.noteMapping(forwarded)
	r.verdict(t, reachability.OK, netip.AddrPortFrom(out.Addr(), 5))
	if got := hosts(r); !slices.Contains(got, "NTCP2 "+out.String()) {
		t.Errorf("forwarded: %v", got)
	}
	r = made(t, Config{NTCP2: Endpoint{Advertise: "[2001:db8::1]:5"}})
	r.verdict(t, reachability.OK, at(9))
	if got := strings.Join(hosts(r), " "); !strings.Contains(got, "NTCP2 [2001:db8::1]:5") || !strings.Contains(got, "NTCP2 127.0.0.1") {
		t.Errorf("an advertised IPv6 address and IPv4: %v", got)
	}
}

// Without SSU2 there are no tests: what the home router says, or an address of the internet on this machine, is all there is.
func TestNTCP2AloneIsPublishedAtItsMapping(t *testing.T) {
	r := made(t, Config{NetworkID: PublicNetworkID, SSU2: Endpoint{Disabled: true}})
	out := netip.MustParseAddrPort("11.22.33.44:7777")
	r.reach.noteMapping(portmap.State{Port: portmap.Port{Transport: portmap.TCP, Internal: 1}, Protocol: portmap.UPnP, External: out})
	r.reach.publish(time.Now())
	if err := r.sign(); err != nil {
		t.Fatal(err)
	}
	if got := hosts(r); len(got) != 1 || got[0] != "NTCP2 "+out.String() {
		t.Errorf("publishes %v", got)
	}
	r.reach.noteMapping(portmap.State{Port: portmap.Port{Transport: portmap.TCP, Internal: 1}, Protocol: portmap.UPnP, External: out, DoubleNAT: true})
	r.reach.publish(time.Now())
	if err := r.sign(); err != nil {
		t.Fatal(err)
	}
	if got := hosts(r); len(got) != 0 || r.RouterInfo().Caps() != "XU" {
		t.Errorf("publishes %v, caps %q behind two NATs", got, r.RouterInfo().Caps())
	}
}

func TestBothIPVersionsOnOneSocket(t *testing.T) {
	for _, c := range []struct {
		off  bool
		want reachability.State
	}{{false, reachability.Unknown}, {true, reachability.Disabled}} {
		r := made(t, Config{NTCP2: Endpoint{Listen: "[::]:0"}, NoIPv4: c.off})
		if got := r.reach.keeper.Report(time.Now(), reachability.V4).State; got != c.want {
			t.Errorf("IPv4 off %v: %v", c.off, got)
		}
		if ports := r.reach.mappedPorts(); len(ports) != map[bool]int{false: 2, true: 0}[c.off] {
			t.Errorf("IPv4 off %v: asks for %v", c.off, ports)
		}
	}
}

// The transports say who is banned, and everything else asks them.
func TestBannedPeerIsNotGood(t *testing.T) {
	r := made(t, Config{})
	peer := i2p.Hash{1}
	if !r.book.Good(peer) {
		t.Fatal("a stranger is not good")
	}
	r.mux.Ban(peer, transport.BanProtocol, 0)
	if r.book.Good(peer) || r.book.Reaches(peer) || len(r.Status().Bans) != 1 {
		t.Errorf("a banned peer is good; bans %v", r.Status().Bans)
	}
}
