package ntcp2

import (
	"encoding/binary"

	"clove.i2p/router/crypto/noise"
)

// directionKeys seal the frames of one direction and hide their lengths.
type directionKeys struct {
	cipher     [keyLen]byte
	sip1, sip2 uint64
	sipIV      [8]byte
}

// sessionKeys are for the data phase: initiator to responder, and back.
type sessionKeys struct{ ab, ba directionKeys }

// deriveSessionKeys ("Key Derivation Function (KDF) (for data phase)"): the cipher keys are Noise's Split, the SipHash keys
// come from the chaining key by way of "ask" and from the transcript.
func deriveSessionKeys(s *noise.Symmetric) (k sessionKeys) {
	k.ab.cipher, k.ba.cipher = s.Split()
	var master, ab, ba [32]byte
	ck, h := s.ChainKey(), s.Hash()
	noise.HKDF(ck[:], nil, "ask", &master)
	noise.HKDF(master[:], append(h[:], "siphash"...), "", &master)
	noise.HKDF(master[:], nil, "", &ab, &ba)
	k.ab.setSip(&ab)
	k.ba.setSip(&ba)
	clear(master[:])
	clear(ck[:])
	return k
}

func (d *directionKeys) setSip(b *[32]byte) {
	d.sip1 = binary.LittleEndian.Uint64(b[0:])
	d.sip2 = binary.LittleEndian.Uint64(b[8:])
	copy(d.sipIV[:], b[16:24])
}
