package udp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes of the control messages (cmsg(3)) of one message, in bytes, rounded up for the alignment of every processor.
const (
	controlIn  = 128 // UDP_GRO: an int; IPV6_PKTINFO: 20
	controlOut = 96  // UDP_SEGMENT: 2; IPV6_PKTINFO: 20

	packetInfo4 = 12 // interface, local address for replies, destination
	packetInfo6 = 20 // destination, interface
)

// control is what the kernel says about a message.
type control struct {
	segment int // bytes of each packet but the last; 0: it is one packet
	local   netip.Addr
}

// parseControl reads the control messages of one message. What it does not know it passes over; what is broken ends it.
func parseControl(b []byte) (c control) {
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return c
		}
		b = rest
		switch {
		case h.Level == unix.SOL_UDP && h.Type == unix.UDP_GRO && len(data) >= 4:
			// An int, though udp(7) once said 16 bits.
			if n := int32(binary.NativeEndian.Uint32(data)); n > 0 {
				c.segment = int(n)
			}
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= packetInfo4:
			c.local = netip.AddrFrom4([4]byte(data[4:8]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= packetInfo6:
			c.local = netip.AddrFrom16([16]byte(data[:16])).Unmap()
		}
	}
	return c
}

// appendSegment appends the order to cut a message into packets of n bytes.
func appendSegment(b []byte, n int) []byte {
	b, data := appendHeader(b, unix.SOL_UDP, unix.UDP_SEGMENT, 2)
	binary.NativeEndian.PutUint16(data, uint16(n))
	return b
}

// appendSource appends the wish to send from an address: of an IPv6 socket in the form of IPv6, even for IPv4.
func appendSource(b []byte, a netip.Addr, v6 bool) []byte {
	if !v6 {
		b, data := appendHeader(b, unix.IPPROTO_IP, unix.IP_PKTINFO, packetInfo4)
		a4 := a.Unmap().As4()
		copy(data[4:], a4[:])
		return b
	}
	b, data := appendHeader(b, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, packetInfo6)
	a16 := a.As16()
	copy(data, a16[:])
	return b
}

// appendHeader appends a control message of n zero bytes and returns them too.
func appendHeader(b []byte, level, kind int32, n int) (all, data []byte) {
	at := len(b)
	all = b[:at+unix.CmsgSpace(n)]
	clear(all[at:])
	h := all[at:]
	length := unix.CmsgLen(n)
	if unix.SizeofCmsghdr == 16 {
		binary.NativeEndian.PutUint64(h, uint64(length))
	} else {
		binary.NativeEndian.PutUint32(h, uint32(length))
	}
	binary.NativeEndian.PutUint32(h[unix.SizeofCmsghdr-8:], uint32(level))
	binary.NativeEndian.PutUint32(h[unix.SizeofCmsghdr-4:], uint32(kind))
	return all, h[unix.CmsgLen(0) : unix.CmsgLen(0)+n]
}
