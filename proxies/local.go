package proxies

import "net/netip"

// localRanges are the IPv4 addresses that are not out there, after IANA's special-purpose registry: this network, private
// (RFC 1918), carrier-grade NAT, loopback, link-local (with the metadata services of clouds), protocol assignments, 6to4
// relays, benchmarks, multicast, reserved and broadcast.
var localRanges = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")

// Only 2000::/3 is public in IPv6. Of that, Teredo and 6to4 hide an IPv4 address of any kind; they are 2001::/23, with
// other protocols' addresses, and 2002::/16. NAT64 and IPv4-compatible addresses are outside of 2000::/3.
var (
	publicIPv6 = netip.MustParsePrefix("2000::/3")
	hidingIPv6 = prefixes("2001::/23", "2002::/16")
)

// privateDomains end names of home and office networks: RFC 6762, RFC 8375 (home.arpa is checked apart), ICANN's list of
// what will never be delegated. An exit must not look such a name up in its own network.
var privateDomains = map[string]bool{
	"local": true, "internal": true, "lan": true, "home": true, "corp": true, "intranet": true, "private": true,
}

// otherNetworks have no names in DNS; asking for one tells the exit what somebody does elsewhere.
var otherNetworks = map[string]bool{"onion": true, "exit": true, "alt": true}

// isLocal tells whether an unmapped address is not a public one.
func isLocal(a netip.Addr) bool {
	if a.Is4() {
		return within(a, localRanges)
	}
	return a.Zone() != "" || !publicIPv6.Contains(a) || within(a, hidingIPv6)
}

func within(a netip.Addr, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
