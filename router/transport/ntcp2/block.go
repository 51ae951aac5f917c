package ntcp2

import (
	"encoding/binary"
	"fmt"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A blockType tells what a block of a frame is (ntcp2.md, "Unencrypted data"): type 1 | size 2 | data.
type blockType byte

const (
	blockDateTime    blockType = 0
	blockOptions     blockType = 1
	blockRouterInfo  blockType = 2
	blockI2NP        blockType = 3
	blockTermination blockType = 4
	blockPadding     blockType = 254
)

// blocks walks over a payload. It checks the bounds and the order: Padding is last and single, Termination is last but for
// Padding. Data is lent.
type blocks struct {
	rest []byte
	kind blockType
	data []byte
	err  error
	last blockType // Termination or Padding once seen
	end  bool
}

func blocksOf(payload []byte) blocks { return blocks{rest: payload} }

func (b *blocks) next() bool {
	if len(b.rest) == 0 || b.err != nil {
		return false
	}
	if len(b.rest) < blockHeaderLen {
		b.err = fmt.Errorf("%w: %d bytes left for a block", errMalformed, len(b.rest))
		return false
	}
	size := int(binary.BigEndian.Uint16(b.rest[1:]))
	if len(b.rest) < blockHeaderLen+size {
		b.err = fmt.Errorf("%w: block of %d bytes in %d", errMalformed, size, len(b.rest)-blockHeaderLen)
		return false
	}
	b.kind = blockType(b.rest[0])
	if b.end && (b.last == blockPadding || b.kind != blockPadding) {
		b.err = fmt.Errorf("%w: block %d after block %d", errMalformed, b.kind, b.last)
		return false
	}
	b.data = b.rest[blockHeaderLen : blockHeaderLen+size]
	b.rest = b.rest[blockHeaderLen+size:]
	if b.kind == blockPadding || b.kind == blockTermination {
		b.end, b.last = true, b.kind
	}
	return true
}

func appendBlockHeader(b []byte, kind blockType, size int) []byte {
	return append(b, byte(kind), byte(size>>8), byte(size))
}

var zeros [maxConfirmedPadding]byte

// appendPadding writes a Padding block of n zeros, at most maxConfirmedPadding: they are encrypted.
func appendPadding(b []byte, n int) []byte {
	b = appendBlockHeader(b, blockPadding, n)
	return append(b, zeros[:n]...)
}

func appendDateTime(b []byte, now time.Time) []byte {
	b = appendBlockHeader(b, blockDateTime, 4)
	return binary.BigEndian.AppendUint32(b, seconds(now))
}

func parseDateTime(data []byte) (uint32, error) {
	if len(data) != 4 {
		return 0, fmt.Errorf("%w: DateTime of %d bytes", errMalformed, len(data))
	}
	return binary.BigEndian.Uint32(data), nil
}

// appendTermination writes a Termination block: valid frames received 8 | reason 1.
func appendTermination(b []byte, received uint64, reason transport.Reason) []byte {
	b = appendBlockHeader(b, blockTermination, terminationLen)
	b = binary.BigEndian.AppendUint64(b, received)
	return append(b, byte(reason))
}

// parseTermination ignores the additional data.
func parseTermination(data []byte) (received uint64, reason transport.Reason, err error) {
	if len(data) < terminationLen {
		return 0, 0, fmt.Errorf("%w: Termination of %d bytes", errMalformed, len(data))
	}
	return binary.BigEndian.Uint64(data), transport.Reason(data[8]), nil
}

// parseRouterInfoBlock reads flags 1 | RouterInfo, uncompressed. The signature is not verified. One that is too long is
// i2p.ErrTooLarge.
func parseRouterInfoBlock(data []byte) (ri *i2p.RouterInfo, flood bool, err error) {
	switch {
	case len(data) < 1:
		return nil, false, fmt.Errorf("%w: empty RouterInfo block", errMalformed)
	case len(data) > 1+maxRouterInfo:
		return nil, false, fmt.Errorf("%w: RouterInfo of %d bytes: %w", errMalformed, len(data)-1, i2p.ErrTooLarge)
	}
	ri, rest, err := i2p.ParseRouterInfo(data[1:])
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if len(rest) != 0 {
		return nil, false, fmt.Errorf("%w: %d bytes after the RouterInfo", errMalformed, len(rest))
	}
	return ri, data[0]&1 != 0, nil
}
