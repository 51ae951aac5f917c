package router

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/reachability"
)

// A machine with the internet over IPv4 only binds [::] as well, and does not say that it uses IPv6, until it does.
func TestIPVersionWithoutARouteIsNotNamed(t *testing.T) {
	r := made(t, Config{NetworkID: PublicNetworkID})
	is := map[reachability.Family]netip.Addr{}
	r.reach.sourceOf = func(f reachability.Family) netip.Addr { return is[f] }
	caps := func(want string) {
		t.Helper()
		r.reach.look(time.Now())
		if r.reach.takeChanged() {
			r.reach.publish(time.Now())
		}
		if err := r.sign(); err != nil {
			t.Fatal(err)
		}
		for _, a := range r.RouterInfo().Addresses() {
			if got := a.Caps(); got != want {
				t.Errorf("%s: caps %q, want %q", a.Style, got, want)
			}
		}
	}
	is[reachability.V4] = netip.MustParseAddr("192.168.1.2")
	caps("4")
	is[reachability.V6] = netip.MustParseAddr("2600::1")
	caps("46")
	is[reachability.V4] = netip.Addr{}
	caps("6")
	is[reachability.V6] = netip.Addr{} // no network: nothing to say
	caps("46")
}

func TestMTUOfTheLinkIsPublished(t *testing.T) {
	for listen, want := range map[string]int{"127.0.0.1:0": loopbackMTU(t), ":0": 0, "127.0.0.99:0": 0} {
		r := made(t, Config{SSU2: Endpoint{Listen: listen}, NTCP2: Endpoint{Listen: listen}})
		if got := r.reach.linkMTU(reachability.V4); got != want {
			t.Errorf("%s: MTU %d, want %d", listen, got, want)
		}
	}
	r := made(t, Config{})
	r.reach.sourceOf = func(reachability.Family) netip.Addr { return netip.MustParseAddr("127.0.0.1") }
	if got := r.reach.linkMTU(reachability.V4); got != loopbackMTU(t) {
		t.Errorf("MTU %d of the interface that we send from", got)
	}
}

// Beside a VPN the default route is not the way of a router that listens on the address of its own network: the home router there is the
// one to ask.
func TestHomeRouterIsThatOfTheAddressThatWeSendFrom(t *testing.T) {
	vpn := netip.MustParseAddr("10.8.0.2")
	for listen, want := range map[string]netip.Addr{"127.0.0.1:0": netip.MustParseAddr("127.0.0.1"), ":0": vpn, "[::1]:0": {}} {
		r := made(t, Config{NetworkID: PublicNetworkID, SSU2: Endpoint{Listen: listen}, NTCP2: Endpoint{Listen: listen}})
		r.reach.sourceOf = func(reachability.Family) netip.Addr { return vpn }
		if got := r.reach.portmap().Source(); got != want {
			t.Errorf("%s: packets leave from %v, want %v", listen, got, want)
		}
	}
}

func loopbackMTU(t *testing.T) int {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.MTU
		}
	}
	t.Skip("no loopback interface")
	return 0
}

func TestAnotherNetworkIsNoticed(t *testing.T) {
	r := made(t, Config{})
	now, c := time.Now(), r.reach
	is := map[reachability.Family]netip.Addr{}
	c.sourceOf = func(f reachability.Family) netip.Addr { return is[f] }
	look := func(ip string, after time.Duration) (moved bool) {
		t.Helper()
		is[reachability.V4] = netip.Addr{}
		if ip != "" {
			is[reachability.V4] = netip.MustParseAddr(ip)
		}
		now = now.Add(after)
		c.look(now)
		select {
		case <-c.moved:
			return true
		default:
			return false
		}
	}
	if look("", reachInterval) || look("192.168.1.2", reachInterval) || look("192.168.1.2", reachInterval) {
		t.Error("moved before it was anywhere else")
	}
	out := netip.MustParseAddrPort("11.22.33.44:5555")
	r.verdict(t, reachability.OK, out)
	state := func() reachability.State { return c.keeper.Report(now, reachability.V4).State }
	if !look("192.168.1.2", 2*restLeast) || state() != reachability.OK {
		t.Error("a rest: the ports are mapped anew, and the verdict stays", state())
	}
	if !look("10.0.0.2", reachInterval) || state() != reachability.Unknown {
		t.Error("another address:", state())
	}
	r.verdict(t, reachability.OK, out)
	if look("", reachInterval) || state() != reachability.OK {
		t.Error("no network: nothing to say", state())
	}
	if !look("10.0.0.2", reachInterval) || state() != reachability.Unknown {
		t.Error("the same address in another network:", state())
	}
}
