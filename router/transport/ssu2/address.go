package ssu2

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// A target is what an address of a peer says about dialling it.
type target struct {
	at       netip.AddrPort // not valid if there is no host
	static   keys.X25519Public
	intro    [32]byte
	mtu      int
	caps     string
	variants []wire.Variant   // hybrid ones that it takes, in its order
	through  []nat.Introducer // of introduced only
}

// isSSU2 tells whether an address speaks version 2: also one of style "SSU" may.
func isSSU2(a i2p.RouterAddress) bool {
	return (a.Style == style || a.Style == "SSU") && slices.Contains(strings.Split(a.Options.Get("v"), ","), "2")
}

// parseTarget reads what all SSU2 addresses have; ok is false without static and intro key.
func parseTarget(a i2p.RouterAddress) (t target, ok bool) {
	if !isSSU2(a) {
		return t, false
	}
	static, okStatic := a.StaticKey()
	intro, okIntro := a.IntroKey()
	if !okStatic || !okIntro {
		return t, false
	}
	t = target{at: a.AddrPort(), static: static, intro: intro, mtu: maxMTU, caps: a.Caps()}
	if n, err := strconv.Atoi(a.Options.Get("mtu")); err == nil {
		t.mtu = min(max(n, minMTU), maxMTU)
	}
	for v := range strings.SplitSeq(a.Options.Get("pq"), ",") {
		if len(v) == 1 {
			if variant, known := wire.VariantOf(v[0] - '0'); known && variant != wire.Plain {
				t.variants = append(t.variants, variant)
			}
		}
	}
	return t, true
}

// targets are the addresses of ri that we can dial directly, the cheapest first and IPv4 before IPv6.
func (t *Transport) targets(ri *i2p.RouterInfo) []target {
	addresses := ri.Addresses()
	slices.SortStableFunc(addresses, func(a, b i2p.RouterAddress) int {
		if a.Cost != b.Cost {
			return int(a.Cost) - int(b.Cost)
		}
		return a.Host().BitLen() - b.Host().BitLen()
	})
	var all []target
	for _, a := range addresses {
		if to, ok := parseTarget(a); ok && to.at.IsValid() && t.mayDialAt(to.at) {
			to.at = netip.AddrPortFrom(to.at.Addr().Unmap(), to.at.Port())
			all = append(all, to)
		}
	}
	return all
}

// introduced are the addresses of ri through which introducers lead.
func (t *Transport) introduced(ri *i2p.RouterInfo) []target {
	v4, v6 := t.socketFor(anyOf(nat.V4)) >= 0, t.socketFor(anyOf(nat.V6)) >= 0
	var all []target
	for _, a := range ri.Addresses() {
		to, ok := parseTarget(a)
		if !ok || transport.PathOf(a, v4, v6) != transport.Introduced {
			continue
		}
		if to.through = t.introducersOf(a); len(to.through) > 0 {
			all = append(all, to)
		}
	}
	return all
}

// introducersOf are those of an address whose time is not over.
func (t *Transport) introducersOf(a i2p.RouterAddress) []nat.Introducer {
	return nat.IntroducersOf(a, t.deps.Clock.Now())
}

// mayDialAt refuses what mayDial does, and ports of other services.
func (t *Transport) mayDialAt(a netip.AddrPort) bool { return t.cfg.mayUse(a) && t.mayDial(a.Addr()) }

// mayUse tells whether packets may go to an address that nobody has proved to be his; sessions come from no others.
func (c *Config) mayUse(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && (c.AllowPrivate || netaddr.Public(a.Addr()) && netaddr.PeerPort(a.Port()))
}

// mayDial refuses private addresses, and IP versions that we have no socket for.
func (t *Transport) mayDial(ip netip.Addr) bool {
	if !t.cfg.AllowPrivate && !netaddr.Public(ip) {
		return false
	}
	return t.socketFor(ip) >= 0
}
