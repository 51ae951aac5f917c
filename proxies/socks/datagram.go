package socks

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Address types, RFC 1928 section 5.
const (
	typeIPv4 = 1
	typeName = 3
	typeIPv6 = 4
)

// maxHeader is that of a datagram with the longest name.
const maxHeader = 2 + 1 + 1 + 1 + 255 + 2

var (
	errHeader   = errors.New("socks: malformed datagram header")
	errFragment = errors.New("socks: fragmented datagram")
)

// parseDatagram reads the header of RFC 1928 section 7. data is part of b.
//
//	reserved 2 (0) | fragment 1 | address type 1 | address 4, 16 or length 1 and name | port 2 | data
func parseDatagram(b []byte) (host string, port int, data []byte, err error) {
	if len(b) < 5 || b[0] != 0 || b[1] != 0 {
		return "", 0, nil, errHeader
	}
	if b[2] != 0 {
		return "", 0, nil, errFragment
	}
	kind, b := b[3], b[4:]
	var size int
	switch kind {
	case typeIPv4:
		size = 4
	case typeIPv6:
		size = 16
	case typeName:
		size, b = int(b[0]), b[1:]
	default:
		return "", 0, nil, errHeader
	}
	if size == 0 || len(b) < size+2 {
		return "", 0, nil, errHeader
	}
	if kind == typeName {
		host = string(b[:size])
	} else {
		a, _ := netip.AddrFromSlice(b[:size])
		host = a.String()
	}
	return host, int(binary.BigEndian.Uint16(b[size:])), b[size+2:], nil
}

// appendHeader appends the header of a datagram that came from a host of at most 255 bytes.
func appendHeader(b []byte, host string, port int) []byte {
	b = append(b, 0, 0, 0, typeName, byte(len(host)))
	b = append(b, host...)
	return binary.BigEndian.AppendUint16(b, uint16(port))
}

// appendAddress appends type, address and port, as in replies.
func appendAddress(b []byte, a netip.AddrPort) []byte {
	kind := byte(typeIPv6)
	if a.Addr().Is4() {
		kind = typeIPv4
	}
	b = append(append(b, kind), a.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}
