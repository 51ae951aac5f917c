package wire

import (
	"encoding/binary"
	"fmt"
)

// An I2NP message in short form, as here and in NTCP2, is type 1 | message ID 4 | expiration in seconds 4 | body. The I2NP and
// FirstFragment blocks have all or the first part of one; FollowOnFragment blocks have the rest.
const (
	// ShortMessageHeaderLen is what comes before the body of a short message.
	ShortMessageHeaderLen = 9
	// FollowOnHeaderLen is what a FollowOnFragment has before its data, without the block header.
	FollowOnHeaderLen = 5
	// MaxFragmentI2pd is the highest number of a follow-on fragment that i2pd takes, of 127 that 7 bits can say.
	MaxFragmentI2pd = 63
)

// AppendI2NP appends a whole short message ("I2NP Message").
func AppendI2NP(dst, message []byte) []byte { return AppendBlock(dst, BlockI2NP, message) }

// AppendFirstFragment appends the first part of a short message, at least one byte of its body ("First Fragment").
func AppendFirstFragment(dst, part []byte) []byte { return AppendBlock(dst, BlockFirstFragment, part) }

// MessageID is the ID in a short message or in the first part of one, which the body of an I2NP or FirstFragment block is.
func MessageID(message []byte) (uint32, error) {
	if len(message) <= ShortMessageHeaderLen {
		return 0, fmt.Errorf("%w: message or first fragment of %d bytes", ErrMalformed, len(message))
	}
	return binary.BigEndian.Uint32(message[1:]), nil
}

// A FollowOnFragment is a later part of a message ("Follow-on Fragment"):
//
//	number 7 bits, last 1 bit | message ID 4 | data
type FollowOnFragment struct {
	Number    int // 1 to 127
	Last      bool
	MessageID uint32
	Data      []byte // not empty
}

// Append appends the block.
func (f FollowOnFragment) Append(dst []byte) []byte {
	return append(f.AppendHeader(dst, len(f.Data)), f.Data...)
}

// AppendHeader appends all but the data, of which there are n bytes.
func (f FollowOnFragment) AppendHeader(dst []byte, n int) []byte {
	info := byte(f.Number) << 1
	if f.Last {
		info |= 1
	}
	dst = append(AppendBlockHeader(dst, BlockFollowOnFragment, FollowOnHeaderLen+n), info)
	return binary.BigEndian.AppendUint32(dst, f.MessageID)
}

// ParseFollowOnFragment reads the body of a FollowOnFragment block.
func ParseFollowOnFragment(body []byte) (FollowOnFragment, error) {
	if len(body) <= FollowOnHeaderLen || body[0]>>1 == 0 {
		return FollowOnFragment{}, fmt.Errorf("%w: FollowOnFragment of %d bytes", ErrMalformed, len(body))
	}
	return FollowOnFragment{
		Number: int(body[0] >> 1), Last: body[0]&1 != 0, MessageID: binary.BigEndian.Uint32(body[1:]), Data: body[FollowOnHeaderLen:],
	}, nil
}
