package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// destination is what a client asks for: a name or address in the one spelling that everybody reads alike, and a port.
type destination struct {
	host string // lower case, without a dot at the end, an IPv6 address without brackets
	port uint16
}

func (d destination) String() string { return net.JoinHostPort(d.host, strconv.Itoa(int(d.port))) }

// denied is why something may not be asked for.
type denied struct{ err, why string }

func prohibited(why string) *denied { return &denied{errProhibited, why} }

// parseDestination checks host or host:port; port is what it has without one. An address is only taken in its usual spelling:
// what inet_aton reads into 2130706433, 0x7f.1 or 0177.0.0.1 is no name.
func parseDestination(s string, port uint16) (destination, *denied) {
	bad := &denied{errDenied, "The address is not one of the web."}
	host := s
	if h, p, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != p {
			return destination{}, bad
		}
		host, port = h, uint16(n)
		if strings.Contains(h, ":") != strings.HasPrefix(s, "[") {
			return destination{}, bad
		}
	} else if strings.HasPrefix(s, "[") {
		if !strings.HasSuffix(s, "]") {
			return destination{}, bad
		}
		host = s[1 : len(s)-1]
		if !strings.Contains(host, ":") {
			return destination{}, bad
		}
	}
	if port == 0 {
		return destination{}, bad
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.Contains(host, ":") {
		a, err := netip.ParseAddr(host)
		if err != nil || !public(a) {
			return destination{}, prohibited("This address is not one of the web.")
		}
		return destination{a.Unmap().String(), port}, nil
	}
	if !isName(host) {
		return destination{}, bad
	}
	if numeric(host[strings.LastIndexByte(host, '.')+1:]) {
		a, err := netip.ParseAddr(host)
		if err != nil || !public(a) {
			return destination{}, prohibited("This address is not one of the web.")
		}
		return destination{a.String(), port}, nil
	}
	for _, domain := range notWeb {
		if below(host, domain) {
			return destination{}, prohibited("This name is not one of the web.")
		}
	}
	if !strings.Contains(host, ".") {
		return destination{}, prohibited("This name is not one of the web.") // the search list of the system's resolver would complete it
	}
	return destination{host, port}, nil
}

// isName: letters, digits, - and _, in labels of up to 63. Names in other scripts come as xn--.
func isName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// numeric tells whether a last label is read as a number by anybody: then the whole is an address, or nothing.
func numeric(label string) bool {
	rest, hex := strings.CutPrefix(label, "0x")
	for i := range len(rest) {
		c := rest[i]
		if !('0' <= c && c <= '9' || hex && 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// rules of an exit: which ports and names.
type rules struct {
	ports       []portRange
	allow, deny []string // domains, lower case
}

type portRange struct{ from, to uint16 }

func newRules(ports, allow, deny []string) (rules, error) {
	var r rules
	if len(ports) == 0 {
		ports = []string{"80", "443"}
	}
	for _, p := range ports {
		low, high, isRange := strings.Cut(strings.TrimSpace(p), "-")
		from, err := strconv.ParseUint(low, 10, 16)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseUint(high, 10, 16)
		}
		if err != nil || from == 0 || to < from {
			return rules{}, fmt.Errorf("%.40q is no port: write 443, or 1000-2000", p)
		}
		r.ports = append(r.ports, portRange{uint16(from), uint16(to)})
	}
	for _, l := range []struct {
		from []string
		to   *[]string
	}{{allow, &r.allow}, {deny, &r.deny}} {
		for _, domain := range l.from {
			d := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(domain), "*"), "."), ".")
			if _, err := netip.ParseAddr(d); err != nil && !isName(d) {
				return rules{}, fmt.Errorf("%.80q is no name: write example.org, which means all below it, too", domain)
			}
			*l.to = append(*l.to, d)
		}
	}
	return r, nil
}

// check tells whether d may be asked for.
func (r rules) check(d destination) *denied {
	port := false
	for _, p := range r.ports {
		port = port || p.from <= d.port && d.port <= p.to
	}
	if !port {
		return &denied{errDenied, fmt.Sprintf("This exit does not open port %d.", d.port)}
	}
	for _, domain := range r.deny {
		if below(d.host, domain) {
			return &denied{errDenied, "This exit does not go to this site."}
		}
	}
	for _, domain := range r.allow {
		if below(d.host, domain) {
			return nil
		}
	}
	if len(r.allow) > 0 {
		return &denied{errDenied, "This exit does not go to this site."}
	}
	return nil
}
