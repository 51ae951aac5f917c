package noise

import (
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// TagLen is the length of the Poly1305 tag in bytes.
const TagLen = chacha20poly1305.Overhead

// ErrAuthentication means that a ciphertext, its associated data or its key is not the one that was sealed.
var ErrAuthentication = errors.New("noise: message authentication failed")

// Nonce is the 12-byte nonce of message n: four zeros, then n little-endian.
func Nonce(n uint64) (nonce [12]byte) {
	binary.LittleEndian.PutUint64(nonce[4:], n)
	return nonce
}

// Seal appends the ChaCha20-Poly1305 ciphertext and tag of message n to dst. A connection that sends many messages
// under one key keeps a cipher.AEAD of its own instead.
func Seal(dst []byte, key *[32]byte, n uint64, plaintext, ad []byte) []byte {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("noise: 32-byte key refused")
	}
	nonce := Nonce(n)
	return aead.Seal(dst, nonce[:], plaintext, ad)
}

// Open appends the plaintext of message n to dst. The only error is ErrAuthentication.
func Open(dst []byte, key *[32]byte, n uint64, ciphertext, ad []byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("noise: 32-byte key refused")
	}
	nonce := Nonce(n)
	out, err := aead.Open(dst, nonce[:], ciphertext, ad)
	if err != nil {
		return nil, ErrAuthentication
	}
	return out, nil
}
