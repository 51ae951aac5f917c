package router

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/portmap/portmaptest"
)

// The word of the gateway alone does not do; one peer that sees us there does.
func TestMappingIsPublishedOnceAPeerSeesUsThere(t *testing.T) {
	r := made(t, Config{NoIPv6: true})
	out := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("11.0.0.1"), port) }
	for i, bound := range [][]netip.AddrPort{portmap.UDP: r.ssu2.Bound(), portmap.TCP: r.ntcp2.Bound()} {
		p := portmap.Port{Transport: portmap.Transport(i), Internal: bound[0].Port()}
		r.reach.noteMapping(portmap.State{Port: p, Protocol: portmap.UPnP, External: out(uint16(7000 + i))})
	}
	published := func() []string {
		t.Helper()
		r.reach.publish(time.Now())
		if err := r.sign(); err != nil {
			t.Fatal(err)
		}
		return hosts(r)
	}
	if got := published(); len(got) > 0 {
		t.Errorf("publishes %v by the word of the gateway alone", got)
	}
	r.reach.AddressSeen(i2p.Hash{1}, netip.MustParseAddr("12.0.0.1"), out(5))
	if got := published(); !slices.Equal(got, []string{"NTCP2 " + out(7001).String(), "SSU2 " + out(7000).String()}) {
		t.Errorf("publishes %v", got)
	}
}

// A router behind a home router that speaks UPnP: its two ports are mapped, published, renewed, mapped again in another network, and
// free when it ends.
func TestPortsAreMappedPublishedRenewedAndRemoved(t *testing.T) {
	d := portmaptest.NewDevice(t)
	r, stop, err := Start(t.Context(), Config{
		NetworkID: testNetwork, AllowPrivate: true, NoIPv6: true, PortMapping: true,
		portmap: portmap.Config{
			Gateway: d.At, Search: d.Search, Disabled: []portmap.Protocol{portmap.PCP, portmap.NATPMP}, AllowPrivate: true,
			Lease: 2 * time.Second, RenewMin: time.Second,
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				held, adds := d.Get()
				t.Fatalf("not so: %s; published %v, mapped %+v, asked %d times", what, hosts(r), held, adds)
			}
		}
	}
	outside := func(ip string) []string {
		at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(ip), port) }
		return []string{
			"NTCP2 " + at(r.ntcp2.Bound()[0].Port()).String(), "SSU2 " + at(r.ssu2.Bound()[0].Port()).String(),
		}
	}
	see := func(ip string) {
		r.reach.AddressSeen(i2p.Hash{1}, netip.MustParseAddr("11.0.0.1"), netip.AddrPortFrom(netip.MustParseAddr(ip), 5))
	}
	until("the ports are mapped", func() bool { held, _ := d.Get(); return len(held) == 2 && len(r.Status().Mappings) == 2 })
	see(d.External)
	until("both ports are published", func() bool { return slices.Equal(hosts(r), outside(d.External)) })
	if caps := r.RouterInfo().Caps(); caps != "XR" {
		t.Errorf("caps %q", caps)
	}
	held, _ := d.Get()
	for _, key := range []string{fmt.Sprint("TCP ", r.ntcp2.Bound()[0].Port()), fmt.Sprint("UDP ", r.ssu2.Bound()[0].Port())} {
		if _, ok := held[key]; !ok || len(held) != 2 {
			t.Errorf("%s is not mapped: %+v", key, held)
		}
	}
	if all := r.Status().Mappings; len(all) != 2 || !all[0].Public() || all[0].Protocol != portmap.UPnP {
		t.Errorf("status: %+v", all)
	}
	until("the mappings are renewed", func() bool { _, adds := d.Get(); return adds >= 6 })
	d.Set(func() { d.External = "11.0.0.9" })
	see("11.0.0.9")
	until("the new address is published", func() bool { return slices.Equal(hosts(r), outside("11.0.0.9")) })
	_, before := d.Get()
	r.reach.remap()
	until("the ports are mapped anew", func() bool { held, adds := d.Get(); return adds > before+1 && len(held) == 2 })
	d.Set(func() { d.Dead = true })
	until("nothing is published once the mapping is lost", func() bool { return len(hosts(r)) == 0 })
	d.Set(func() { d.Dead = false })
	r.reach.remap()
	until("all is well again", func() bool { return slices.Equal(hosts(r), outside("11.0.0.9")) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if held, _ := d.Get(); len(held) > 0 {
		t.Errorf("left behind: %+v", held)
	}
}
