package noise

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
)

const (
	blockLen = 64 // SHA-256
	// stackData is the longest input of one HMAC that stays on the stack: a chaining key, an info string and a
	// counter (65 bytes), a shared secret (32), with room for the longest input of the ratchet.
	stackData = 160
)

// HKDF fills 1 to 3 outputs as RFC 5869 does with SHA-256 (n = 32 per output). An empty ikm is I2P's ZEROLEN. Outputs may alias
// salt and ikm. It does not allocate for ikm up to 160 bytes and info up to 127.
func HKDF(salt, ikm []byte, info string, out ...*[32]byte) {
	if len(out) == 0 || len(out) > 3 {
		panic("noise: HKDF gives 1 to 3 outputs")
	}
	var prk, t [32]byte
	hmacSHA256(&prk, salt, ikm, "", 0)
	for i, o := range out {
		prev := t[:]
		if i == 0 {
			prev = nil
		}
		hmacSHA256(&t, prk[:], prev, info, byte(i+1))
		*o = t
	}
}

// hmacSHA256 sets out = HMAC(key, data || info || counter); a counter of 0 is left out. out may alias data.
func hmacSHA256(out *[32]byte, key, data []byte, info string, counter byte) {
	if len(key) > blockLen || len(data)+len(info)+1 > stackData {
		*out = longHMAC(key, data, info, counter)
		return
	}
	var inner [blockLen + stackData]byte
	var outer [blockLen + 32]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range blockLen {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := blockLen
	n += copy(inner[n:], data)
	n += copy(inner[n:], info)
	if counter != 0 {
		inner[n] = counter
		n++
	}
	sum := sha256.Sum256(inner[:n])
	copy(outer[blockLen:], sum[:])
	*out = sha256.Sum256(outer[:])
}

// longHMAC copies what it is given, so that the callers' arrays can stay on the stack on the short path.
func longHMAC(key, data []byte, info string, counter byte) [32]byte {
	m := hmac.New(sha256.New, bytes.Clone(key))
	m.Write(bytes.Clone(data))
	m.Write([]byte(info))
	if counter != 0 {
		m.Write([]byte{counter})
	}
	return [32]byte(m.Sum(nil))
}
