package nat

import "time"

const (
	// TestTime is the longest that a peer test takes as Alice, RelayTime a relay.
	TestTime  = 30 * time.Second
	RelayTime = 12 * time.Second
	// MaxIntroducers that are published (ih0 to ih2).
	MaxIntroducers = 3
	// DefaultMaxTags bounds the relay tags that we give.
	DefaultMaxTags = 256
)
