package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"clove.i2p/plugins/visitors"
)

// The PROXY protocol (haproxy.org, proxy-protocol.txt): what a server is told about where a connection comes from. The source is
// the address that stands for the peer, its port 0; the target is that of the connection.
//
//	v1   PROXY TCP4 source target 0 port CR LF
//	v2   12 bytes of signature, 0x21, 0x11 or 0x21, length; source, target, ports; then
//	     0xE0, length, name: the destination's .b32.i2p name
const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyVersion   = 0x21 // version 2, PROXY
	proxyTCP4      = 0x11
	proxyTCP6      = 0x21
	proxyI2PName   = 0xE0 // the first of the types for own use
)

func proxyHeader(version, target string, p visitors.Peer) []byte {
	to, port := proxyTarget(target)
	from, family, word := p.Source(), byte(proxyTCP4), "TCP4"
	if !to.Is4() {
		from, family, word = sourceV6(p), proxyTCP6, "TCP6"
	}
	if version == "v1" {
		return fmt.Appendf(nil, "PROXY %s %s %s 0 %d\r\n", word, from, to, port)
	}
	body := append(from.AsSlice(), to.AsSlice()...)
	body = append(body, 0, 0)
	body = binary.BigEndian.AppendUint16(body, port)
	name := p.Base32()
	body = append(body, proxyI2PName)
	body = binary.BigEndian.AppendUint16(body, uint16(len(name)))
	body = append(body, name...)
	b := append([]byte(proxySignature), proxyVersion, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

// proxyTarget is the target as an address; that of a name is not known here, and 127.0.0.1 stands for it.
func proxyTarget(target string) (netip.Addr, uint16) {
	host, port, _ := net.SplitHostPort(target)
	n, _ := strconv.ParseUint(port, 10, 16)
	a, err := netip.ParseAddr(host)
	if err != nil {
		a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return a.Unmap().WithZone(""), uint16(n)
}
