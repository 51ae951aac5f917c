package ssu2

import "time"

const (
	// minMTU and maxMTU bound IP packets ("MTU").
	minMTU = 1280
	maxMTU = 1500
	// ipv4Overhead and ipv6Overhead are the IP and UDP headers in front of a packet.
	ipv4Overhead = 20 + 8
	ipv6Overhead = 40 + 8
	// maxSkew between two routers; i2pd has the same. A message that is as old cannot be a replay that the replay cache
	// forgot.
	maxSkew = 60 * time.Second
	// maxRouterInfoAge and maxRouterInfoFuture bound a RouterInfo in SessionConfirmed as i2pd does.
	maxRouterInfoAge    = 90 * time.Minute
	maxRouterInfoFuture = 2 * time.Minute
	// routerInfoInterval is how often a peer may send a RouterInfo block on average, routerInfoBurst how many at once: verifying
	// one costs 50 us. Introducers send one with each relay and peer test.
	routerInfoInterval = time.Second
	routerInfoBurst    = 10
	// eventInterval and eventBurst are likewise for all blocks about addresses, peer tests and relays: some look at every session
	// there is, and all peers share one goroutine for them. Who introduces us passes on a few each second at most.
	eventInterval = 50 * time.Millisecond
	eventBurst    = 64
	// maxEvents is how many of these of one batch of packets wait to be handled.
	maxEvents = 32
)

// Handshakes.
const (
	// DefaultHandshakeTimeout is the total of the specification ("Handshake Retransmission").
	DefaultHandshakeTimeout = 15 * time.Second
	// inboundTimeout forgets an inbound handshake that was not confirmed. Longer than the 12 s of the specification, as the
	// initiator, who goes on for 15 s, would lose its last chances.
	inboundTimeout = 16 * time.Second
	// maxResendInterval: with a third of the packets lost in each direction, three exchanges within 15 s need some 14 tries.
	// The specification backs off to 5 s, which reaches 90 %.
	maxResendInterval = time.Second
	firstResend       = 400 * time.Millisecond
	// staleResend is firstResend for a token that an earlier session left. A peer that does not know it any more answers with a
	// Retry, and Java I2P takes the old token again for the end of the handshake: the Retry should come first.
	staleResend = maxResendInterval
	// minResendGap bounds what a repeated packet of the peer makes us send again at once.
	minResendGap = 150 * time.Millisecond
	// maxRetries of one handshake are answered with a new SessionRequest: a lossy path takes two or three, and each costs us
	// a key agreement.
	maxRetries = 8
	// maxRestarts of one dial.
	maxRestarts = 3
	// plainAfter is how long a hybrid SessionRequest goes unanswered before the dial takes the plain handshake: the hybrid
	// one takes up to 1,400 bytes, which not all paths carry. The session says which it has.
	plainAfter = 5 * time.Second
	// maxHeldPackets of the data phase wait for a SessionConfirmed that was overtaken, per handshake: about the first
	// congestion window of a peer. maxAllHeld bounds those of all handshakes (3 MiB).
	maxHeldPackets = 12
	maxAllHeld     = 2048
	// maxConfirmedJobs is how many fragments of SessionConfirmed of one handshake may wait for a worker.
	maxConfirmedJobs = 8
	// maxHandshakePadding hides the length of SessionRequest and SessionCreated.
	maxHandshakePadding = 31
	// maxHeldDial is how many packets wait for the goroutine of a dial.
	maxHeldDial = 16
	// DefaultMaxPendingInbound bounds the inbound handshakes that are under way: some 4 KiB each.
	DefaultMaxPendingInbound = 512
	// DefaultMaxPendingPerIP: several routers may share an address.
	DefaultMaxPendingPerIP = 8
	// DefaultMaxSessions is more than the Mux has; it bounds the table whatever the Mux does.
	DefaultMaxSessions = 6000
	// maxWorkerQueue bounds the inbound handshake steps that wait for a worker, in all and of one source. The oldest are
	// not better than the newest, so that what does not fit is dropped; the peer sends it again.
	maxWorkerQueue       = 512
	maxWorkerQueuePerIP  = 16
	maxDialsPerEndpoint  = 4
	establishedResendAck = 20 * time.Second // after which a packet that does not open is no SessionConfirmed any more
)

