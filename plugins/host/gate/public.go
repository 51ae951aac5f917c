package gate

import "net/netip"

// Public addresses only: an exit must not become a way into the network that it stands in. From the IANA registries of special
// purpose addresses, and what embeds an IPv4 address, which could be any of these.
var (
	globalV6 = netip.MustParsePrefix("2000::/3") // all that is assigned for use in public

	notPublic = prefixes(
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carrier-grade NAT; a cloud's metadata at 100.100.100.200
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // a cloud's metadata, at a public address
		"169.254.0.0/16",   // link-local; clouds' metadata at 169.254.169.254
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments
		"192.0.2.0/24",     // documentation
		"192.31.196.0/24",  // AS112
		"192.52.193.0/24",  // AMT
		"192.88.99.0/24",   // 6to4 relays
		"192.168.0.0/16",   // private
		"192.175.48.0/24",  // AS112
		"198.18.0.0/15",    // benchmarks
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast

		"2001::/23",         // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4: embeds an IPv4 address
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // documentation
	)
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for n, t := range texts {
		out[n] = netip.MustParsePrefix(t)
	}
	return out
}

// isPublic says whether an address is one of the public internet. An IPv4 address within IPv6 counts as what it is.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || a.Is6() && !globalV6.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return !embedsIPv4(a)
}

// embedsIPv4 finds ISATAP addresses (RFC 5214): they reach an IPv4 address through whatever router knows them. NAT64 and
// IPv4-compatible ones are not in 2000::/3.
func embedsIPv4(a netip.Addr) bool {
	if !a.Is6() {
		return false
	}
	b := a.As16()
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
