package keys

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
)

// X25519Len is the length of a public or private X25519 key in bytes.
const X25519Len = 32

// X25519Public is a public key: the u coordinate, little-endian.
type X25519Public [X25519Len]byte

// X25519Private is a private key. It does not print. The zero value holds no key: IsZero reports it, and its methods
// other than that panic.
type X25519Private struct{ k *hidden[*ecdh.PrivateKey] }

// GenerateX25519 makes a key pair.
func GenerateX25519() (X25519Private, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return X25519Private{}, fmt.Errorf("keys: generate X25519: %w", err)
	}
	return X25519Private{hide(k)}, nil
}

// NewX25519 takes a private key as it is stored. Every 32 bytes are a key: clamping happens in DH.
func NewX25519(raw [X25519Len]byte) X25519Private {
	k, err := ecdh.X25519().NewPrivateKey(raw[:])
	if err != nil {
		panic("keys: 32 bytes refused as X25519 private key")
	}
	return X25519Private{hide(k)}
}

// IsZero reports whether k holds no key.
func (k X25519Private) IsZero() bool { return k.k == nil }

// Public returns the public key.
func (k X25519Private) Public() X25519Public { return X25519Public(k.k.get().PublicKey().Bytes()) }

// Bytes returns the private key, for storage only.
func (k X25519Private) Bytes() [X25519Len]byte { return [X25519Len]byte(k.k.get().Bytes()) }

// DH returns the shared secret. It is an error if the result is all zero, which only a public key of low order gives.
func (k X25519Private) DH(public X25519Public) ([32]byte, error) {
	p, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return [32]byte{}, fmt.Errorf("keys: X25519: %w", err)
	}
	s, err := k.k.get().ECDH(p)
	if err != nil {
		return [32]byte{}, fmt.Errorf("keys: X25519: %w", err)
	}
	return [32]byte(s), nil
}

// Format prints no key material, whatever the verb.
func (k X25519Private) Format(f fmt.State, _ rune) { f.Write([]byte("X25519Private(secret)")) }