// Replay protection and tokens.
const (
	// tokenPeriod: the token of a Retry is good for one to two periods ("expires in a few seconds"). It is a keyed hash of
	// address and period, so that a flood of requests leaves nothing behind. That it could be used twice does not matter:
	// what it protects from, spoofed addresses, it still does, and replays are found by their X.
	tokenPeriod = 10 * time.Second
	// newTokenLife is how long a token that we give in a session is good: about that of i2pd (52 min).
	newTokenLife = 50 * time.Minute
	// newTokenInterval is when a session gives another one.
	newTokenInterval = newTokenLife - 10*time.Minute
	// tokenMargin is how long before its end a token is not used any more.
	tokenMargin = 30 * time.Second
	// maxTokens bounds the tokens that we gave, and those that we got: 64 bytes each.
	maxTokens = 16384
	// maxTokenLife bounds what a peer says about its token.
	maxTokenLife = 24 * time.Hour
	// retriesPerSecond of one source (of a hash of it, to be exact: the table has retryBuckets of fixed size), and likewise packets of
	// peer tests and hole punches. A dial needs one or two, a test four; a flood gets its share and costs the others nothing.
	retriesPerSecond = 32
	retryBuckets     = 4096
	// openRetries is how many times as many where private addresses are allowed: a whole test network has one.
	openRetries = 16
)

// Sessions.
const (
	// sweepInterval is how often sessions are looked after: our time, a new RouterInfo.
	sweepInterval = 15 * time.Second
	// dateTimeInterval is how often a peer is told our time.
	dateTimeInterval = 15 * time.Minute
	// closeFlush bounds the flush of a session that closes, shutdownFlush when the whole transport does.
	closeFlush    = 5 * time.Second
	shutdownFlush = time.Second
	// maxReadPause is the longest pause of a reader whose socket fails again and again; the end of the transport waits for it.
	maxReadPause = 100 * time.Millisecond
	// lingerTime is how long a closed session answers late packets with its Termination ("Session Termination"), and
	// lingerResend how often it repeats it unasked. maxLingering bounds the closed sessions that do (1 KiB each); beyond
	// it the oldest is forgotten.
	lingerTime   = 8 * time.Second
	lingerResend = 1500 * time.Millisecond
	maxLingering = 1024
	lingerGap    = 200 * time.Millisecond
	// maxWaiting bounds the memory of the messages of a session that came while another goroutine than the reader delivers, some
	// 200 of them: what comes then is dropped unacked, as a slow handler is to slow its peer down. The reader itself delivers at once at the bound.
	maxWaiting = 512 << 10
	// minMessage is the least I2NP message: a short header. maxMessage is the longest, as of NTCP2 and of
	// ssu2/flow.
	minMessage = 9
	maxMessage = 65516
)

// Peer tests, relays and introducers.
const (
	// maxNATQueue is how many blocks and packets wait for the nat engine; beyond it the newest is dropped. maxNATOutside is how much
	// of that packets out of session may take, which anybody can send.
	maxNATQueue   = 512
	maxNATOutside = maxNATQueue / 2
	// unfoundTime is how long an introducer that was not found is not looked for: whoever publishes names that nobody has would have us
	// look for three with each dial. It is short, as a lookup may fail because our own tunnels do. maxUnfound bounds the table (64 KiB);
	// at the bound a quarter is forgotten, whichever.
	unfoundTime = 30 * time.Second
	maxUnfound  = 1024
	// votedTime is how long the word of all sessions on where they see us stands: what peers send asks for it, and each time locks
	// every session.
	votedTime = time.Second
)

// Paths.
const (
	// pathTimeout ends a validation that was not answered; pathResend repeats its challenge.
	pathTimeout = 6 * time.Second
	pathResend  = 700 * time.Millisecond
	// pathGap bounds how often a session starts to validate a path: somebody on the way who copies packets could
	// start one with each.
	pathGap = 2 * time.Second
	// pathCredit is how many times the bytes that came from an address may go to it before it is validated.
	pathCredit = 3
	// maxPathData is the most of a PathChallenge that is answered.
	maxPathData = 256
)

// The writer.
const (
	// arenaSize is the memory in which the packets of one Write are made; a flush takes place when less than a train is left,
	// so that each waits for no more bandwidth at once than it has to.
	arenaSize = 128 << 10
	// trainPackets is the most of one session in its turn: what the kernel takes with UDP_SEGMENT (64 packets, 64 KiB).
	trainPackets = 44
	trainBytes   = 60 << 10
	// turnBytes is what one turn takes at most: SessionConfirmed, answers about paths, a train and its last packet.
	turnBytes = 80 << 10
	// maxRaw bounds the single packets (handshakes, retries, tests) that wait for the writer; beyond it the newest is dropped.
	// maxRawAnswers is how much of that retries may take.
	maxRaw        = 1024
	maxRawAnswers = maxRaw / 2
	// wheelTick is the resolution of deadlines: pacing sends what a tick allows at once.
	wheelTick = time.Millisecond
)
