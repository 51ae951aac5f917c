package transport

import (
	"errors"
	"syscall"
)

// ourOwn are the errors of a dial that tell about this machine and nothing about the peer: out of descriptors or
// memory, or no network at all.
var ourOwn = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENETDOWN, syscall.ENETUNREACH,
	syscall.EADDRNOTAVAIL, ErrClosed,
}

func isOurOwn(err error) bool {
	for _, e := range ourOwn {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sessionsWithin is how many sessions a process may have that may open so many files: half of them are for
// handshakes, proxies and the database.
func sessionsWithin(files uint64) int {
	return int(min(files/2, DefaultMaxSessions))
}
