package wire

import (
	"encoding/binary"
	"math/bits"
)

// An IntroKey is a router's introduction key, i in its SSU2 address: public, for obfuscation and for packets outside of a
// session.
type IntroKey [KeyLen]byte

// A HeaderKey masks headers with ChaCha20 from block 1: the convention of I2P for the bare cipher, and of i2pd here. It is ready
// to use, never changes, and may be shared. One block is all that a header ever needs, so it is computed here and not by
// x/crypto, whose cipher allocates and computes four.
type HeaderKey struct {
	k [8]uint32
}

// NewHeaderKey expands a key: an IntroKey, or one derived in the handshake.
func NewHeaderKey(key [KeyLen]byte) *HeaderKey {
	h := new(HeaderKey)
	for i := range h.k {
		h.k[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return h
}

const nonceLen = 12

// block is block 1 of the key stream of nonce, 12 bytes (RFC 8439 section 2.3).
func (h *HeaderKey) block(nonce []byte) [16]uint32 {
	_ = nonce[nonceLen-1]
	n0, n1, n2 := binary.LittleEndian.Uint32(nonce), binary.LittleEndian.Uint32(nonce[4:]), binary.LittleEndian.Uint32(nonce[8:])
	const c0, c1, c2, c3 = 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574
	x0, x1, x2, x3 := uint32(c0), uint32(c1), uint32(c2), uint32(c3)
	x4, x5, x6, x7 := h.k[0], h.k[1], h.k[2], h.k[3]
	x8, x9, x10, x11 := h.k[4], h.k[5], h.k[6], h.k[7]
	x12, x13, x14, x15 := uint32(1), n0, n1, n2
	for range 10 {
		x0, x4, x8, x12 = quarter(x0, x4, x8, x12)
		x1, x5, x9, x13 = quarter(x1, x5, x9, x13)
		x2, x6, x10, x14 = quarter(x2, x6, x10, x14)
		x3, x7, x11, x15 = quarter(x3, x7, x11, x15)
		x0, x5, x10, x15 = quarter(x0, x5, x10, x15)
		x1, x6, x11, x12 = quarter(x1, x6, x11, x12)
		x2, x7, x8, x13 = quarter(x2, x7, x8, x13)
		x3, x4, x9, x14 = quarter(x3, x4, x9, x14)
	}
	return [16]uint32{
		x0 + c0, x1 + c1, x2 + c2, x3 + c3,
		x4 + h.k[0], x5 + h.k[1], x6 + h.k[2], x7 + h.k[3],
		x8 + h.k[4], x9 + h.k[5], x10 + h.k[6], x11 + h.k[7],
		x12 + 1, x13 + n0, x14 + n1, x15 + n2,
	}
}

func quarter(a, b, c, d uint32) (uint32, uint32, uint32, uint32) {
	a += b
	d = bits.RotateLeft32(d^a, 16)
	c += d
	b = bits.RotateLeft32(b^c, 12)
	a += b
	d = bits.RotateLeft32(d^a, 8)
	c += d
	b = bits.RotateLeft32(b^c, 7)
	return a, b, c, d
}

// mask is the first 8 bytes of the key stream, little-endian.
func (h *HeaderKey) mask(nonce []byte) uint64 {
	_ = nonce[nonceLen-1]
	if fastMasks {
		m, _ := masks(&h.k, &h.k, &nonce[0], &nonce[0])
		return m
	}
	b := h.block(nonce)
	return uint64(b[0]) | uint64(b[1])<<32
}

// twoMasks is mask of two keys and nonces.
func twoMasks(k1, k2 *HeaderKey, n1, n2 []byte) (m1, m2 uint64) {
	_, _ = n1[nonceLen-1], n2[nonceLen-1]
	if fastMasks {
		return masks(&k1.k, &k2.k, &n1[0], &n2[0])
	}
	return k1.mask(n1), k2.mask(n2)
}

// xor changes b, at most 64 bytes, with the key stream of the nonce zero: the rest of a long header and the ephemeral key.
func (h *HeaderKey) xor(b []byte) {
	var zero [nonceLen]byte
	var stream [64]byte
	for i, w := range h.block(zero[:]) {
		binary.LittleEndian.PutUint32(stream[4*i:], w)
	}
	for i := range b {
		b[i] ^= stream[i]
	}
}
