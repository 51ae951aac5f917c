package ratchet

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// scratch keeps key and nonce of one message off the heap: as part of a Session they are passed to the cipher's
// interface without a copy. What remains is one allocation of 32 bytes per message, the cipher itself: every message
// has a key of its own, and the library has no way to change a cipher's key.
type scratch struct {
	key   [32]byte
	nonce [12]byte
}

// seal encrypts plaintext in place and appends the MAC.
func (s *scratch) seal(n uint16, plaintext, ad []byte) {
	aead, err := chacha20poly1305.New(s.key[:])
	if err != nil {
		panic("ratchet: 32-byte key refused")
	}
	binary.LittleEndian.PutUint64(s.nonce[4:], uint64(n))
	aead.Seal(plaintext[:0], s.nonce[:], plaintext, ad)
	s.key = [32]byte{}
}

// open decrypts ciphertext and MAC in place.
func (s *scratch) open(n uint16, ciphertext, ad []byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(s.key[:])
	if err != nil {
		panic("ratchet: 32-byte key refused")
	}
	binary.LittleEndian.PutUint64(s.nonce[4:], uint64(n))
	s.key = [32]byte{}
	p, err := aead.Open(ciphertext[:0], s.nonce[:], ciphertext, ad)
	if err != nil {
		return nil, fmt.Errorf("ratchet: open: %w", errAuthentication)
	}
	return p, nil
}
