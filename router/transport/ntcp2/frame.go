package ntcp2

import (
	"crypto/cipher"
	"encoding/binary"

	"github.com/dchest/siphash"
	"golang.org/x/crypto/chacha20poly1305"
)

// A frameCipher is one direction of the data phase (ntcp2.md, "Data Phase"):
//
//	length 2, obfuscated | payload sealed with ChaCha20-Poly1305, tag 16 behind; nonce is the number of the frame
//
// It is for one goroutine. It keeps its scratch, and allocates nothing per frame.
type frameCipher struct {
	aead       cipher.AEAD
	nonce      [chacha20poly1305.NonceSize]byte
	frames     uint64
	sip1, sip2 uint64
	sipIV      [8]byte
}

func newFrameCipher(k *directionKeys) *frameCipher {
	aead, err := chacha20poly1305.New(k.cipher[:])
	if err != nil {
		panic("ntcp2: a 32-byte key was refused")
	}
	return &frameCipher{aead: aead, sip1: k.sip1, sip2: k.sip2, sipIV: k.sipIV}
}

// mask is the next mask of a length: every mask is the IV of the next.
func (c *frameCipher) mask() uint16 {
	binary.LittleEndian.PutUint64(c.sipIV[:], siphash.Hash(c.sip1, c.sip2, c.sipIV[:]))
	return binary.LittleEndian.Uint16(c.sipIV[:])
}

// seal completes a frame in place: lengthLen bytes of room, the payload, and capacity for the tag.
func (c *frameCipher) seal(frame []byte) []byte {
	payload := frame[lengthLen:]
	binary.BigEndian.PutUint16(frame, uint16(len(payload)+tagLen)^c.mask())
	sealed := c.aead.Seal(payload[:0], c.nextNonce(), payload, nil)
	return frame[:lengthLen+len(sealed)]
}

// length reveals the length of the next frame, tag included. It is called once per frame, before open.
func (c *frameCipher) length(b []byte) int { return int(binary.BigEndian.Uint16(b) ^ c.mask()) }

// open decrypts the next frame in place, without its length. After errAEAD the direction is dead.
func (c *frameCipher) open(sealed []byte) (payload []byte, err error) {
	payload, err = c.aead.Open(sealed[:0], c.nextNonce(), sealed, nil)
	if err != nil {
		return nil, errAEAD
	}
	return payload, nil
}

// nextNonce counts; at a frame a nanosecond the counter lasts for 500 years.
func (c *frameCipher) nextNonce() []byte {
	binary.LittleEndian.PutUint64(c.nonce[4:], c.frames)
	c.frames++
	return c.nonce[:]
}
