package i2np

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Sizes of the two headers in bytes.
const (
	ShortHeaderLen    = 9
	StandardHeaderLen = 16
)

// ErrChecksum means that the checksum of a standard header does not fit its payload.
var ErrChecksum = errors.New("i2np: wrong checksum")

// MessageID identifies a message between two routers for the time of its life.
type MessageID uint32

// NewMessageID returns a random message id, never 0. The ids are not secrets: the runtime's generator (ChaCha8,
// seeded by the system) is enough, and costs nothing on the packet path.
func NewMessageID() MessageID {
	for {
		if id := rand.Uint32(); id != 0 {
			return MessageID(id)
		}
	}
}

// Header is what both forms of the header carry. Expiration is router time.
type Header struct {
	Type       Type
	ID         MessageID
	Expiration time.Time
}

// NewHeader returns a header with a fresh message id that expires Lifetime after now.
func NewHeader(t Type, now time.Time) Header {
	return Header{Type: t, ID: NewMessageID(), Expiration: now.Add(Lifetime)}
}

// ParseShort splits a message in flight (i2np.md, "I2NP Message Header", short form for NTCP2 and SSU2):
//
//	type 1 | message id 4 | expiration in seconds 4 | payload
//
// The payload is lent. Its length is only bounded above.
func ParseShort(b []byte) (h Header, payload []byte, err error) {
	if len(b) < ShortHeaderLen {
		return h, nil, fmt.Errorf("i2np: short header: %d bytes of %d", len(b), ShortHeaderLen)
	}
	if len(b) > ShortHeaderLen+MaxPayload {
		return h, nil, fmt.Errorf("i2np: payload of %d bytes", len(b)-ShortHeaderLen)
	}
	h.Type = Type(b[0])
	h.ID = MessageID(binary.BigEndian.Uint32(b[1:]))
	h.Expiration = time.Unix(int64(binary.BigEndian.Uint32(b[5:])), 0)
	return h, b[ShortHeaderLen:], nil
}

// PutShort writes the short form over the first 9 bytes of b.
func (h Header) PutShort(b []byte) {
	_ = b[ShortHeaderLen-1]
	b[0] = byte(h.Type)
	binary.BigEndian.PutUint32(b[1:], uint32(h.ID))
	binary.BigEndian.PutUint32(b[5:], seconds(h.Expiration))
}

// AppendShort appends the short form.
func (h Header) AppendShort(b []byte) []byte {
	var s [ShortHeaderLen]byte
	h.PutShort(s[:])
	return append(b, s[:]...)
}

// ParseStandard splits a message with the standard header and checks its size and checksum; rest is what follows:
//
//	type 1 | message id 4 | expiration in milliseconds 8 | size 2 | checksum 1 | payload of that size | rest
//
// The checksum is the first byte of the payload's SHA-256.
func ParseStandard(b []byte) (h Header, payload, rest []byte, err error) {
	h, payload, rest, err = ParseStandardUnchecked(b)
	if err == nil {
		if sum := sha256.Sum256(payload); sum[0] != b[StandardHeaderLen-1] {
			return Header{}, nil, nil, ErrChecksum
		}
	}
	return h, payload, rest, err
}

// ParseStandardUnchecked is ParseStandard without the checksum. Gateways and endpoints use it: peers forward
// messages that came with a short header under a checksum of 0, and the tunnel message has a checksum of its own.
func ParseStandardUnchecked(b []byte) (h Header, payload, rest []byte, err error) {
	if len(b) < StandardHeaderLen {
		return h, nil, nil, fmt.Errorf("i2np: standard header: %d bytes of %d", len(b), StandardHeaderLen)
	}
	size := int(binary.BigEndian.Uint16(b[13:]))
	if size > MaxPayload || size > len(b)-StandardHeaderLen {
		return h, nil, nil, fmt.Errorf("i2np: size %d with %d bytes of payload", size, len(b)-StandardHeaderLen)
	}
	ms := binary.BigEndian.Uint64(b[5:])
	if ms > maxMillis {
		return h, nil, nil, fmt.Errorf("i2np: expiration beyond the year 2106")
	}
	h.Type = Type(b[0])
	h.ID = MessageID(binary.BigEndian.Uint32(b[1:]))
	h.Expiration = time.UnixMilli(int64(ms))
	return h, b[StandardHeaderLen : StandardHeaderLen+size], b[StandardHeaderLen+size:], nil
}

// maxMillis is the last date that the short form can hold.
const maxMillis = (1<<32 - 1) * 1000

// PutStandard writes the standard form for payload over the first 16 bytes of b. It panics if the payload is
// larger than MaxPayload.
func (h Header) PutStandard(b, payload []byte) {
	if len(payload) > MaxPayload {
		panic("i2np: payload larger than any message")
	}
	_ = b[StandardHeaderLen-1]
	sum := sha256.Sum256(payload)
	b[0] = byte(h.Type)
	binary.BigEndian.PutUint32(b[1:], uint32(h.ID))
	binary.BigEndian.PutUint64(b[5:], uint64(max(h.Expiration.UnixMilli(), 0)))
	binary.BigEndian.PutUint16(b[13:], uint16(len(payload)))
	b[15] = sum[0]
}

// AppendStandard appends the standard form and the payload. It panics if the payload is larger than MaxPayload.
func (h Header) AppendStandard(b, payload []byte) []byte {
	var s [StandardHeaderLen]byte
	h.PutStandard(s[:], payload)
	return append(append(b, s[:]...), payload...)
}

// Expired reports whether the message is to be dropped at now: more than MaxLate past its expiration, or with an
// expiration more than MaxEarly ahead.
func (h Header) Expired(now time.Time) bool {
	left := h.Expiration.Sub(now)
	return left < -MaxLate || left > MaxEarly
}

// seconds is the short form of a date: unsigned, to the nearest second.
func seconds(t time.Time) uint32 {
	return uint32(min(max((t.UnixMilli()+500)/1000, 0), 1<<32-1))
}
