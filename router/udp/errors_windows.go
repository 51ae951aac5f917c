package udp

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

func isTooLarge(err error) bool { return errors.Is(err, windows.WSAEMSGSIZE) }

// isSystemPassing knows the numbers of Windows: an ICMP "port unreachable" of an earlier datagram is a WSAECONNRESET of
// the next read.
func isSystemPassing(err error) bool {
	for _, e := range [...]syscall.Errno{
		windows.WSAECONNRESET, windows.WSAECONNREFUSED, windows.WSAENETRESET, windows.WSAENETUNREACH,
		windows.WSAEHOSTUNREACH, windows.WSAEHOSTDOWN, windows.WSAENOBUFS, windows.WSAENETDOWN, windows.WSAETIMEDOUT,
		windows.WSAEINTR,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
