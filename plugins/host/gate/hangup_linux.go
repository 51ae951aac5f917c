package gate

import (
	"net"

	"golang.org/x/sys/unix"
)

// waitHangup waits until the peer has closed both directions. It is false if conn was closed here first. Nobody may read from conn
// meanwhile.
func waitHangup(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	// The poller wakes us at each change of the socket's state, also when there is nothing to read.
	err = raw.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(p, 0)
		return err == nil && n == 1 && p[0].Revents&unix.POLLHUP != 0
	})
	return err == nil
}
