package transport

import "time"

const (
	// DefaultMaxSessions: about 12 KiB each; i2pd on the live network holds up to 7,000. Those of NTCP2 are no more than half
	// of the files that the process may open.
	DefaultMaxSessions = 5000
	// keptForDials is the part of the sessions, one in so many, that inbound ones leave free, and those that strangers make
	// us dial, with the introducers that they take: identities cost nothing, and who fills the table must not keep us from
	// dialling the routers of our own tunnels.
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
	// DefaultFallbackDelay: a handshake over a slow path takes 1 to 2 s with a lost packet. Besides a dead first choice
	// the second has 16 of the 20 s of the dial.
	DefaultFallbackDelay = 4 * time.Second
	// hybridTime is what post-quantum handshakes have where a plain one is to follow over another transport. A dead address
	// keeps SSU2 for 15 s of the 20; that it tries the plain handshake itself after 5 s has the rest of these 8.
	hybridTime = 8 * time.Second
	// DefaultBackoffMin is short, for a peer that restarts.
	DefaultBackoffMin = 2 * time.Second
	// DefaultBackoffMax: i2pd shuns an unreachable peer for 8 minutes.
	DefaultBackoffMax = 5 * time.Minute
	// maxLookupPause is the longest wait after lookups that found no RouterInfo: strangers who keep naming one that does not exist
	// should not have us look for it all the time, and our own tunnels, through which we look, are not ready at once.
	maxLookupPause = 30 * time.Second
	// DefaultIdleTimeout is longer than the 115 s of i2pd, so that the session survives while a tunnel that
	// is tested once a minute goes through it.
	DefaultIdleTimeout = 5 * time.Minute
	// sweepInterval is how often idle sessions are looked for.
	sweepInterval = 10 * time.Second
	// maxBackoffs bounds the table of peers that failed; beyond it a quarter is forgotten, whichever.
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
	// costCrowded comes on top, little by little, in the last quarter of a transport's limit.
	costCrowded = 30
	// costFailure for each failure that is remembered, up to maxCountedFailures; gainSuccess off for a success since.
	costFailure        = 25
	maxCountedFailures = 3
	gainSuccess        = 4
	// maxCostTrouble bounds what failures of other peers add, as strangers may name dead ones: it decides between equals.
	maxCostTrouble = 12
	// costChance is the most that chance adds: of routers with NTCP2 at 3 and SSU2 at 8, which is what i2pd publishes, it
	// sends one in five over SSU2.
	costChance = 11
)

const (
	// maxHistory bounds the records of dials, about 150 bytes each.
	maxHistory = 8192
	// historyHalfLife halves the failures that count, historyLife forgets all.
	historyHalfLife = 10 * time.Minute
	historyLife     = time.Hour
	// relentTicks of sweepInterval, ten minutes, halve the failures of a transport as a whole.
	relentTicks = 60
)

const (
	// groupShare: a network that holds more than one place in so many has no claim on them, except for what we send
	// ourselves. leastGroupShare is for small tables.
	groupShare      = 64
	leastGroupShare = 4
	// listVictims is how long a list of maxVictims sessions that are the first to go is used: making it takes half a millisecond
	// with a full table, and it stands for 250 sessions that may be replaced in a second.
	listVictims = 250 * time.Millisecond
	maxVictims  = 64
	// keepIdle is longer than the minute at which tunnels are tested.
	keepIdle = 2 * time.Minute
	// wantedTicks of sweepInterval: as long as DefaultIdleTimeout.
	wantedTicks = 30
)

const (
	// maxBans bounds the ban table; beyond it the ban that ends first goes. Nobody gets in without a handshake.
	maxBans = 4096
	// maxBan is the longest ban.
	maxBan = 7 * 24 * time.Hour
	// A router that is against the protocol may be an update away from being right.
	banProtocol  = 30 * time.Minute
	banSignature = 2 * time.Hour
	banNetwork   = 12 * time.Hour
)

// Inbound handshakes of one transport.
const (
	// networkShare and regionShare: one network, or region, enters only while it has no more than one in so many of the places
	// for handshakes that are free. Of 512 places n networks leave 512/(1+n/8), n regions 512/(1+n/2).
	networkShare = 8
	regionShare  = 2
	// maxFailuresPerSource within attemptWindow, then it is not listened to (slow loris, probing).
	maxFailuresPerSource = 16
	// maxAttemptsPerSource likewise, failed or not: each costs us 300 to 400 us, and one that succeeds a session in the place of
	// another.
	maxAttemptsPerSource = 256
	attemptWindow        = 5 * time.Minute
	// maxAttemptEntries bounds the memory of the addresses that connected.
	maxAttemptEntries = 8192
	// maxSessionsPerSource: hundreds of routers behind one address are one operator, who might take the whole table.
	maxSessionsPerSource = 64
	// replayWindow is at least twice the skew that transports allow, a minute: a key is remembered for one to two windows.
	replayWindow = 2*time.Minute + 10*time.Second
	// maxReplayEntries per window bounds the memory (2 MiB of keys). At the bound the older window is dropped; the
	// Gate keeps the rate of handshakes below that.
	maxReplayEntries = 1 << 16
)
