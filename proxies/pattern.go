package proxies

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

type patternKind uint8

const (
	anyHost   patternKind = iota // *
	anyI2P                       // *.i2p
	exactHost                    // a name or a destination
	belowHost                    // *.text
	addresses                    // an address or a CIDR
)

// pattern is one entry of a rule's Match.
type pattern struct {
	kind   patternKind
	text   string
	prefix netip.Prefix // masked and unmapped
}

// parsePattern returns a problem if s is no pattern, or one that the action cannot be for.
func parsePattern(s string, action Action) (p pattern, problem string) {
	name, isBelow := strings.CutPrefix(strings.ToLower(s), "*.")
	network := Clearnet
	switch {
	case s == "*":
		return pattern{kind: anyHost}, ""
	case strings.Contains(s, "://"):
		return p, fmt.Sprintf("%q: leave out scheme, port and path", s)
	case strings.ContainsRune(s, '/'):
		prefix, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
			return p, fmt.Sprintf("%q is no CIDR; write it like 9.9.0.0/16", s)
		case prefix.Addr().Is4In6():
			return p, fmt.Sprintf("%q: write it as a CIDR of IPv4", s)
		case prefix != prefix.Masked():
			return p, fmt.Sprintf("%q has bits behind its length; write %s", s, prefix.Masked())
		}
		p = pattern{kind: addresses, prefix: prefix}
		if isLocalPrefix(prefix) && action != Block {
			return p, fmt.Sprintf("%q are local addresses: no rule can allow them", s)
		}
	case isBelow && name == "i2p":
		p, network = pattern{kind: anyI2P}, I2P
	case isBelow:
		if len(name) > maxClearnet || !validLabels(name, false) {
			return p, fmt.Sprintf("%q is no pattern; write *.example.org, with one * in front", s)
		}
		p = pattern{kind: belowHost, text: name}
		if strings.HasSuffix(name, suffixI2P) {
			network = I2P
		} else if err := checkClearnet("x." + name); err != nil && action != Block {
			return p, fmt.Sprintf("%q: %s: no rule can allow that", s, refusalOf(err))
		}
	default:
		host, n, err := ParseAnyHost(s)
		switch {
		case errors.Is(err, ErrBadHost):
			return p, fmt.Sprintf("%.80q is no pattern; write a host name, *.name, *, an address or a CIDR", s)
		case err != nil && action != Block:
			return p, fmt.Sprintf("%q: %s: no rule can allow that", s, refusalOf(err))
		case err != nil:
			return pattern{kind: exactHost, text: strings.ToLower(s)}, "" // blocks what is blocked anyway
		}
		p, network = pattern{kind: exactHost, text: host}, n
		if a := parseAddress(host); a.IsValid() {
			p = pattern{kind: addresses, prefix: netip.PrefixFrom(a, a.BitLen())}
		}
	}
	switch {
	case network == I2P && action == ToOutproxy:
		return p, fmt.Sprintf("%.80q is in I2P and never goes to an outproxy, which would learn of it; write action = \"i2p\" or block", s)
	case network == Clearnet && action == ToI2P:
		return p, fmt.Sprintf("%q is not in I2P; write action = \"outproxy\" with via, or block", s)
	}
	return p, ""
}

func refusalOf(err error) Refusal {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Why
	}
	return NotI2P
}

func isLocalPrefix(p netip.Prefix) bool {
	if p.Addr().Is6() {
		return !p.Overlaps(publicIPv6) || coveredBy(p, hidingIPv6)
	}
	return coveredBy(p, localRanges)
}

func coveredBy(p netip.Prefix, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Bits() <= p.Bits() && r.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func (p pattern) matches(q *query) bool {
	switch p.kind {
	case anyHost:
		return true
	case anyI2P:
		return q.network == I2P
	case exactHost:
		return q.host == p.text
	case belowHost:
		return !q.address.IsValid() && len(q.host) > len(p.text) && strings.HasSuffix(q.host, p.text) &&
			q.host[len(q.host)-len(p.text)-1] == '.'
	default:
		return q.address.IsValid() && p.prefix.Contains(q.address)
	}
}

func (p pattern) String() string {
	switch p.kind {
	case anyHost:
		return "*"
	case anyI2P:
		return "*.i2p"
	case belowHost:
		return "*." + p.text
	case addresses:
		if p.prefix.IsSingleIP() {
			return p.prefix.Addr().String()
		}
		return p.prefix.String()
	default:
		if len(p.text) > maxClearnet {
			return p.text[:12] + "..."
		}
		return p.text
	}
}
