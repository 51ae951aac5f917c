package ratchet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// A BlockType of the payload (5).
type BlockType uint8

const (
	BlockDateTime       BlockType = 0
	BlockTermination    BlockType = 4
	BlockOptions        BlockType = 5
	BlockMessageNumbers BlockType = 6
	BlockNextKey        BlockType = 7
	BlockAck            BlockType = 8
	BlockAckRequest     BlockType = 9
	BlockGarlicClove    BlockType = 11
	BlockPadding        BlockType = 254
)

// Lengths of blocks with their headers, in bytes.
const (
	BlockHeader  = 3
	DateTimeLen  = BlockHeader + 4
	ackReqLen    = BlockHeader + 1
	nextKeyShort = BlockHeader + 3
	nextKeyLong  = BlockHeader + 35
)

var (
	errShort  = errors.New("too short")
	errLength = errors.New("wrong length")
	errOrder  = errors.New("block not allowed here")
	errMany   = errors.New("too many blocks")
	errFlags  = errors.New("impossible flags")

	errAuthentication = errors.New("message authentication failed")
)

// A Block is one block of a payload; Data is a part of the payload.
//
//	+----+----+----+----+ ... +
//	| type | size 2  | data   |
//	+----+----+----+----+ ... +
type Block struct {
	Type BlockType
	Data []byte
}

// ParseBlock reads the block at the start of b.
func ParseBlock(b []byte) (blk Block, rest []byte, err error) {
	if len(b) < BlockHeader {
		return blk, nil, fmt.Errorf("ratchet: parse block: %w", errShort)
	}
	n := int(binary.BigEndian.Uint16(b[1:3]))
	if len(b)-BlockHeader < n {
		return blk, nil, fmt.Errorf("ratchet: parse block %d: %w", b[0], errShort)
	}
	return Block{BlockType(b[0]), b[BlockHeader : BlockHeader+n]}, b[BlockHeader+n:], nil
}

// Append adds the block to b.
func (blk Block) Append(b []byte) []byte {
	return append(appendHeader(b, blk.Type, len(blk.Data)), blk.Data...)
}

func appendHeader(b []byte, t BlockType, n int) []byte {
	return append(b, byte(t), byte(n>>8), byte(n))
}

// AppendDateTime adds a DateTime block (7 bytes): seconds since the epoch.
func AppendDateTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(appendHeader(b, BlockDateTime, 4), uint32(t.Unix()))
}

func parseDateTime(data []byte) (time.Time, error) {
	if len(data) != 4 {
		return time.Time{}, fmt.Errorf("ratchet: parse DateTime: %w", errLength)
	}
	return time.Unix(int64(binary.BigEndian.Uint32(data)), 0), nil
}

// AppendTermination adds a Termination block (4 bytes).
func AppendTermination(b []byte, reason byte) []byte {
	return append(appendHeader(b, BlockTermination, 1), reason)
}

// AppendPadding adds a padding block with n zero bytes (they are encrypted).
func AppendPadding(b []byte, n int) []byte {
	return append(appendHeader(b, BlockPadding, n), make([]byte, n)...)
}

// Flags of a NextKey block.
const (
	flagKeyPresent = 1 << 0
	flagReverse    = 1 << 1
	flagRequest    = 1 << 2
)

// NextKey is the DH ratchet's block, 3 or 35 bytes of data:
//
//	+----+----+----+----+ ... ----+
//	|flag| key id  | key 32, opt. |
//	+----+----+----+----+ ... ----+
//
// A forward key comes from the sender of a tag set, a reverse key from its receiver.
type NextKey struct {
	Present bool // Key follows
	Reverse bool
	Request bool // only forward: asks for a new reverse key
	ID      uint16
	Key     keys.X25519Public
}

func (k NextKey) size() int {
	if k.Present {
		return nextKeyLong
	}
	return nextKeyShort
}

// Append adds the block with its header to b.
func (k NextKey) Append(b []byte) []byte {
	var flags byte
	if k.Present {
		flags |= flagKeyPresent
	}
	if k.Reverse {
		flags |= flagReverse
	}
	if k.Request {
		flags |= flagRequest
	}
	b = append(appendHeader(b, BlockNextKey, k.size()-BlockHeader), flags)
	b = binary.BigEndian.AppendUint16(b, k.ID)
	if k.Present {
		b = append(b, k.Key[:]...)
	}
	return b
}

// ParseNextKey reads the data of a NextKey block. Unused flags are ignored (future compatibility).
func ParseNextKey(data []byte) (k NextKey, err error) {
	if len(data) < 3 {
		return k, fmt.Errorf("ratchet: parse NextKey: %w", errShort)
	}
	k.Present = data[0]&flagKeyPresent != 0
	k.Reverse = data[0]&flagReverse != 0
	k.Request = data[0]&flagRequest != 0
	k.ID = binary.BigEndian.Uint16(data[1:3])
	switch {
	case len(data) != k.size()-BlockHeader:
		return k, fmt.Errorf("ratchet: parse NextKey: %w", errLength)
	case k.ID > maxKeyID, k.Reverse && k.Request:
		return k, fmt.Errorf("ratchet: parse NextKey: %w", errFlags)
	}
	copy(k.Key[:], data[3:])
	return k, nil
}

// A MessageNumber identifies an Existing Session message of one direction: tag set and index in it.
type MessageNumber struct {
	TagSet uint16
	N      uint16
}

func (m MessageNumber) append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, m.TagSet), m.N)
}

// AppendAck adds an Ack block for at least one message number to b.
func AppendAck(b []byte, acks []MessageNumber) []byte {
	b = appendHeader(b, BlockAck, 4*len(acks))
	for _, m := range acks {
		b = m.append(b)
	}
	return b
}

// checkAck verifies the length of an Ack block's data; ackAt reads its numbers.
func checkAck(data []byte) error {
	if len(data) == 0 || len(data)%4 != 0 {
		return fmt.Errorf("ratchet: parse Ack: %w", errLength)
	}
	return nil
}

func ackAt(data []byte, i int) MessageNumber {
	return MessageNumber{binary.BigEndian.Uint16(data[4*i:]), binary.BigEndian.Uint16(data[4*i+2:])}
}

// AppendAckRequest adds an Ack Request block (4 bytes).
func AppendAckRequest(b []byte) []byte {
	return append(appendHeader(b, BlockAckRequest, 1), 0)
}
