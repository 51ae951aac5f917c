package i2p

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Lengths of the two forms of a time on the wire.
const (
	DateLen    = 8 // milliseconds since 1970 (Common Structures, Date)
	SecondsLen = 4 // seconds since 1970, until 2106 (Lease2, LeaseSet2Header, I2NP short header)
)

// AppendDate appends t in milliseconds. The zero Time is the null Date; earlier than 1970 is null too.
func AppendDate(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(max(millis(t), 0)))
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// ParseDate reads 8 bytes of milliseconds; the null Date is the zero Time. After the year 9999 is ErrMalformed.
func ParseDate(b []byte) (t time.Time, rest []byte, err error) {
	if len(b) < DateLen {
		return time.Time{}, nil, fmt.Errorf("i2p: date: %w", ErrTruncated)
	}
	ms := binary.BigEndian.Uint64(b)
	if ms > maxDateMillis {
		return time.Time{}, nil, fmt.Errorf("i2p: date: %w: %d ms", ErrMalformed, ms)
	}
	if ms != 0 {
		t = time.UnixMilli(int64(ms)).UTC()
	}
	return t, b[DateLen:], nil
}

// AppendSeconds appends t in whole seconds, rounded down, held between 1970 and 2106.
func AppendSeconds(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(b, seconds(t))
}

func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), 1<<32-1))
}

// ParseSeconds reads 4 bytes of seconds.
func ParseSeconds(b []byte) (t time.Time, rest []byte, err error) {
	if len(b) < SecondsLen {
		return time.Time{}, nil, fmt.Errorf("i2p: seconds: %w", ErrTruncated)
	}
	return time.Unix(int64(binary.BigEndian.Uint32(b)), 0).UTC(), b[SecondsLen:], nil
}
