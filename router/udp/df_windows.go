package udp

import (
	"net"

	"golang.org/x/sys/windows"
)

// dontFragment sets the "don't fragment" bit of all that is sent and reports whether the system took it.
func dontFragment(conn *net.UDPConn, network string) (ok bool) {
	const (
		ipDontFragment = 14 // IP_DONTFRAGMENT
		ipv6DontFrag   = 14 // IPV6_DONTFRAG
	)
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		h := windows.Handle(fd)
		v4 := windows.SetsockoptInt(h, windows.IPPROTO_IP, ipDontFragment, 1) == nil
		v6 := network != "udp4" && windows.SetsockoptInt(h, windows.IPPROTO_IPV6, ipv6DontFrag, 1) == nil
		ok = v4 && network != "udp6" || v6
	})
	return ok
}
