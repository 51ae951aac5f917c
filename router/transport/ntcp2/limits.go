package ntcp2

import "time"

// Sizes of the wire format (ntcp2.md), in bytes.
const (
	keyLen     = 32
	tagLen     = 16
	optionsLen = 16
	// messageLen is a plain SessionRequest or SessionCreated without padding: key, options and tag. For hybrid ones see
	// requestLen and createdLen.
	messageLen = keyLen + optionsLen + tagLen
	// confirmed1Len is part 1 of SessionConfirmed: static key and tag.
	confirmed1Len = keyLen + tagLen
	// blockHeaderLen is type and size.
	blockHeaderLen = 3
	// lengthLen is the obfuscated length in front of a frame.
	lengthLen = 2
	// maxFrame is the longest frame with its tag; maxPayload without it.
	maxFrame   = 65535
	maxPayload = maxFrame - tagLen
	// maxMessage is the longest I2NP block.
	maxMessage = maxPayload - blockHeaderLen
	// shortHeaderLen is the least I2NP block: type, message id and expiration.
	shortHeaderLen = 9
	// terminationLen is the least Termination block: frames received and reason.
	terminationLen = 9
)

const (
	// maxRequestPadding is what we send with SessionRequest and SessionCreated: i2pd takes messages of up to 287
	// bytes, and sends 0 to 222 bytes of padding too.
	maxRequestPadding = 287 - messageLen
	// maxAcceptedPadding is what we take: the specification has no bound, later text of proposal 169 allows 880 bytes.
	maxAcceptedPadding = 1024
	// maxHybridPadding bounds what we send with hybrid messages, which may have as much padding as content: i2pd sends
	// no longer messages than with this much.
	maxHybridPadding = 1184
	// maxConfirmedPadding is what we add to the RouterInfo in SessionConfirmed.
	maxConfirmedPadding = 64
	// maxRouterInfo: i2pd drops a longer one, and so do we.
	maxRouterInfo = 3072
	// maxConfirmed2 is the longest part 2 of SessionConfirmed that we take: RouterInfo, options and padding.
	maxConfirmed2 = maxRouterInfo + 4096
	// maxSkew between two routers ("Clock Skew Guidelines"). A message that is as old cannot be a replay that the
	// replay cache forgot.
	maxSkew = 60 * time.Second
	// maxRouterInfoAge and maxRouterInfoFuture bound a RouterInfo in SessionConfirmed as i2pd does. A router
	// signs a new one more often.
	maxRouterInfoAge    = 90 * time.Minute
	maxRouterInfoFuture = 2 * time.Minute
)

const (
	// DefaultHandshakeTimeout as in i2pd; messageTimeout stops one slow message.
	DefaultHandshakeTimeout = 10 * time.Second
	messageTimeout          = 5 * time.Second
	// connectTimeout as in i2pd.
	connectTimeout = 5 * time.Second
	// DefaultMaxPendingInbound bounds the inbound handshakes that are under way: a goroutine and 4 KiB each, 8 KiB if hybrid.
	DefaultMaxPendingInbound = 512
	// DefaultMaxPendingPerIP: i2pd allows one; several routers may share an address.
	DefaultMaxPendingPerIP = 4

	// A failed handshake reads up to maxProbeBytes more for a random time within these bounds before it closes
	// ("AEAD Error Handling", range TBD), so that a prober learns neither which byte was wrong nor our timeouts.
	minProbeTime  = 200 * time.Millisecond
	maxProbeTime  = 4 * time.Second
	maxProbeBytes = 2048
	// maxProbes at once; beyond it a failed handshake closes at once.
	maxProbes = 128
)

const (
	// frameTarget is where the writer ends a frame: beyond it a longer frame saves nothing, and the receiver has
	// to wait for the whole frame before it can check the tag.
	frameTarget = 16 << 10
	// writeBatch is how many bytes of blocks one Write carries at most, unless one message is longer.
	writeBatch = 60 << 10
	// writeOverhead is what the frames of one Write need beside I2NP blocks and a RouterInfo: length, tag and padding of
	// each frame, headers, DateTime and Termination.
	writeOverhead = (writeBatch/frameTarget*2+2)*(lengthLen+tagLen+blockHeaderLen+maxDataPadding) + 64
	// DefaultSendQueue is the ring of a session in messages: twice i2pd's, and at 1 MB/s no more than a second of
	// delay for what is queued last.
	DefaultSendQueue = 1024
	// maxQueueBytes bounds the memory of a ring: messages of more than 2 KiB take a buffer of 64 KiB.
	maxQueueBytes = 3 << 20
	// maxAllQueues bounds the rings of all sessions together: a few hundred peers that do not read would fill theirs with
	// what tunnels bring them. A ring that holds less than leastQueueBytes still takes more.
	maxAllQueues    = 128 << 20
	leastQueueBytes = 128 << 10
	// idleRead is the read buffer of an idle session, 64 KiB one of a busy session.
	idleRead = 4 << 10
	// maxDataPadding is the most padding in a frame: short frames get up to 6 % of 256 bytes like i2pd's.
	maxDataPadding = 48

	// sweepInterval is how often sessions are looked after: Date/time, a new RouterInfo, a writer that hangs.
	sweepInterval = 15 * time.Second
	// dateTimeInterval is how often a peer is told our time.
	dateTimeInterval = 15 * time.Minute
	// maxWriteStall closes a session whose peer does not read.
	maxWriteStall = 30 * time.Second
	// closeLinger is how long a closing session waits for the peer to close too, so that the Termination
	// is not lost in a reset.
	closeLinger = 2 * time.Second
	// closeFlush bounds the flush of a session that closes, shutdownFlush when the whole transport does.
	closeFlush    = 5 * time.Second
	shutdownFlush = time.Second
	// minRouterInfoInterval drops RouterInfo blocks that come faster: verifying one costs 50 us.
	minRouterInfoInterval = 5 * time.Second
)
