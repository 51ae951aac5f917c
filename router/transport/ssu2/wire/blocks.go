package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Blocks goes through the blocks of a payload:
//
//	type 1 | size 2 | body size
//
//	b, err := ParseBlocks(payload)
//	for b.Next() { b.Type, b.Body }
type Blocks struct {
	Type BlockType
	Body []byte // aliases the payload
	rest []byte
}

// ParseBlocks checks the whole payload before any block is acted on: every size fits, nothing follows Padding, only Padding
// follows Termination ("Block Ordering Rules"). It does not allocate but for an error, which is ErrMalformed. Java I2P refuses
// the same; i2pd takes any order but sends none other than this.
func ParseBlocks(payload []byte) (Blocks, error) {
	var last BlockType
	for rest, first := payload, true; len(rest) > 0; first = false {
		if len(rest) < BlockHeaderLen {
			return Blocks{}, fmt.Errorf("%w: %d bytes after the last block", ErrMalformed, len(rest))
		}
		t, n := BlockType(rest[0]), int(binary.BigEndian.Uint16(rest[1:]))
		if n > len(rest)-BlockHeaderLen {
			return Blocks{}, fmt.Errorf("%w: %v of %d bytes where %d are left", ErrMalformed, t, n, len(rest)-BlockHeaderLen)
		}
		if !first && (last == BlockPadding || last == BlockTermination && t != BlockPadding) {
			return Blocks{}, fmt.Errorf("%w: %v after %v", ErrMalformed, t, last)
		}
		last, rest = t, rest[BlockHeaderLen+n:]
	}
	return Blocks{rest: payload}, nil
}

// Next goes to the next block, if there is one.
func (b *Blocks) Next() bool {
	if len(b.rest) < BlockHeaderLen {
		return false
	}
	n := BlockHeaderLen + int(binary.BigEndian.Uint16(b.rest[1:]))
	b.Type, b.Body, b.rest = BlockType(b.rest[0]), b.rest[BlockHeaderLen:n:n], b.rest[n:]
	return true
}

// AppendBlock appends a block of which the body is at hand.
func AppendBlock(dst []byte, t BlockType, body []byte) []byte {
	return append(AppendBlockHeader(dst, t, len(body)), body...)
}

// AppendBlockHeader appends the 3 bytes before a body of size bytes, at most 65535.
func AppendBlockHeader(dst []byte, t BlockType, size int) []byte {
	return append(dst, byte(t), byte(size>>8), byte(size))
}

// AppendPadding appends a Padding block of 3 + n bytes. The padding is zeros: sealed, nobody can tell, and random bytes cost.
func AppendPadding(dst []byte, n int) []byte {
	dst = slices.Grow(AppendBlockHeader(dst, BlockPadding, n), n)
	padding := dst[len(dst) : len(dst)+n]
	clear(padding)
	return dst[:len(dst)+n]
}
