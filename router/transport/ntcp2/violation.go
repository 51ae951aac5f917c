package ntcp2

import (
	"errors"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// violation is the error of a reader, as a transport.Violation where the peer is to be banned for it: it sent malformed blocks under
// the keys of its session. A RouterInfo that we cannot read is no such thing, as it may be newer than we are; nor is a
// frame that does not authenticate, which anybody on the way can make.
func violation(err error) error {
	if !errors.Is(err, errMalformed) {
		return err
	}
	for _, unread := range []error{i2p.ErrTruncated, i2p.ErrMalformed, i2p.ErrTooLarge, i2p.ErrUnsupportedKey} {
		if errors.Is(err, unread) {
			return err
		}
	}
	return &transport.Violation{Reason: transport.BanProtocol, Err: err}
}
