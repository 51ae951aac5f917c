package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// An endpoint is port 2 | IPv4 address 4 or IPv6 address 16: in Address blocks, and after its size in relay and peer test.
const (
	endpointV4Len = 6
	endpointV6Len = 18
)

func endpointLen(a netip.AddrPort) int {
	switch {
	case !a.IsValid():
		return 0
	case a.Addr().Is4():
		return endpointV4Len
	}
	return endpointV6Len
}

// appendEndpoint appends nothing for an address that is not valid.
func appendEndpoint(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, a.Port())
	if a.Addr().Is4() {
		ip := a.Addr().As4()
		return append(dst, ip[:]...)
	}
	ip := a.Addr().As16()
	return append(dst, ip[:]...)
}

// parseEndpoint takes all of b. An IPv4 address written as IPv6 stays one, so that what was signed is what is verified.
func parseEndpoint(b []byte) (netip.AddrPort, error) {
	switch len(b) {
	case endpointV4Len:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[2:])), binary.BigEndian.Uint16(b)), nil
	case endpointV6Len:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[2:])), binary.BigEndian.Uint16(b)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("%w: address of %d bytes", ErrMalformed, len(b))
}

// AppendAddress appends where the sender saw the receiver: 9 or 21 bytes ("Address"). a is valid.
func AppendAddress(dst []byte, a netip.AddrPort) []byte {
	return appendEndpoint(AppendBlockHeader(dst, BlockAddress, endpointLen(a)), a)
}

// ParseAddress reads the body of an Address block.
func ParseAddress(body []byte) (netip.AddrPort, error) { return parseEndpoint(body) }
