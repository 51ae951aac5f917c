package ntcp2

import (
	"crypto/rand"
	"encoding/binary"
	"io"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/noise"
)

// ephemeralKey is a key from 32 random bytes.
func ephemeralKey(random io.Reader) keys.X25519Private {
	var b [keyLen]byte
	readRandom(random, b[:])
	defer clear(b[:])
	return keys.NewX25519(b)
}

// appendRandom appends n random bytes of padding and mixes them into the transcript.
func appendRandom(random io.Reader, msg []byte, n int, s *noise.Symmetric) []byte {
	if n == 0 {
		return msg
	}
	at := len(msg)
	msg = append(msg, make([]byte, n)...)
	readRandom(random, msg[at:])
	s.MixHash(msg[at:])
	return msg
}

// randomUpTo is in 0..n, both included, and uniform but for less than one part in 2^32.
func randomUpTo(random io.Reader, n int) int {
	var b [8]byte
	readRandom(random, b[:])
	return int(binary.LittleEndian.Uint64(b[:]) % uint64(n+1))
}

// someOf is randomUpTo from the system.
func someOf(n int) int { return randomUpTo(rand.Reader, n) }

func readRandom(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic("ntcp2: no random bytes: " + err.Error())
	}
}
