package proxies

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseHost checks a host as a client gave it and returns the one spelling that a Target holds.
//
// It returns ErrBadHost, or a RefusedError for what is well formed but not of I2P. Rules of I2P names: naming
// specification, "Allowed hostnames".
func ParseHost(s string) (string, error) {
	if s == "" || len(s) > maxDestination {
		return "", fmt.Errorf("proxies: host of %d bytes: %w", len(s), ErrBadHost)
	}
	if a, err := netip.ParseAddr(unbracket(s)); err == nil {
		return "", refuseAddress(a)
	}
	if isDestination(s) {
		return s, nil
	}
	host := strings.ToLower(s) // which makes ASCII of two other letters
	if len(host) != len(s) || !validLabels(host) {
		return "", fmt.Errorf("proxies: host: %w", ErrBadHost)
	}
	switch {
	case strings.HasSuffix(host, suffixBase32):
		if !IsBase32(host) {
			return "", fmt.Errorf("proxies: base32 name: %w", ErrBadHost)
		}
		return host, nil
	case strings.HasSuffix(host, suffixI2P):
		if len(host) > maxName {
			return "", fmt.Errorf("proxies: name of %d bytes: %w", len(host), ErrBadHost)
		}
		return host, nil
	case host == "localhost" || strings.HasSuffix(host, ".localhost"):
		return "", &RefusedError{Why: LocalHost}
	case looksNumeric(host):
		// 127.1, 2130706433 and 0x7f.1 are addresses to a system's resolver.
		return "", &RefusedError{Why: LocalHost}
	}
	return "", &RefusedError{Why: NotI2P}
}

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

// validLabels wants labels of a-z, 0-9 and inner hyphens, no two in a row but in
// punycode.
func validLabels(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxBlinded || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Contains(label, "--") && !strings.HasPrefix(label, "xn--") {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlphanumeric(c) && c != '-' {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(last, "0x")
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

func refuseAddress(a netip.Addr) error {
	a = a.Unmap()
	switch {
	case a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast():
		return &RefusedError{Why: LocalHost}
	case a.Is4():
		return &RefusedError{Why: IPv4Address}
	default:
		return &RefusedError{Why: IPv6Address}
	}
}

// parseAddress gives the zero Addr for what is none.
func parseAddress(s string) netip.Addr {
	a, err := netip.ParseAddr(unbracket(s))
	if err != nil {
		return netip.Addr{}
	}
	return a
}
