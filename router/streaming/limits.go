package streaming

import "time"

// Sizes of packets, in bytes.
const (
	// MTU is the largest payload towards a peer that gets ElGamal messages, and the default where a SYN names none
	// (streaming API document, MTU Selection).
	MTU = 1730
	// MTURatchet is the largest payload over the ECIES ratchet: with a 22-byte header and 2 bytes of option it fills
	// two tunnel messages (proposal 155).
	MTURatchet = 1812
	// minMTU is MIN_MESSAGE_SIZE of the API document. A SYN that asks for less would make us send headers only.
	minMTU = 512
	// headerLen is a packet without NACKs, options and payload.
	headerLen = 22
	// maxPayload is the most that is taken: more than any MTU in use, and what a small buffer holds.
	maxPayload = 2048
	// maxPing is the payload of a ping that a pong returns (API document, Ping).
	maxPing = 32
)

// The send window, in packets.
const (
	// MaxWindow is the most packets unacknowledged at a time: the NACK count is one byte, and i2pd drops a packet
	// that would need the 256th NACK.
	MaxWindow = 255
	// maxSpan is the most that the newest packet may be ahead of the oldest unacknowledged one. More than MaxWindow,
	// since packets behind a hole are known to have arrived; i2pd takes 3 x 512.
	maxSpan = 1024
	// javaSpan is the receive buffer of Java I2P, which chokes with a delay of 61000: (128+2) packets.
	javaSpan = 128
	// minSpan is the least that choking reduces the estimate of the peer's buffer to.
	minSpan = 16
	// initialWindow is that of RFC 6928 and of i2pd; Java I2P uses 6.
	initialWindow = 10
	// maxQueued is how many packets a writer may be ahead of the window: Java's 64 KiB would be 36, which starves a
	// paced window of 255.
	maxQueued = 128
	// lastSequence ends a connection before the number turns negative in Java and i2pd: 3.8 TB.
	lastSequence = 1<<31 - 2
)

// The receive buffer of one connection, and of a stack. It counts packets: each costs a buffer, however little is in
// it.
const (
	// maxAhead and what is held bound how far a packet may be ahead of the next one in order. i2pd's window is 512
	// unacknowledged packets, and a hole stretches it: i2pd repeats a lost packet on a timer only, in 2.45 up to 9 s
	// later, and goes on with new ones until then.
	maxAhead = 1024
	// chokeAt unread packets in order make us choke the peer if nothing was read for chokeAfter, chokeMost if they do
	// not get less in that time: when a hole closes, thousands are in order at the same moment. unchokeAt end it.
	chokeAt    = 256
	chokeAfter = 50 * time.Millisecond
	chokeMost  = 1024
	unchokeAt  = 128
	// chokedHeld is where packets of a choked peer are dropped: chokeMost, and a window that was on its way. 3 MB.
	chokedHeld = chokeMost + MaxWindow
	// stackHeld bounds the sum of all connections (64 MB). Each may hold half of what is left of it: one alone a third
	// (9 s of 1.8 MB/s behind a hole), and many cannot fill the memory. When nothing is left, it is crowdedHeld.
	stackHeld   = 27000
	crowdedHeld = 32
	// trickle: a choked i2pd knows no probes that live for ever, ten unanswered timeouts end its stream. One packet
	// in trickleInterval is taken beyond chokedHeld, up to trickle of them.
	trickleInterval = 5 * time.Second
	trickle         = 128
	// maxNACKs is the reach of the count byte.
	maxNACKs = 255
	// maxDiscarded is how many packets for a reader that has gone are taken before the peer is told by a RESET.
	maxDiscarded = 64
)

