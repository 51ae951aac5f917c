package i2p

import (
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// Types of a DatabaseStore that carry a LeaseSet which this package reads. Encrypted (5) and meta (7) ones are
// ErrUnsupportedStoreType.
const (
	StoreTypeLeaseSet  byte = 1
	StoreTypeLeaseSet2 byte = 3
)

// A LeaseSet is what a destination publishes: where it receives, and what to encrypt to. LeaseSet1 and LeaseSet2
// implement it.
type LeaseSet interface {
	// Hash is the name of the destination.
	Hash() Hash
	Destination() *Destination
	// Published orders the LeaseSets of one destination.
	Published() time.Time
	// Expires is when the LeaseSet is of no use any more.
	Expires() time.Time
	// Leases is shared, not to be modified.
	Leases() []Lease
	// EncryptionKey returns the key of a type; shared.
	EncryptionKey(keys.EncType) ([]byte, bool)
	// StoreType is StoreTypeLeaseSet or StoreTypeLeaseSet2.
	StoreType() byte
	// Bytes is the exact wire form; it is shared.
	Bytes() []byte
	// Verify checks the signatures; the error is ErrBadSignature.
	Verify() error
}

var (
	_ LeaseSet = (*LeaseSet1)(nil)
	_ LeaseSet = (*LeaseSet2)(nil)
)

// ParseLeaseSetOfType reads the LeaseSet of a DatabaseStore; nothing may follow it. A store type that is not
// understood is ErrUnsupportedStoreType.
func ParseLeaseSetOfType(storeType byte, b []byte) (LeaseSet, error) {
	var (
		ls   LeaseSet
		rest []byte
		err  error
	)
	switch storeType {
	case StoreTypeLeaseSet:
		ls, rest, err = ParseLeaseSet(b)
	case StoreTypeLeaseSet2:
		ls, rest, err = ParseLeaseSet2(b)
	default:
		return nil, fmt.Errorf("i2p: %w: %d", ErrUnsupportedStoreType, storeType)
	}
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("i2p: lease set: %w: %d bytes follow it", ErrMalformed, len(rest))
	}
	return ls, nil
}
