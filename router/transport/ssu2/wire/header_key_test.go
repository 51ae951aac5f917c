package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"clove.i2p/router/crypto/noise"
)

// The masks and the stream are those of x/crypto's ChaCha20 from block 1, with and without assembly.
func TestHeaderKeyIsChaCha20FromBlockOne(t *testing.T) {
	r := rand.NewChaCha8([32]byte{1})
	for range 300 {
		var key1, key2 [KeyLen]byte
		var n1, n2 [nonceLen]byte
		for _, b := range [][]byte{key1[:], key2[:], n1[:], n2[:]} {
			r.Read(b)
		}
		want := func(key [KeyLen]byte, nonce [nonceLen]byte) uint64 {
			var b [8]byte
			noise.ChaCha20(b[:], b[:], &key, &nonce)
			return binary.LittleEndian.Uint64(b[:])
		}
		k1, k2 := NewHeaderKey(key1), NewHeaderKey(key2)
		m1, m2 := twoMasks(k1, k2, n1[:], n2[:])
		if m1 != want(key1, n1) || m2 != want(key2, n2) || k1.mask(n1[:]) != m1 || k2.mask(n2[:]) != m2 {
			t.Fatalf("masks %x %x, not %x %x", m1, m2, want(key1, n1), want(key2, n2))
		}
		if b := k1.block(n1[:]); uint64(b[0])|uint64(b[1])<<32 != m1 {
			t.Fatal("block differs from assembly")
		}
		var stream, wantStream [48]byte
		k1.xor(stream[:])
		noise.ChaCha20(wantStream[:], wantStream[:], &key1, new([nonceLen]byte))
		if stream != wantStream {
			t.Fatalf("stream %x, not %x", stream, wantStream)
		}
	}
}
