package wire

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// An Intro seals and opens the packets outside of handshake and session: TokenRequest, Retry, PeerTest, HolePunch ("KDF for Token
// Request" and so on). All of their keys are one intro key, the AEAD's nonce is the packet number, its associated data the
// header. Anybody may know the key: this authenticates nobody, but takes symmetric ciphers only. Whose key: TokenRequest Bob's
// (receiver), Retry Bob's (sender), HolePunch and PeerTest the receiver's.
//
// Safe for concurrent use.
type Intro struct {
	aead   cipher.AEAD
	header *HeaderKey
}

// NewIntro makes an Intro.
func NewIntro(key IntroKey) *Intro { return &Intro{aead: newAEAD(key), header: NewHeaderKey(key)} }

func newAEAD(key [KeyLen]byte) cipher.AEAD {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("wire: 32-byte key refused")
	}
	return aead
}

// Key is the key that masks headers.
func (i *Intro) Key() *HeaderKey { return i.header }

// Seal makes a packet of OutsideOverhead + len(payload) bytes. The header is complete, with a random Number; the payload has at
// least MinPayload bytes.
func (i *Intro) Seal(h Header, payload []byte) []byte {
	if !h.Type.outside() || len(payload) < MinPayload {
		panic(fmt.Sprintf("wire: %v of %d bytes outside of a session", h.Type, len(payload)))
	}
	packet := make([]byte, LongHeaderLen, OutsideOverhead+len(payload))
	h.put(packet)
	var nonce [nonceLen]byte
	binary.LittleEndian.PutUint32(nonce[4:], h.Number)
	packet = i.aead.Seal(packet, nonce[:], payload, packet)
	protect(packet, i.header, i.header, LongHeaderLen-ShortHeaderLen)
	return packet
}

// Open opens a packet in place: the payload, checked by ParseBlocks, aliases it. ErrType leaves the packet as it was: another
// type, or one of another key.
func (i *Intro) Open(packet []byte, want Type, networkID byte) (h Header, payload []byte, err error) {
	h, err = OpenHeader(packet, i.header, i.header)
	if err != nil {
		return h, nil, err
	}
	if h.Type != want || !want.outside() {
		return h, nil, fmt.Errorf("%w: %v, not %v", ErrType, h.Type, want)
	}
	if err := h.checkLong(networkID); err != nil {
		return h, nil, err
	}
	if len(packet) < OutsideOverhead+MinPayload {
		return h, nil, ErrShort
	}
	h.put(packet)
	var nonce [nonceLen]byte
	binary.LittleEndian.PutUint32(nonce[4:], h.Number)
	payload, err = i.aead.Open(packet[LongHeaderLen:LongHeaderLen], nonce[:], packet[LongHeaderLen:], packet[:LongHeaderLen])
	if err != nil {
		return h, nil, ErrAuthentication
	}
	_, err = ParseBlocks(payload)
	return h, payload, err
}
