package netaddr

import "net/netip"

// reserved4 are the IPv4 ranges that no router has: all of the IANA IPv4 Special-Purpose Address Registry (RFC 6890), of which
// those that are globally reachable are anycast services, and multicast.
var reserved4 = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared, behind carriers' NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocols
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // AMT
	"192.88.99.0/24",  // relays of 6to4
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/3",     // multicast, reserved, broadcast
)

// global6 is all that IANA gave out as global unicast; all else is not public. Out of it are the loopback address, NAT64
// (64:ff9b::/96 and 64:ff9b:1::/48), discard only (100::/64), segment routing (5f00::/16), unique local, link-local, site-local and
// multicast addresses.
var global6 = netip.MustParsePrefix("2000::/3")

// reserved6 are the ranges within global6 that no router has (IANA IPv6 Special-Purpose Address Registry). Teredo and 6to4 carry
// an IPv4 address, which may be any.
var reserved6 = prefixes(
	"2001::/23",         // IETF protocols; Teredo 2001::/32, benchmarks 2001:2::/48, ORCHID 2001:10::/28 and 2001:20::/28
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

func prefixes(all ...string) []netip.Prefix {
	p := make([]netip.Prefix, len(all))
	for i, s := range all {
		p[i] = netip.MustParsePrefix(s)
	}
	return p
}

// Public reports whether ip is an address of the open Internet, which strangers may reach. An IPv4-mapped IPv6 address is the
// IPv4 address; one with a zone is not public.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	reserved := reserved4
	switch {
	case !ip.IsValid() || ip.Zone() != "": // no Prefix contains an address with a zone
		return false
	case ip.Is6():
		if !global6.Contains(ip) {
			return false
		}
		reserved = reserved6
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// Group is the network of ip with so many bits, by its IP version: 16 and 32 are what one operator may have, 24 and 48 a site, 32 and
// 64 a host. A zone does not count, and an IPv4-mapped address is the IPv4 address. The Prefix is not valid if ip is not, such as the
// end of a pipe.
func Group(ip netip.Addr, bits4, bits6 int) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	p, _ := ip.Prefix(bits)
	return p
}
