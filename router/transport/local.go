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
	if all := several(err); all != nil { // it takes more than one transport that cannot
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

// isBlameless tells whether a dial failed for what says nothing about the peer: our own trouble, or a RouterInfo, its own or that
// of an introducer, that was not found.
func isBlameless(err error) bool {
	if all := several(err); all != nil {
		return !slices.ContainsFunc(all, func(err error) bool { return !isBlameless(err) })
	}
	return isOurOwn(err) || errors.Is(err, errLookup) || errors.Is(err, ErrNoIntroducer)
}

// several are the errors of a dial that more than one transport tried, else nil.
func several(err error) dialErrors {
	var all dialErrors
	if errors.As(err, &all) && len(all) > 1 {
		return all
	}
	return nil
}

// sessionsWithin is how many sessions a process may have that may open so many files: half of them are for
// handshakes, proxies and the database.
func sessionsWithin(files uint64) int {
	return int(min(files/2, DefaultMaxSessions))
}
