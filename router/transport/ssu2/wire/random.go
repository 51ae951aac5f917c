package wire

import (
	"crypto/rand"
	"encoding/binary"
	"io"

	"clove.i2p/router/crypto/keys"
)

func orRand(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}

// ephemeralKey is a key from 32 random bytes.
func ephemeralKey(random io.Reader) keys.X25519Private {
	var b [KeyLen]byte
	readRandom(random, b[:])
	defer clear(b[:])
	return keys.NewX25519(b)
}

// randomNumber is the packet number of packets that have no place in a sequence.
func randomNumber(random io.Reader) uint32 {
	var b [4]byte
	readRandom(random, b[:])
	return binary.BigEndian.Uint32(b[:])
}

func readRandom(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic("wire: no random bytes: " + err.Error())
	}
}
