package i2p

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"clove.i2p/router/crypto/keys"
)

// privateFieldLen is the private key of a destination of encryption type 0 in a key file.
const privateFieldLen = 256

// DestinationKeys are a destination and its private keys.
//
//	Destination | private key field 256 (32 for a destination of type X25519) | signing private key
//
// It is the private key file of the other routers. The encryption key of a destination is unused since 2005; the first
// 32 bytes of the field hold the X25519 key of its LeaseSets, so that a restart does not change it.
type DestinationKeys struct {
	Destination *Destination
	Encryption  keys.X25519Private
	Signing     keys.SigningPrivateKey

	// tail is the rest of the private key field, kept so that a file is written as it was read; zeros if it is nil.
	tail []byte
}

// NewDestinationKeys makes a destination that signs with type t: Ed25519, or Red25519 if it is to be blinded.
func NewDestinationKeys(t keys.SigType) (*DestinationKeys, error) {
	sig, err := keys.GenerateSigning(t)
	if err != nil {
		return nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	enc, err := keys.GenerateX25519()
	if err != nil {
		return nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	k, err := makeKeysAndCert(sig.Public(), keys.EncElGamal, nil)
	if err != nil {
		return nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	tail := make([]byte, privateFieldLen-32)
	rand.Read(tail)
	return &DestinationKeys{Destination: &Destination{k}, Encryption: enc, Signing: sig, tail: tail}, nil
}

// ParseDestinationKeys reads a private key file. A signing key that does not belong to the destination is
// ErrMalformed, offline keys and encryption types other than 0 and 4 are ErrUnsupportedKey.
func ParseDestinationKeys(b []byte) (k *DestinationKeys, rest []byte, err error) {
	d, rest, err := ParseDestination(b)
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	size := privateFieldLen
	switch d.encType {
	case keys.EncElGamal:
	case keys.EncX25519:
		size = 32
	default:
		return nil, nil, fmt.Errorf("i2p: destination keys: %w: encryption type %d", ErrUnsupportedKey, d.encType)
	}
	if len(rest) < size {
		return nil, nil, fmt.Errorf("i2p: destination keys: %w", ErrTruncated)
	}
	k = &DestinationKeys{Destination: d, tail: bytes.Clone(rest[32:size])}
	if k.Encryption, err = leaseSetKey(rest[:32]); err != nil {
		return nil, nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	if k.Signing, rest, err = parseSigningPrivate(d.signing, rest[size:]); err != nil {
		return nil, nil, fmt.Errorf("i2p: destination keys: %w", err)
	}
	return k, rest, nil
}

// leaseSetKey takes the X25519 key from the private key field. A file of another router may hold a short ElGamal
// exponent, which begins with zeros, or nothing: everybody would know that key, so a fresh one serves.
func leaseSetKey(b []byte) (keys.X25519Private, error) {
	var zeros int
	for _, c := range b {
		if c == 0 {
			zeros++
		}
	}
	if zeros > 16 {
		return keys.GenerateX25519()
	}
	return keys.NewX25519([32]byte(b)), nil
}

// Append appends the file form, which is secret.
func (k *DestinationKeys) Append(b []byte) []byte {
	enc := k.Encryption.Bytes()
	b = append(append(b, k.Destination.Bytes()...), enc[:]...)
	if b = append(b, k.tail...); len(k.tail) == 0 && k.Destination.encType == keys.EncElGamal {
		b = append(b, make([]byte, privateFieldLen-len(enc))...)
	}
	return append(b, k.Signing.Bytes()...)
}

// String does not print the keys.
func (k *DestinationKeys) String() string { return "keys of " + k.Destination.String() }
