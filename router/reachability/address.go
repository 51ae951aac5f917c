package reachability

import "net/netip"

// A network is what counts once: an IPv4 /16, an IPv6 /32, or a router by itself where addresses do not tell.
type network struct {
	prefix netip.Prefix
	peer   Peer
}

func (c *Config) network(p Peer, ip netip.Addr) network {
	ip = ip.Unmap()
	if c.AllowPrivate || !ip.IsValid() {
		return network{peer: p}
	}
	bits := 32
	if ip.Is4() {
		bits = 16
	}
	prefix, _ := ip.Prefix(bits)
	return network{prefix: prefix}
}

var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// usable reports whether an address can be ours as strangers see it.
func (c *Config) usable(a netip.AddrPort) bool {
	ip := a.Addr()
	if !a.IsValid() || a.Port() == 0 || ip.IsUnspecified() || ip.IsMulticast() {
		return false
	}
	return c.AllowPrivate || Public(ip)
}

// Public reports whether an address is one of the internet, which strangers may reach.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func familyOf(ip netip.Addr) Family {
	if ip.Unmap().Is4() {
		return V4
	}
	return V6
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
