package naming

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a host. All of them are ErrUnknownHost to errors.Is.
var (
	ErrUnknownHost = errors.New("unknown host")
	ErrInvalidHost = fmt.Errorf("%w: not a host name of I2P", ErrUnknownHost)
	ErrBlinded     = fmt.Errorf("%w: it is the blinded address of an encrypted LeaseSet, which is not supported yet", ErrUnknownHost)
)

const (
	suffix       = ".i2p"
	base32Suffix = ".b32.i2p"
)

// Normalize gives the one spelling of a host name: lower case, without a final dot and without ".alt" after ".i2p"
// (RFC 9476). A name that breaks the naming rules is ErrInvalidHost.
func Normalize(host string) (string, error) {
	if len(host) > maxBlindedLen {
		return "", fmt.Errorf("naming: %w: %d characters", ErrInvalidHost, len(host))
	}
	name := strings.TrimSuffix(lower(host), ".")
	if strings.HasSuffix(name, suffix+".alt") {
		name = strings.TrimSuffix(name, ".alt")
	}
	if err := check(name); err != nil {
		return "", fmt.Errorf("naming: %q: %w", host, err)
	}
	return name, nil
}

// lower folds ASCII only: folding by Unicode maps some other letters to a-z.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// check applies the naming rules of the specification.
func check(name string) error {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-':
		default:
			return fmt.Errorf("%w: character %q", ErrInvalidHost, c)
		}
	}
	host, ok := strings.CutSuffix(name, suffix)
	switch {
	case !ok:
		return fmt.Errorf("%w: it does not end with .i2p", ErrInvalidHost)
	case len(name) > maxNameLen && !strings.HasSuffix(name, base32Suffix):
		return fmt.Errorf("%w: more than %d characters", ErrInvalidHost, maxNameLen)
	}
	for label := range strings.SplitSeq(host, ".") {
		switch {
		case label == "":
			return fmt.Errorf("%w: an empty part", ErrInvalidHost)
		case label[0] == '-' || label[len(label)-1] == '-':
			return fmt.Errorf("%w: a part begins or ends with -", ErrInvalidHost)
		case strings.Contains(strings.TrimPrefix(label, "xn--"), "--"):
			return fmt.Errorf("%w: -- that is not of xn--", ErrInvalidHost)
		}
	}
	return nil
}
