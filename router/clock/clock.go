// Package clock is router time: the local clock corrected by the skew that peers report (layer 0).
//
// Everything whose value goes to the wire or is compared with a value from the wire (expirations, publication
// dates, handshake timestamps) reads router time here. Durations and timers use package time, which is monotonic.
package clock

import (
	"sync/atomic"
	"time"
)

// MaxSkew bounds the correction: a larger one is a wrong local clock that its owner has to mend, or peers that
// lie together.
const MaxSkew = time.Hour

// A Clock tells router time. The zero value runs with the local clock. It is safe for concurrent use.
type Clock struct {
	offset atomic.Int64
}

// New returns a clock without correction.
func New() *Clock { return new(Clock) }

// Now is the local time plus the correction.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Offset()) }

// Offset is the correction in use.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// SetOffset replaces the correction and reports whether it was within MaxSkew; if not, the old one stays.
func (c *Clock) SetOffset(d time.Duration) bool {
	if d > MaxSkew || d < -MaxSkew {
		return false
	}
	c.offset.Store(int64(d))
	return true
}
