package transport

import (
	"errors"
	"slices"
	"syscall"
)

// ourOwn are the errors of a dial that tell about this machine and nothing about the peer: out of descriptors or
// memory or places, or no network at all.
var ourOwn = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENETDOWN, syscall.ENETUNREACH,
	syscall.EADDRNOTAVAIL, ErrClosed, ErrBusy,
}

func isOurOwn(err error) bool {
	var all dialErrors
	if errors.As(err, &all) && len(all) > 1 { // it takes more than one transport that cannot
		return !slices.ContainsFunc(all, func(err error) bool { return !isOurOwn(err) })
	}
	if own := (interface{ OurOwn() bool })(nil); errors.As(err, &own) && own.OurOwn() { // a proxy of ours
		return true
	}
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
