package reachability

import (
	"net/netip"

	"clove.i2p/router/netaddr"
)

// A network is what counts once: an IPv4 /16, an IPv6 /32, or a router by itself where addresses do not tell.
type network struct {
	prefix netip.Prefix
	peer   Peer
}

func (c *Config) network(p Peer, ip netip.Addr) network {
	if c.AllowPrivate || !ip.IsValid() {
		return network{peer: p}
	}
	return network{prefix: netaddr.Group(ip, 16, 32)}
}

// usable reports whether an address can be ours as strangers see it.
func (c *Config) usable(a netip.AddrPort) bool {
	ip := a.Addr()
	if !a.IsValid() || a.Port() == 0 || ip.IsUnspecified() || ip.IsMulticast() {
		return false
	}
	return c.AllowPrivate || netaddr.Public(ip)
}

func familyOf(ip netip.Addr) Family {
	if ip.Unmap().Is4() {
		return V4
	}
	return V6
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
