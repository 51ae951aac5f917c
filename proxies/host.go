package proxies

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Network is what a host belongs to.
type Network uint8

const (
	I2P Network = iota
	Clearnet
)

// ParseHost checks a host as a client gave it and returns the one spelling that a Target holds.
//
// It returns ErrBadHost, or a RefusedError for what is well formed but not of I2P. Rules of I2P names: naming
// specification, "Allowed hostnames".
func ParseHost(s string) (string, error) {
	host, network, err := ParseAnyHost(s)
	if err == nil && network == Clearnet {
		return "", notI2P(host)
	}
	return host, err
}

// ParseAnyHost is ParseHost for clearnet names and public addresses, too. What is on this computer, in a private network
// or in another network is a RefusedError here already, whose Why is Always. IPv6 addresses have no brackets.
func ParseAnyHost(s string) (string, Network, error) {
	if s == "" || len(s) > maxDestination {
		return "", 0, fmt.Errorf("proxies: host of %d bytes: %w", len(s), ErrBadHost)
	}
	if a := parseAddress(s); a.IsValid() {
		if isLocal(a) {
			return "", 0, errLocal
		}
		return a.String(), Clearnet, nil
	}
	if isDestination(s) {
		return s, I2P, nil
	}
	host := strings.ToLower(s) // which makes ASCII of two other letters
	if len(host) != len(s) {
		return "", 0, fmt.Errorf("proxies: host: %w", ErrBadHost)
	}
	if strings.HasSuffix(host, suffixI2P) {
		if err := checkI2P(host); err != nil {
			return "", 0, err
		}
		return host, I2P, nil
	}
	if err := checkClearnet(host); err != nil {
		return "", 0, err
	}
	return host, Clearnet, nil
}

func checkI2P(host string) error {
	switch {
	case !validLabels(host, true):
		return fmt.Errorf("proxies: host: %w", ErrBadHost)
	case strings.HasSuffix(host, suffixBase32) && !IsBase32(host):
		return fmt.Errorf("proxies: base32 name: %w", ErrBadHost)
	case !strings.HasSuffix(host, suffixBase32) && len(host) > maxName:
		return fmt.Errorf("proxies: name of %d bytes: %w", len(host), ErrBadHost)
	}
	return nil
}

func checkClearnet(host string) error {
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case len(host) > maxClearnet || !validLabels(host, false):
		return fmt.Errorf("proxies: host: %w", ErrBadHost)
	case last == "localhost" || last == "localdomain":
		return errLocal
	case looksNumeric(last):
		// 127.1, 2130706433 and 0x7f.1 are addresses to a system's resolver.
		return errLocal
	case otherNetworks[last]:
		return errOtherNetwork
	case last == host || privateDomains[last] || strings.HasSuffix(host, ".home.arpa") || host == "home.arpa":
		return errPrivateName
	}
	return nil
}

// notI2P is why a clearnet host stays outside, unless a rule says otherwise.
func notI2P(host string) error {
	switch a := parseAddress(host); {
	case a.Is4():
		return errIPv4
	case a.Is6():
		return errIPv6
	default:
		return errNotI2P
	}
}

var (
	errNotI2P       = &RefusedError{Why: NotI2P}
	errLocal        = &RefusedError{Why: LocalHost}
	errIPv4         = &RefusedError{Why: IPv4Address}
	errIPv6         = &RefusedError{Why: IPv6Address}
	errPrivateName  = &RefusedError{Why: PrivateName}
	errOtherNetwork = &RefusedError{Why: OtherNetwork}
	errClearnetUDP  = &RefusedError{Why: ClearnetUDP}
)

// SplitHostPort takes "host" or "host:port" apart; without a port it gives the default, and 0 as the default
// means that a port is required. The host is not checked.
func SplitHostPort(s string, byDefault int) (host string, port int, err error) {
	host, digits := s, ""
	i := strings.LastIndexByte(s, ':')
	if i >= 0 && !strings.HasSuffix(s, "]") {
		host, digits = s[:i], s[i+1:]
		if port, err = ParsePort(digits); err != nil {
			return "", 0, err
		}
		return host, port, nil
	}
	if byDefault == 0 {
		return "", 0, fmt.Errorf("proxies: no port: %w", ErrBadHost)
	}
	return host, byDefault, nil
}

// ParsePort accepts 1..65535 in plain decimal digits.
func ParsePort(s string) (int, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 || s[0] == '+' {
		return 0, fmt.Errorf("proxies: port: %w", ErrBadHost)
	}
	return int(port), nil
}

// IsBase32 tells whether a lower-case host is a .b32.i2p name of a possible length.
func IsBase32(host string) bool {
	name, ok := strings.CutSuffix(host, suffixBase32)
	if !ok || len(name) != hashB32 && (len(name) < minBlinded || len(name) > maxBlinded) {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// isDestination tells whether s can be a destination in I2P's base64, which is case-sensitive.
func isDestination(s string) bool {
	if len(s) < minDestination || len(s) > maxDestination {
		return false
	}
	for _, c := range []byte(strings.TrimRight(s, "=")) {
		if !isAlphanumeric(c) && (c < 'A' || c > 'Z') && c != '-' && c != '~' {
			return false
		}
	}
	return true
}

// validLabels wants labels of a-z, 0-9 and inner hyphens. I2P allows no two hyphens in a row but in punycode; in the
// clearnet there are such names, and some with underscores.
func validLabels(host string, strict bool) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strict && strings.Contains(label, "--") && !strings.HasPrefix(label, "xn--") {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlphanumeric(c) && c != '-' && (strict || c != '_') {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func looksNumeric(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

func unbracket(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return s
}

// parseAddress gives the zero Addr for what is none, and IPv4 for what IPv6 maps. An address with a zone keeps it.
func parseAddress(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	if c := s[len(s)-1]; c >= 'g' && c <= 'z' && strings.IndexByte(s, ':') < 0 {
		return netip.Addr{} // saves the error that most names would cost
	}
	a, err := netip.ParseAddr(unbracket(s))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}
