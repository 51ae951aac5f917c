package i2p

import (
	"encoding/binary"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// LeaseSetFlags are the flags of a LeaseSet2Header. Bits that are not defined are kept and ignored.
type LeaseSetFlags uint16

const (
	// FlagOffline: an OfflineSignature follows, its transient key signs.
	FlagOffline LeaseSetFlags = 1 << iota
	// FlagUnpublished: the LeaseSet of a client, not to be stored by floodfills.
	FlagUnpublished
	// FlagBlinded: it is encrypted when published.
	FlagBlinded
)

// An EncryptionKey of a LeaseSet2; the type may be one that this router does not know.
type EncryptionKey struct {
	Type keys.EncType
	Key  []byte
}

// A LeaseSet2 is what a destination publishes (Common Structures, LeaseSet2Header and LeaseSet2).
//
//	Destination | published 4 | expires 2, offset | flags 2 | OfflineSignature if flag 0
//	options Mapping | count 1, (type 2 | length 2 | encryption key) ... | count 1, leases of 40 bytes | signature
//
// The signature covers the store type, 3, and everything before itself.
type LeaseSet2 struct {
	signed      []byte // store type, then the wire form
	destination *Destination
	published   time.Time
	expires     time.Time
	flags       LeaseSetFlags
	offline     *OfflineSignature
	options     Mapping
	keys        []EncryptionKey
	leases      []Lease
	signature   []byte
}

// ParseLeaseSet2 reads a LeaseSet of store type 3; its signatures are for Verify.
func ParseLeaseSet2(b []byte) (ls *LeaseSet2, rest []byte, err error) {
	n, err := new(LeaseSet2).parse(b)
	if err == nil {
		ls = new(LeaseSet2)
		ls.signed = append(append(make([]byte, 0, 1+n), StoreTypeLeaseSet2), b[:n]...)
		_, err = ls.parse(ls.Bytes())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: lease set 2: %w", err)
	}
	return ls, b[n:], nil
}

// parse fills in everything but signed, sharing b, and returns the length.
func (ls *LeaseSet2) parse(b []byte) (int, error) {
	rest, err := ls.parseHeader(b)
	if err != nil {
		return 0, err
	}
	if ls.options, rest, err = parseMapping(rest); err != nil {
		return 0, fmt.Errorf("options: %w", err)
	}
	if rest, err = ls.parseEncryptionKeys(rest); err != nil {
		return 0, err
	}
	if ls.leases, rest, err = parseLeases(rest, lease2Len); err != nil {
		return 0, err
	}
	sigLen := ls.signer().Type.SignatureLen()
	if len(rest) < sigLen {
		return 0, ErrTruncated
	}
	ls.signature = rest[:sigLen:sigLen]
	n := len(b) - len(rest) + sigLen
	if n > MaxLeaseSetLen {
		return 0, fmt.Errorf("%w: %d bytes", ErrTooLarge, n)
	}
	return n, nil
}

func (ls *LeaseSet2) parseHeader(b []byte) (rest []byte, err error) {
	k, rest, err := parseKeysAndCert(b)
	if err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	ls.destination = &Destination{k}
	if len(rest) < SecondsLen+2+2 {
		return nil, ErrTruncated
	}
	if ls.published, rest, err = ParseSeconds(rest); err != nil {
		return nil, err
	}
	ls.expires = ls.published.Add(time.Duration(binary.BigEndian.Uint16(rest)) * time.Second)
	ls.flags = LeaseSetFlags(binary.BigEndian.Uint16(rest[2:]))
	rest = rest[4:]
	if ls.flags&FlagOffline == 0 {
		return rest, nil
	}
	o, rest, err := parseOfflineSignature(rest, k.signing.Type)
	if err != nil {
		return nil, fmt.Errorf("offline signature: %w", err)
	}
	ls.offline = &o
	return rest, nil
}

func (ls *LeaseSet2) parseEncryptionKeys(b []byte) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, ErrTruncated
	}
	n := int(b[0])
	b = b[1:]
	if n == 0 || n > maxEncryptionKeys {
		return nil, fmt.Errorf("%w: %d encryption keys", ErrMalformed, n)
	}
	ls.keys = make([]EncryptionKey, n)
	for i := range ls.keys {
		if len(b) < 4 {
			return nil, ErrTruncated
		}
		k := EncryptionKey{Type: keys.EncType(binary.BigEndian.Uint16(b))}
		size := int(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
		if want := k.Type.PublicKeyLen(); want != 0 && size != want {
			return nil, fmt.Errorf("%w: encryption key of type %d with %d bytes", ErrMalformed, k.Type, size)
		}
		if len(b) < size {
			return nil, ErrTruncated
		}
		k.Key, b = b[:size:size], b[size:]
		ls.keys[i] = k
	}
	return b, nil
}

