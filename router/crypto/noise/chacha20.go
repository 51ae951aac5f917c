package noise

import "golang.org/x/crypto/chacha20"

// ChaCha20 XORs src with the key stream into dst, which is src itself or does not overlap it. The stream starts at
// block 1, not 0: the convention of I2P wherever the cipher is used without Poly1305 (build records, SSU2 headers,
// encrypted LeaseSets), inherited from RFC 7539 section 2.4.
func ChaCha20(dst, src []byte, key *[32]byte, nonce *[12]byte) {
	c, err := chacha20.NewUnauthenticatedCipher(key[:], nonce[:])
	if err != nil {
		panic("noise: 32-byte key and 12-byte nonce refused")
	}
	c.SetCounter(1)
	c.XORKeyStream(dst, src)
}
