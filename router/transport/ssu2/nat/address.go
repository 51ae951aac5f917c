package nat

import (
	"net/netip"
	"strings"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
)

// public reports whether a is an address of the open Internet, as the wire has it: not IPv4-mapped.
func public(a netip.Addr) bool { return !a.Is4In6() && netaddr.Public(a) }

// usable reports whether packets may be sent to a, or peers told to.
func (e *Engine) usable(a netip.AddrPort) bool {
	if !a.IsValid() || a.Addr().Is4In6() || a.Addr().Zone() != "" || !netaddr.PeerPort(a.Port()) {
		return false
	}
	if e.cfg.AllowPrivate {
		return !a.Addr().IsUnspecified() && !a.Addr().IsMulticast() && a.Addr() != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	return public(a.Addr())
}

// samePlace reports whether two addresses belong to one network that NATs and operators share: an IPv4 address, an IPv6 /64.
func samePlace(a, b netip.Addr) bool { return place(a) == place(b) }

func place(a netip.Addr) netip.Prefix { return netaddr.Group(a, 32, 64) }

// near reports whether two routers may well be one operator's: in one IPv4 /16 or IPv6 /32.
func (e *Engine) near(a, b netip.Addr) bool {
	if e.cfg.AllowPrivate || !a.IsValid() || !b.IsValid() || a.Is4() != b.Is4() {
		return false
	}
	return netaddr.Group(a, 16, 32) == netaddr.Group(b, 16, 32)
}

// published returns the SSU2 address of ri in a family that packets can be sent to.
func published(ri *i2p.RouterInfo, f Family) (a i2p.RouterAddress, to netip.AddrPort, key [32]byte, ok bool) {
	for _, a = range ri.Addresses() {
		to = a.AddrPort()
		if !isSSU2(a) || !to.IsValid() || FamilyOf(to.Addr()) != f {
			continue
		}
		if key, ok = a.IntroKey(); ok {
			return a, to, key, true
		}
	}
	return i2p.RouterAddress{}, netip.AddrPort{}, key, false
}

// introKey returns the introduction key of ri for packets in a family, whether it publishes a host or not. A router has one key in
// all SSU2 addresses with the same port; one for the other family is better than none.
func introKey(ri *i2p.RouterInfo, f Family) (key [32]byte, ok bool) {
	for _, a := range ri.Addresses() {
		if !isSSU2(a) {
			continue
		}
		k, has := a.IntroKey()
		if !has {
			continue
		}
		if f == V4 && a.IsV4() || f == V6 && a.IsV6() {
			return k, true
		}
		if !ok {
			key, ok = k, true
		}
	}
	return key, ok
}

// isSSU2 reports whether an address speaks SSU2: of that style, or of SSU 1 with the options of SSU2 added.
func isSSU2(a i2p.RouterAddress) bool { return a.Style == "SSU2" || a.Style == "SSU" && hasV2(a) }

func hasV2(a i2p.RouterAddress) bool { return strings.HasPrefix(a.Options.Get("v"), "2") }

// helps reports whether ri publishes an address of a family with a capability: B to take part in peer tests, C to introduce.
func helps(ri *i2p.RouterInfo, f Family, capability string) (netip.AddrPort, bool) {
	a, to, _, ok := published(ri, f)
	return to, ok && strings.Contains(a.Caps(), capability) && !strings.ContainsAny(ri.Caps(), "UH")
}

// helpsUs reports whether a router helps, is no neighbour of ours, and not banned. Our own address, the dearest to know, comes last.
func (e *Engine) helpsUs(f Family, ri *i2p.RouterInfo, capability string) bool {
	at, ok := helps(ri, f, capability)
	if !ok || !e.usable(at) || e.host.Banned(ri.Hash()) {
		return false
	}
	own, _ := e.host.Own(f)
	return !e.near(at.Addr(), own.Addr())
}
