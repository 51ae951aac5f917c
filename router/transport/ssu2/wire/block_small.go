package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Blocks of a fixed size, or of bytes without a form. Sizes in the comments are with the 3 bytes of the block header.

// size checks the size of a body that is fixed.
func size(t BlockType, body []byte, n int) error {
	if len(body) != n {
		return fmt.Errorf("%w: %v of %d bytes, not %d", ErrMalformed, t, len(body), n)
	}
	return nil
}

// AppendDateTime appends now, rounded to the second: 7 bytes ("DateTime").
func AppendDateTime(dst []byte, now time.Time) []byte {
	dst = AppendBlockHeader(dst, BlockDateTime, 4)
	return binary.BigEndian.AppendUint32(dst, Seconds(now))
}

// Seconds is now on this wire: rounded to the nearest second, as rounding down would drag the network's clocks.
func Seconds(now time.Time) uint32 { return uint32(now.Add(time.Second / 2).Unix()) }

// ParseDateTime reads the body of a DateTime block.
func ParseDateTime(body []byte) (time.Time, error) {
	if err := size(BlockDateTime, body, 4); err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(binary.BigEndian.Uint32(body)), 0), nil
}

// AppendRelayTagRequest asks the peer to be our introducer: 3 bytes ("Relay Tag Request").
func AppendRelayTagRequest(dst []byte) []byte { return AppendBlockHeader(dst, BlockRelayTagRequest, 0) }

// AppendRelayTag answers it, tag not zero: 7 bytes ("Relay Tag").
func AppendRelayTag(dst []byte, tag uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendBlockHeader(dst, BlockRelayTag, 4), tag)
}

// ParseRelayTag reads the body of a RelayTag block.
func ParseRelayTag(body []byte) (uint32, error) {
	if err := size(BlockRelayTag, body, 4); err != nil {
		return 0, err
	}
	tag := binary.BigEndian.Uint32(body)
	if tag == 0 {
		return 0, fmt.Errorf("%w: relay tag zero", ErrMalformed)
	}
	return tag, nil
}

// AppendNewToken appends a token for a later session from the same address: 15 bytes ("New Token").
func AppendNewToken(dst []byte, t Token, expires time.Time) []byte {
	dst = AppendBlockHeader(dst, BlockNewToken, 12)
	dst = binary.BigEndian.AppendUint32(dst, uint32(expires.Unix()))
	return binary.BigEndian.AppendUint64(dst, uint64(t))
}

// ParseNewToken reads the body of a NewToken block. What may follow its 12 bytes is skipped, as Java I2P does.
func ParseNewToken(body []byte) (t Token, expires time.Time, err error) {
	if len(body) < 12 {
		return 0, time.Time{}, fmt.Errorf("%w: NewToken of %d bytes", ErrMalformed, len(body))
	}
	return Token(binary.BigEndian.Uint64(body[4:])), time.Unix(int64(binary.BigEndian.Uint32(body)), 0), nil
}

// AppendPathChallenge asks for data to be sent back: 3 bytes and the data ("Path Challenge"). i2pd compares the first 8 bytes of
// the answer, and its challenges have 8.
func AppendPathChallenge(dst, data []byte) []byte { return AppendBlock(dst, BlockPathChallenge, data) }

// AppendPathResponse sends the data of a PathChallenge back ("Path Response"). The body of either block is the data.
func AppendPathResponse(dst, data []byte) []byte { return AppendBlock(dst, BlockPathResponse, data) }

// CongestionFlags is the body of a Congestion block.
type CongestionFlags byte

// Flags of a Congestion block.
const (
	CongestionImmediateAck CongestionFlags = 1 << iota // an Ack at once, please
	CongestionECN                                      // the sender saw explicit congestion notification
)

// AppendCongestion appends flags: 4 bytes ("Congestion").
func AppendCongestion(dst []byte, f CongestionFlags) []byte {
	return append(AppendBlockHeader(dst, BlockCongestion, 1), byte(f))
}

// ParseCongestion reads the body of a Congestion block, which may grow: only its first byte is known.
func ParseCongestion(body []byte) (CongestionFlags, error) {
	if len(body) == 0 {
		return 0, fmt.Errorf("%w: empty Congestion", ErrMalformed)
	}
	return CongestionFlags(body[0]), nil
}
