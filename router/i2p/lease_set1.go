package i2p

import (
	"bytes"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// leaseSet1Lifetime is how long before its end a tunnel was built (Tunnel Implementation: ten minutes).
const leaseSet1Lifetime = 10 * time.Minute

// A LeaseSet1 is the old LeaseSet (Common Structures, LeaseSet), which is read but not made.
//
//	Destination | encryption key 256 | signing key | count 1 | leases of 44 bytes | signature
//
// The signing key, meant for revocation, is unused. The signature covers everything before it.
type LeaseSet1 struct {
	raw         []byte
	destination *Destination
	encryption  []byte
	leases      []Lease
	signature   []byte
}

// ParseLeaseSet reads a LeaseSet of store type 1; its signature is for Verify.
func ParseLeaseSet(b []byte) (ls *LeaseSet1, rest []byte, err error) {
	lent, rest, err := parseLeaseSet1(b)
	if err == nil {
		ls, _, err = parseLeaseSet1(bytes.Clone(lent.raw))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: lease set: %w", err)
	}
	return ls, rest, nil
}

func parseLeaseSet1(b []byte) (ls *LeaseSet1, rest []byte, err error) {
	k, rest, err := parseKeysAndCert(b)
	if err != nil {
		return nil, nil, fmt.Errorf("destination: %w", err)
	}
	ls = &LeaseSet1{destination: &Destination{k}}
	skip := k.signing.Type.PublicKeyLen()
	if len(rest) < encryptionFieldLen+skip {
		return nil, nil, ErrTruncated
	}
	ls.encryption = rest[:encryptionFieldLen:encryptionFieldLen]
	if ls.leases, rest, err = parseLeases(rest[encryptionFieldLen+skip:], leaseLen); err != nil {
		return nil, nil, err
	}
	sigLen := k.signing.Type.SignatureLen()
	if len(rest) < sigLen {
		return nil, nil, ErrTruncated
	}
	end := len(b) - len(rest) + sigLen
	if end > MaxLeaseSetLen {
		return nil, nil, ErrTooLarge
	}
	ls.raw = b[:end:end]
	ls.signature = ls.raw[end-sigLen:]
	return ls, b[end:], nil
}

// Hash is the name of the destination.
func (ls *LeaseSet1) Hash() Hash { return ls.destination.hash }

// Destination is whose LeaseSet this is.
func (ls *LeaseSet1) Destination() *Destination { return ls.destination }

// Published is estimated, as the old form does not tell: ten minutes before the earliest end of a lease. It orders
// LeaseSets as the network does, by the earliest end.
func (ls *LeaseSet1) Published() time.Time {
	if len(ls.leases) == 0 {
		return time.Time{}
	}
	first := ls.leases[0].End
	for _, l := range ls.leases[1:] {
		if l.End.Before(first) {
			first = l.End
		}
	}
	return first.Add(-leaseSet1Lifetime)
}

// Expires is the latest end of a lease.
func (ls *LeaseSet1) Expires() time.Time { return lastEnd(ls.leases) }

// Leases is shared.
func (ls *LeaseSet1) Leases() []Lease { return ls.leases }

// EncryptionKey returns the ElGamal key; the old form has no other.
func (ls *LeaseSet1) EncryptionKey(t keys.EncType) ([]byte, bool) {
	if t != keys.EncElGamal {
		return nil, false
	}
	return ls.encryption, true
}

// StoreType is StoreTypeLeaseSet.
func (ls *LeaseSet1) StoreType() byte { return StoreTypeLeaseSet }

// Bytes is the exact wire form; it is shared.
func (ls *LeaseSet1) Bytes() []byte { return ls.raw }

// Verify checks the signature.
func (ls *LeaseSet1) Verify() error {
	if !ls.destination.Verify(ls.raw[:len(ls.raw)-len(ls.signature)], ls.signature) {
		return fmt.Errorf("i2p: lease set: %w", ErrBadSignature)
	}
	return nil
}
