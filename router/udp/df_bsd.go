//go:build darwin || freebsd

package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// dontFragment sets the "don't fragment" bit of all that is sent and reports whether the system took it.
func dontFragment(conn *net.UDPConn, network string) (ok bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		if network == "udp4" {
			ok = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) == nil
		} else {
			ok = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1) == nil
		}
	})
	return ok
}
