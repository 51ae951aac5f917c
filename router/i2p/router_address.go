package i2p

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"clove.i2p/router/crypto/keys"
)

// A RouterAddress is one way to reach a router (Common Structures, RouterAddress).
//
//	cost 1 | expiration 8, zero | style String | options Mapping
type RouterAddress struct {
	Cost    uint8
	Style   string // "NTCP2", "SSU2"
	Options Mapping
}

// NewRouterAddress makes an address from its options.
func NewRouterAddress(cost uint8, style string, options map[string]string) (RouterAddress, error) {
	if style == "" || len(style) > maxStringLen {
		return RouterAddress{}, fmt.Errorf("i2p: router address: %w: style of %d bytes", ErrMalformed, len(style))
	}
	m, err := NewMapping(options)
	if err != nil {
		return RouterAddress{}, fmt.Errorf("i2p: router address: %w", err)
	}
	return RouterAddress{Cost: cost, Style: style, Options: m}, nil
}

// ParseRouterAddress reads an address. An expiration other than zero is ErrMalformed.
func ParseRouterAddress(b []byte) (a RouterAddress, rest []byte, err error) {
	if a, rest, err = parseRouterAddress(b); err != nil {
		return RouterAddress{}, nil, fmt.Errorf("i2p: router address: %w", err)
	}
	return a, rest, nil
}

func parseRouterAddress(b []byte) (a RouterAddress, rest []byte, err error) {
	if len(b) < 1+DateLen+1 {
		return a, nil, ErrTruncated
	}
	a.Cost = b[0]
	if binary.BigEndian.Uint64(b[1:]) != 0 {
		return a, nil, fmt.Errorf("%w: expiration is not zero", ErrMalformed)
	}
	n := int(b[1+DateLen])
	b = b[1+DateLen+1:]
	if n == 0 {
		return a, nil, fmt.Errorf("%w: no style", ErrMalformed)
	}
	if len(b) < n {
		return a, nil, ErrTruncated
	}
	a.Style = string(b[:n])
	a.Options, rest, err = parseMapping(b[n:])
	return a, rest, err
}

// Append appends the wire form.
func (a RouterAddress) Append(b []byte) []byte {
	b = append(b, a.Cost)
	b = append(b, make([]byte, DateLen)...)
	b = append(append(b, byte(len(a.Style))), a.Style...)
	return a.Options.Append(b)
}

// Host is the published IP address; not valid where there is none or where it is a name: names are not resolved.
func (a RouterAddress) Host() netip.Addr {
	ip, err := netip.ParseAddr(a.Options.Get("host"))
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}
	}
	return ip.Unmap()
}

// Port is the published port, 0 for none.
func (a RouterAddress) Port() uint16 {
	p, err := strconv.ParseUint(a.Options.Get("port"), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(p)
}

// AddrPort is Host and Port; not valid unless both are there.
func (a RouterAddress) AddrPort() netip.AddrPort {
	ip, port := a.Host(), a.Port()
	if !ip.IsValid() || port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, port)
}

// Caps are the capabilities of the address: 4 and 6 for the families of one without host, B and C for SSU2.
func (a RouterAddress) Caps() string { return a.Options.Get("caps") }

// IsV4 reports whether the address is for IPv4: by its host or, without one, by its capabilities.
func (a RouterAddress) IsV4() bool {
	if ip := a.Host(); ip.IsValid() {
		return ip.Is4()
	}
	return strings.Contains(a.Caps(), "4")
}

// IsV6 is IsV4 for IPv6.
func (a RouterAddress) IsV6() bool {
	if ip := a.Host(); ip.IsValid() {
		return ip.Is6()
	}
	return strings.Contains(a.Caps(), "6")
}

// StaticKey is option "s", the transport's X25519 key. The high bit of its last byte is clear, as X25519 ignores it
// and peers compare keys bytewise.
func (a RouterAddress) StaticKey() (keys.X25519Public, bool) {
	k, ok := a.key("s")
	if k[31]&0x80 != 0 {
		return keys.X25519Public{}, false
	}
	return keys.X25519Public(k), ok
}

// IntroKey is the 32-byte option "i" of SSU2.
func (a RouterAddress) IntroKey() ([32]byte, bool) { return a.key("i") }

// IV is the 16-byte option "i" of NTCP2.
func (a RouterAddress) IV() (iv [16]byte, ok bool) {
	b, err := DecodeBase64(a.Options.Get("i"))
	if err != nil || len(b) != len(iv) {
		return iv, false
	}
	return [16]byte(b), true
}

func (a RouterAddress) key(option string) (k [32]byte, ok bool) {
	b, err := DecodeBase64(a.Options.Get(option))
	if err != nil || len(b) != len(k) {
		return k, false
	}
	return [32]byte(b), true
}
