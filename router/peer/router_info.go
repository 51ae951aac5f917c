package peer

import (
	"net/netip"
	"strings"

	"clove.i2p/router/i2p"
)

// caps are the capability letters that matter to the choice of hops (network-database.md, Expected Options).
type caps struct {
	class       byte // highest of K L M N O P X; 0: none
	congestion  byte // D, E, G or 0
	hidden      bool
	unreachable bool
}

func parseCaps(s string) caps {
	var c caps
	for i := range len(s) {
		switch l := s[i]; l {
		case 'K', 'L', 'M', 'N', 'O', 'P', 'X':
			c.class = max(c.class, l)
		case 'D', 'E', 'G':
			c.congestion = max(c.congestion, l)
		case 'H':
			c.hidden = true
		case 'U':
			c.unreachable = true
		}
	}
	return c
}

// tier by capability alone. Client tunnels avoid routers that say they are busy, as i2pd does; exploratory ones
// take them.
func (c caps) tier(client bool) tier {
	switch {
	case c.hidden:
		return never
	case c.congestion == 'G':
		return lastResort
	case c.congestion == 'E', c.unreachable:
		return unlikely
	case c.congestion == 'D' && client:
		return usable
	case c.class >= 'O':
		return preferred
	}
	return usable
}

// published reports whether a router can be dialled by one that knows its RouterInfo.
func published(r *i2p.RouterInfo) bool {
	for _, a := range r.Addresses() {
		if a.Port() != 0 && a.Host().IsValid() {
			return true
		}
	}
	return false
}

func publishedV4(r *i2p.RouterInfo) bool {
	for _, a := range r.Addresses() {
		if a.Port() != 0 && a.Host().Unmap().Is4() {
			return true
		}
	}
	return false
}

// A prefix is what routers of one operator are likely to share: /16 of IPv4, /32 of IPv6.
type prefix = netip.Prefix

func prefixesOf(r *i2p.RouterInfo) []prefix {
	var list []prefix
	for _, a := range r.Addresses() {
		host := a.Host().Unmap()
		if !host.IsValid() {
			continue
		}
		bits := 32
		if host.Is4() {
			bits = 16
		}
		if p, err := host.Prefix(bits); err == nil {
			list = append(list, p)
		}
	}
	return list
}

func familyOf(r *i2p.RouterInfo) string {
	return strings.ToLower(r.Options().Get("family"))
}
