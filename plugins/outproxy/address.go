package main

import (
	"net/netip"
	"strings"
)

// notPublic are the ranges of IANA's special-purpose registries that are no place of the web, with those through which one of
// them can be reached in disguise (NAT64, 6to4, Teredo).
var notPublic = func() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

var globalUnicast = netip.MustParsePrefix("2000::/3")

// public tells whether an address is one of the web.
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

// notWeb are names that never are on the web: RFC 6761, 6762, 7686, 9476, what home routers and clouds answer to, and I2P itself.
var notWeb = []string{
	"localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "home.arpa", "in-addr.arpa", "ip6.arpa",
	"onion", "i2p", "alt", "invalid",
}

// below tells whether a name is domain or below it. Both are lower case, without a dot at the end.
func below(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
