package transport

import "time"

const (
	// DefaultMaxSessions: about 12 KiB each; i2pd on the live network holds up to 7,000. Half of the files that the
	// process may open, if that is less.
	DefaultMaxSessions = 5000
	// keptForDials is the part of the sessions, one in so many, that inbound ones leave free: identities cost nothing,
	// and who fills the table must not keep us from dialling the routers of our own tunnels.
	keptForDials = 8
	// DefaultMaxDials at once. A dial to a dead host lasts until DialTimeout, so it is much more than the cores.
	DefaultMaxDials = 64
	// DefaultMaxPendingDials bounds the memory that a burst of sends to unknown peers takes.
	DefaultMaxPendingDials = 1024
	// DefaultMaxPendingMessages per dial: two largest frames of tunnel messages.
	DefaultMaxPendingMessages = 128
	// maxPendingBytes bounds the memory of the messages that wait for all dials together. Whoever has a tunnel end here
	// chooses to whom we send: with a dead router for each message he would fill MaxPendingDials times
	// MaxPendingMessages buffers, of 64 KiB where a message is longer than 2 KiB.
	maxPendingBytes = 16 << 20
	// DefaultDialTimeout covers a lookup in the network database (a few seconds) and a handshake (10 s).
	DefaultDialTimeout = 20 * time.Second
	// DefaultBackoffMin is short, for a peer that restarts.
	DefaultBackoffMin = 2 * time.Second
	// DefaultBackoffMax: i2pd shuns an unreachable peer for 8 minutes.
	DefaultBackoffMax = 5 * time.Minute
	// DefaultIdleTimeout is longer than the 115 s of i2pd, so that the session survives while a tunnel that
	// is tested once a minute goes through it.
	DefaultIdleTimeout = 5 * time.Minute
	// sweepInterval is how often idle sessions are looked for.
	sweepInterval = 10 * time.Second
	// maxBackoffs bounds the table of peers that failed; beyond it the oldest quarter is forgotten.
	maxBackoffs = 4096
	// refusedWindow is how soon after it opened the end of a session counts as a failed dial: the responder of a
	// handshake has the last word on it, but only once the initiator holds it for complete.
	refusedWindow = 10 * time.Second
	// crossedWindow is how long after one session opened another one in the opposite direction counts as a
	// crossed dial (both sides dialled before either knew), rather than as a peer that restarted.
	crossedWindow = 10 * time.Second
	// lingerTime is how long the spare session of a crossed dial stays open: the two sides may keep different
	// ones, i2pd always the one that was inbound to it.
	lingerTime = 20 * time.Second
)

// The scale of costs, on which the least bid is dialled first. The routers of the network publish 3 to 15 for their addresses.
const (
	// baseCost of a transport that does not say.
	baseCost = 10
	// maxPublishedCost bounds what a router says about itself.
	maxPublishedCost = 30
	// costIPv6 lets IPv4 win where all else is equal: IPv6 of home networks is more often broken.
	costIPv6 = 1
	// costIntroduced: a relay takes three more round trips and a third router, and often fails.
	costIntroduced = 20
)