// Timers.
const (
	// tick is the grid that deadlines are rounded up to, so that the timer loop wakes at most 1000 times a second.
	tick = time.Millisecond
	// initialRTO: the 9 s of the API document (and i2pd) make one lost SYN a visible stall. Round trips over 6 to 12
	// hops are 0.2 to 1.5 s (i2pd's initial estimate is 1.5 s); a SYN too many costs 600 bytes and is recognised.
	initialRTO = 2 * time.Second
	// seededRTO is the least where another connection to the same peer gave the estimate.
	seededRTO = 500 * time.Millisecond
	// minRTO is MIN_RESEND_DELAY of the API document.
	minRTO = 100 * time.Millisecond
	// maxBackoff is where the back-off ends: after two timeouts the tunnels are changed, and one packet in 4 s is no
	// load for the new ones. maxRTO is for the worst paths; the API document has 45 s.
	maxBackoff = 4 * time.Second
	maxRTO     = 30 * time.Second
	// maxTimeouts in a row, and at least minGiveUp without a word of the peer, end a connection (Java 8, i2pd 10).
	maxTimeouts = 10
	minGiveUp   = 60 * time.Second
	// maxCloseTimeouts end it when only the CLOSE is unacknowledged: i2pd forgets a stream once it has answered.
	maxCloseTimeouts = 3
	// maxEndTimeouts end it after the CLOSE of the peer: an i2pd takes nothing any more.
	maxEndTimeouts = 6
	// maxReplyTimeouts end one whose opener never shows that it got the SYN reply (i2pd 2).
	maxReplyTimeouts = 5
	// replySilence: it is not given up as long as the opener repeats its SYN, at most maxBackoff apart. It would be
	// remembered as ended, and all further SYNs dropped as replays, while only the way back is broken.
	replySilence = 2*maxBackoff + time.Second
	// rerouteTimeouts in a row mean that the path is dead rather than lossy.
	rerouteTimeouts = 2
	// repeatsOnly: if only packets come that were there already for so long, our acknowledgements do not arrive. A
	// burst of them proves nothing: an i2pd whose timer was too short repeats a whole window.
	repeatsOnly = 500 * time.Millisecond
	// freshTimeouts in a row mean that the LeaseSet may be out of date.
	freshTimeouts = 3
	// ackDelayMin and ackDelayMax bound the delay of an acknowledgement, which is RTT/8 between: i2pd waits RTT/10
	// up to 200 ms, Java 750 ms. It adds to the round trip that the peer sees.
	ackDelayMin = 2 * time.Millisecond
	ackDelayMax = 25 * time.Millisecond
	// loneAckDelay is the longest that i2pd delays an acknowledgement.
	loneAckDelay = 200 * time.Millisecond
	// ackEvery packets are acknowledged without delay.
	ackEvery = 2
	// synWait: an acknowledgement that overtakes our SYN reply makes i2pd take it for that reply. So before the peer
	// knows our stream id the SYN reply itself is repeated instead, not more often than this.
	synWait = 250 * time.Millisecond
	// dialTimeout is for a caller without a deadline.
	dialTimeout = 60 * time.Second
	// secondStream is when Dial tries a second stream id: i2pd ignores a repeated SYN and repeats its own reply
	// after 9 s only.
	secondStream = 4 * time.Second
	maxStreams   = 3
	// timeWait keeps a connection that both sides closed, to acknowledge a repeated CLOSE.
	timeWait = 10 * time.Second
	// closeWait is for the peer's CLOSE after ours was acknowledged.
	closeWait = 20 * time.Second
	// closedIdle is for what was written before Close, towards a peer that is silent: as long as our retransmissions
	// of it would take, and no longer, since nobody waits for it.
	closedIdle = 3 * time.Minute
	// quietTime without data in either direction ends the wait of CloseWrite.
	quietTime = 15 * time.Second
	// linger bounds the whole end after Close, as long as the peer acknowledges nothing.
	linger = 60 * time.Second
	// persistMin and persistMax bound the interval of probes towards a peer that chokes.
	persistMin = 500 * time.Millisecond
	persistMax = 10 * time.Second
	// unchokes is how often the end of choking is said if no data follows (API document: "several packets").
	unchokes = 5
)

// What peers may cost.
const (
	// maxEarly packets, maxEarlyEach of one stream, wait earlyTime for the SYN that they overtook (API document,
	// Setup; i2pd waits 10 s).
	maxEarly     = 128
	maxEarlyEach = 16
	earlyTime    = 10 * time.Second
	// maxPeers is how many destinations without connections to us are remembered for their rate and their round trip.
	maxPeers = 1024
	// shareTime is how long a round trip and a window are reused for the same peer (API document, Control Block
	// Sharing: "a few minutes").
	shareTime = 5 * time.Minute
	// sharedWindow bounds the reused window: the path may be another one.
	sharedWindow = 64
	// maxClosed ended streams are remembered for closedTime, so that a late or replayed SYN does not open them again.
	maxClosed  = 1024
	closedTime = 5 * time.Minute
	// checksPerSecond bounds signature checks of SYNs and pings, 50 us each: 5 % of a core.
	checksPerSecond = 1000
	checksBurst     = 2000
	// connChecks a second, connChecksBurst at once, are those of one connection beyond its SYN: it needs one for the SYN
	// reply, one for the CLOSE, and the repetitions of both.
	connChecks      = 5
	connChecksBurst = 20
	// pongsPerSecond bounds the answers to pings.
	pongsPerSecond = 5
	// reachWorkers look up LeaseSets, reachQueue wait.
	reachWorkers  = 4
	reachQueue    = 64
	reachTimeout  = 30 * time.Second
	reachInterval = 5 * time.Second
)
