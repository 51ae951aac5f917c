package udp

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// address reads what the kernel wrote: sockaddr_in or sockaddr_in6.
func address(n *unix.RawSockaddrInet6) netip.AddrPort {
	switch n.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), ntohs(&v4.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(n.Addr).Unmap(), ntohs(&n.Port))
	}
	return netip.AddrPort{}
}

// setAddress writes what the kernel reads, and returns its size; 0 if a socket of this family cannot send there.
func setAddress(n *unix.RawSockaddrInet6, a netip.AddrPort, v6 bool) uint32 {
	ip := a.Addr()
	if !ip.IsValid() {
		return 0
	}
	if v6 {
		*n = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: ip.As16()} // IPv4 as 4-in-6
		htons(&n.Port, a.Port())
		return unix.SizeofSockaddrInet6
	}
	if ip = ip.Unmap(); !ip.Is4() {
		return 0
	}
	v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
	*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: ip.As4()}
	htons(&v4.Port, a.Port())
	return unix.SizeofSockaddrInet4
}

// Ports are big-endian in memory.
func ntohs(p *uint16) uint16    { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
func htons(p *uint16, v uint16) { binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(p))[:], v) }
