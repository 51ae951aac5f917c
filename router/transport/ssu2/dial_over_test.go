package ssu2

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/tests/simnet"
)

// Introducers for IPv6 are sought over IPv6, although IPv4 comes first in a dial.
func TestDialOverOneIPVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		dual := func(i byte) *router {
			v4, v6 := netip.AddrFrom4([4]byte{11, 0, 0, i}), netip.AddrFrom16([16]byte{0x2a, i, 15: 1})
			h := n.Host("host", v4, v6)
			return newRouter(t, func(c *Config, d *Deps) {
				on(h, netip.AddrPortFrom(v4, 9000).String())(c, d)
				c.Listen = append(c.Listen, netip.AddrPortFrom(v6, 9000))
			}).serve()
		}
		bob, charlie := dual(1), dual(2)
		bob.sign(nil)
		charlie.knows(bob)
		charlie.transport.Publish(Publication{V6: Family{Presence: Firewalled}})
		time.Sleep(time.Second)
		if !charlie.transport.WantsIntroducer(bob.self(), nat.V6) || !charlie.transport.HelpsTests(bob.self(), nat.V6) {
			t.Fatal("a router that helps is not wanted")
		}
		if ours, _ := charlie.dial(bob); !ours.Status().Remote.Addr().Is4() {
			t.Fatal("the usual dial takes IPv6")
		}
		if _, err := charlie.transport.DialOver(t.Context(), bob.self(), nat.V6); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got := charlie.transport.Introducers(nat.V6); len(got) != 1 || charlie.transport.MissingIntroducers(nat.V6) != 2 {
			t.Errorf("introducers %v", got)
		}
		v4 := newRouter(t, nil) // publishes IPv4 alone
		if _, err := charlie.transport.DialOver(t.Context(), v4.self(), nat.V6); !errors.Is(err, transport.ErrNoAddress) {
			t.Errorf("no address of this IP version: %v", err)
		}
	})
}