// NewLeaseSet2 makes and signs the LeaseSet of the destination with these keys. It names the X25519 key of k and
// expires with the last of its leases. Two LeaseSets of a destination must differ in the second of published, or
// floodfills keep the first. Flags other than FlagOffline may be given.
func NewLeaseSet2(k *DestinationKeys, published time.Time, leases []Lease, opts Mapping, flags ...LeaseSetFlags) (*LeaseSet2, error) {
	if len(leases) > MaxLeases {
		return nil, fmt.Errorf("i2p: lease set 2: %w: %d leases", ErrTooLarge, len(leases))
	}
	var f LeaseSetFlags
	for _, flag := range flags {
		f |= flag
	}
	if f&FlagOffline != 0 {
		return nil, fmt.Errorf("i2p: lease set 2: %w: offline signature", ErrUnsupportedKey)
	}
	expires := min(max(lastEnd(leases).Unix()-int64(seconds(published)), 0), 0xffff)

	b := append(make([]byte, 0, 1024), StoreTypeLeaseSet2)
	b = append(b, k.Destination.Bytes()...)
	b = AppendSeconds(b, published)
	b = binary.BigEndian.AppendUint16(b, uint16(expires))
	b = binary.BigEndian.AppendUint16(b, uint16(f))
	b = opts.Append(b)

	pub := k.Encryption.Public()
	b = append(b, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(keys.EncX25519))
	b = binary.BigEndian.AppendUint16(b, uint16(len(pub)))
	b = append(b, pub[:]...)

	b = append(b, byte(len(leases)))
	for _, l := range leases {
		b = l.appendLease2(b)
	}
	b = append(b, k.Signing.Sign(b)...)

	ls := &LeaseSet2{signed: b}
	if _, err := ls.parse(ls.Bytes()); err != nil {
		return nil, fmt.Errorf("i2p: lease set 2: %w", err)
	}
	return ls, nil
}

// signer is the key that signs: the transient one where there is an offline signature.
func (ls *LeaseSet2) signer() keys.SigningPublicKey {
	if ls.offline != nil {
		return ls.offline.Transient
	}
	return ls.destination.signing
}

// Verify checks the signature and, where there is one, the offline signature, which must have been valid when the
// LeaseSet was published.
func (ls *LeaseSet2) Verify() error {
	if o := ls.offline; o != nil {
		if !o.Verify(ls.destination) {
			return fmt.Errorf("i2p: lease set 2: offline: %w", ErrBadSignature)
		}
		if !ls.published.Before(o.Expires) {
			return fmt.Errorf("i2p: lease set 2: offline: %w: transient key expired", ErrBadSignature)
		}
	}
	if !ls.signer().Verify(ls.signed[:len(ls.signed)-len(ls.signature)], ls.signature) {
		return fmt.Errorf("i2p: lease set 2: %w", ErrBadSignature)
	}
	return nil
}

// Hash is the name of the destination.
func (ls *LeaseSet2) Hash() Hash { return ls.destination.hash }

// Destination is whose LeaseSet this is.
func (ls *LeaseSet2) Destination() *Destination { return ls.destination }

// Published is when the destination signed this, in whole seconds.
func (ls *LeaseSet2) Published() time.Time { return ls.published }

// Expires is the end that the header names, or that of the transient key if that is earlier.
func (ls *LeaseSet2) Expires() time.Time {
	if ls.offline != nil && ls.offline.Expires.Before(ls.expires) {
		return ls.offline.Expires
	}
	return ls.expires
}

// Flags are the flags of the header.
func (ls *LeaseSet2) Flags() LeaseSetFlags { return ls.flags }

// Unpublished reports whether floodfills must not store, flood or return this.
func (ls *LeaseSet2) Unpublished() bool { return ls.flags&(FlagUnpublished|FlagBlinded) != 0 }

// Offline is the offline signature, or nil.
func (ls *LeaseSet2) Offline() *OfflineSignature { return ls.offline }

// Options are the options, such as service records.
func (ls *LeaseSet2) Options() Mapping { return ls.options }

// EncryptionKeys lists the keys, the one that the destination prefers first; shared.
func (ls *LeaseSet2) EncryptionKeys() []EncryptionKey { return ls.keys }

// EncryptionKey returns the first key of a type; shared.
func (ls *LeaseSet2) EncryptionKey(t keys.EncType) ([]byte, bool) {
	for _, k := range ls.keys {
		if k.Type == t {
			return k.Key, true
		}
	}
	return nil, false
}

// Leases is shared.
func (ls *LeaseSet2) Leases() []Lease { return ls.leases }

// StoreType is StoreTypeLeaseSet2.
func (ls *LeaseSet2) StoreType() byte { return StoreTypeLeaseSet2 }

// Bytes is the exact wire form; it is shared.
func (ls *LeaseSet2) Bytes() []byte { return ls.signed[1:] }
