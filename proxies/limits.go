package proxies

import "time"

const (
	// maxName is the longest host name of the I2P naming rules, ".i2p" included.
	maxName = 67

	// maxClearnet is DNS's limit for names, maxLabel that for their parts.
	maxClearnet = 253
	maxLabel    = 63

	// minDestination and maxDestination bound a destination written in base64. The shortest is 387 bytes; the
	// longest that exists has an ECDSA P-521 or a post-quantum key and stays under 768 bytes.
	minDestination = 516
	maxDestination = 1024

	// A b32 name is a SHA-256 hash (52 characters) or, for an encrypted LeaseSet, 35 bytes and more. A DNS label
	// ends at 63, so nothing longer arrives through a browser.
	hashB32      = 52
	minBlinded   = 56
	maxBlinded   = 63
	suffixI2P    = ".i2p"
	suffixBase32 = ".b32.i2p"

	// earlyLimit is how much a client may send before its stream is up. What is beyond it stays in the socket,
	// and from then on a hang-up is noticed only when the dial ends.
	earlyLimit = 64 << 10

	// Accept is tried again after an error (no file descriptors left), from minBackoff up to maxBackoff.
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second

	// readyPoll is how often Readiness is asked while a request waits.
	readyPoll = 200 * time.Millisecond

	// ShutdownWait is how long Serve waits for its connections after its context has ended.
	ShutdownWait = 2 * time.Second
)

const (
	// maxRules and maxPatterns (of one rule) bound what a generated configuration can ask for.
	maxRules    = 10_000
	maxPatterns = 10_000
	// maxRuleName is for tables of the audit.
	maxRuleName = 64
	// maxShown patterns are in an explanation.
	maxShown = 8

	// Bounds of the tunnels, those of the router.
	maxTunnelLength   = 7
	maxTunnelQuantity = 16

	// maxUsersFile and maxUserLine bound a users file; maxUser is the longest name, password of SOCKS 5 (RFC 1929) and realm.
	maxUsersFile = 4 << 20
	maxUserLine  = 1024
	maxUser      = 255
	// usersLook is how often a users file is looked at while requests come.
	usersLook = time.Second

	// bcryptLength is that of a hash. maxBcryptPassword is all that bcrypt looks at. maxBcryptCost takes seconds, and
	// maxBcrypt of them run at one time: a flood of wrong passwords must not take every core.
	bcryptLength      = 60
	maxBcryptPassword = 72
	maxBcryptCost     = 15
	maxBcrypt         = 2
	// maxCached is how many right passwords are remembered, more than a household or an office has users.
	maxCached = 1024

	// A Guard lets a client fail freeFailures times, and a user freeUserFailures: more, or anybody could slow another down.
	// Then the waits are firstPenalty, doubled each time, up to maxPenalty, which is less than the patience of a SOCKS
	// handshake. At most maxClientWaits checks of a client and maxWaits of all wait; maxFailing counts are kept.
	freeFailures     = 5
	freeUserFailures = 50
	firstPenalty     = 250 * time.Millisecond
	maxPenalty       = 8 * time.Second
	forgetFailures   = 10 * time.Minute
	maxClientWaits   = 8
	maxWaits         = 64
	maxFailing       = 4096

	// maxProxyHead bounds the head of an answer to CONNECT; maxDetails what is kept of the text in it.
	maxProxyHead = 16 << 10
	maxDetails   = 200

	// maxSeries bounds the audit. Listeners and rules come from the configuration; a run with ever new ones would grow it.
	maxSeries = 4096
)

// Defaults that both proxies use.
const (
	// DefaultDialTimeout is that of the other routers. A dial may need a LeaseSet lookup and a handshake through
	// two times six hops.
	DefaultDialTimeout = 60 * time.Second

	// DefaultTunnelIdle ends a relay that moved no byte in either direction. Long enough for IRC, whose servers
	// ping every few minutes.
	DefaultTunnelIdle = 30 * time.Minute

	// DefaultLinger is the idle limit once one direction has ended: a client that went away looks the same as
	// one that half-closed and waits for its answer.
	DefaultLinger = 2 * time.Minute

	// DefaultMaxConnections bounds the goroutines and descriptors that local applications can take. When it is
	// reached new connections wait in the listener's backlog.
	DefaultMaxConnections = 1024
)
