package i2np

import "time"

const (
	// MaxPayload bounds the payload of any message in bytes: 64 fragments of a tunnel message carry no more
	// (tunnel-message.md, "I2NP Message Maximum Size").
	MaxPayload = 62708 - StandardHeaderLen

	// MaxRouterInfo bounds an inflated RouterInfo in bytes. Peers use a buffer of this size, so a larger one
	// has no readers; and it stops gzip bombs.
	MaxRouterInfo = 3072

	// MaxLeaseSet bounds a LeaseSet of any kind in bytes, as peers do.
	MaxLeaseSet = 4096

	// MaxExcluded bounds the excluded list of a DatabaseLookup (i2np.md, DatabaseLookup, size).
	MaxExcluded = 512

	// MaxReplyTags bounds the reply tags of a DatabaseLookup (i2np.md, DatabaseLookup, tags).
	MaxReplyTags = 32

	// MaxBuildRecords bounds the records of a tunnel build message (i2np.md, VariableTunnelBuild, num).
	MaxBuildRecords = 8

	// MaxLate is how long after its expiration a message is still taken: the clock skew that transports
	// tolerate.
	MaxLate = 60 * time.Second
	// MaxEarly is how far ahead an expiration may lie. A message from further in the future comes from a wrong
	// clock or wants to outlive the duplicate filter.
	MaxEarly = 3 * time.Minute

	// Lifetime is the expiration that messages created here get. Peers take 8 to 60 s; a message that has
	// been under way for longer is of no use to anyone.
	Lifetime = 10 * time.Second

	// filterSpan is how long an accepted message can be replayed: from MaxEarly before to MaxLate after its
	// expiration.
	filterSpan = MaxEarly + MaxLate
	// filterEntries bounds one of the two generations of a Filter (16 bytes an entry, about 1 MiB). A flood
	// turns the generations faster, it does not grow them.
	filterEntries = 1 << 16
)
