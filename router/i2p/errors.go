package i2p

import "errors"

// What is wrong with bytes that do not parse, and with signatures that do not verify.
var (
	ErrTruncated      = errors.New("truncated")
	ErrMalformed      = errors.New("malformed")
	ErrTooLarge       = errors.New("too large")
	ErrUnsupportedKey = errors.New("unsupported key type")
	ErrBadSignature   = errors.New("signature does not verify")
	// ErrUnsupportedStoreType: an encrypted or meta LeaseSet, or none at all.
	ErrUnsupportedStoreType = errors.New("unsupported store type")
)
