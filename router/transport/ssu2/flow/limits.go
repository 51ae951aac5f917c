package flow

import (
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/transport/ssu2/wire"
)

// Sizes of packets in bytes ("MTU").
const (
	// FloorMTU is the least MTU of SSU2, which every path has.
	FloorMTU = 1280
	// CeilingMTU is the most: i2pd's buffers hold no more.
	CeilingMTU = 1500
	// overhead4 and overhead6 are IP, UDP and the data packet around a payload.
	overhead4 = 20 + 8 + wire.DataOverhead
	overhead6 = 40 + 8 + wire.DataOverhead
)

// What is queued.
const (
	// maxMessage is the longest message, the same as NTCP2's, so that what one transport takes can go out by the other. At the floor it has 56
	// fragments of the 64 that i2pd takes.
	maxMessage = 65516
	// maxMessages that wait or are not acked: NTCP2's ring of 1024 (at 1 MB/s one second of delay) and a window of half that.
	maxMessages = 1536
	// maxQueueBytes bounds their memory. A message of more than 2 KiB takes a buffer of 64 KiB, so these are some 60 of them, or all small ones.
	maxQueueBytes = 4 << 20
	// defaultBudget bounds the queues of all sessions, as NTCP2's does: a few hundred peers that ack nothing would fill theirs with what tunnels
	// bring them. A queue that holds less than leastQueueBytes still takes more.
	defaultBudget   = 128 << 20
	leastQueueBytes = 128 << 10
	// maxControl blocks: a session has a handful of peer tests and relays at a time.
	maxControl = 64
	// controlLife is how long a reliable block is sent again: peer test and relay have given up by then.
	controlLife = 15 * time.Second
	// lateGrace is the time that a message gets here which has already expired, within the skew that clocks may have: i2pd gives transit messages 4 s.
	lateGrace = 4 * time.Second
	// maxLife bounds the time that a message may stay, whatever its header says.
	maxLife = time.Minute
	// maxFragments of a message: i2pd refuses fragment 64.
	maxFragments = wire.MaxFragmentI2pd + 1
	// fragmentSpare is left in the packet of a fragment for an Ack block with a few ranges.
	fragmentSpare = wire.AckLen + 4*wire.AckRangeLen
)

// Padding in bytes ("Recommended Constants": 0 to 15).
const (
	maxPadding = 15
	// maxTrainPadding is what a packet may be padded with to be as long as the others of its train, so that one system call sends all: 5 %.
	maxTrainPadding = 64
)

// What is in flight.
const (
	// maxWindow in packets: i2pd acks 511 numbers back from the highest and reads as many, Java's bitmap of packets received has 512 bits.
	maxWindow = 448
	// minWindow in packets is i2pd's: a session would have no share of a link beside i2pd's if it had less.
	minWindow = 16
	// initialWindow in packets, i2pd's too. RFC 9002 has 10.
	initialWindow = 16
	// lowestWindow follows persistent congestion: several PTOs in a row.
	lowestWindow = 4
	// maxTracked packets, in flight or lost a short time ago. Beyond it the oldest is declared lost.
	maxTracked = 1024
	// persistentPTOs in a row mean persistent congestion (RFC 9002, 7.6).
	persistentPTOs = 3
)

// Times of loss detection (RFC 9002).
const (
	initialRTT  = 250 * time.Millisecond // i2pd's first RTO is 540 ms
	granularity = time.Millisecond
	// minPTO: i2pd's least RTO is 100 ms. Acks of ours come within 10 ms and a timer's slack.
	minPTO = 50 * time.Millisecond
	// maxPTO bounds the back-off, so that a dead peer gets a few probes before it is given up.
	maxPTO = 5 * time.Second
	// deadAfter nothing was acked: i2pd gives a session up after 21 RTO, 2 to 52 s, Java's messages fail after 10 s or more.
	deadAfter = 30 * time.Second
	// maxPacketThreshold bounds the packet threshold, which grows with the reordering seen.
	initialPacketThreshold = 3
	maxPacketThreshold     = 256
	// minTimeThreshold and maxTimeThreshold, in eighths of the round trip time: RFC 9002 has 9/8.
	minTimeThreshold = 9
	maxTimeThreshold = 20
	// reorderingRounds without a spurious loss after which the thresholds shrink (RFC 8985 has 16).
	reorderingRounds = 16
	// minimumWindow is how long a least round trip time counts: a path may get longer.
	minimumWindow = 30 * time.Second
)

// Acks ("ACK Frequency", "Recommended Constants").
const (
	minAckDelay       = 10 * time.Millisecond
	maxAckDelay       = 150 * time.Millisecond
	maxImmediateDelay = 5 * time.Millisecond
	// ackEvery so many ack-eliciting packets.
	ackEvery = 2
	// maxAckRanges in a block, of 256 that are recommended: i2pd sends 32. A block repeats all there are, so that a lost ack costs nothing.
	maxAckRanges = 64
	// ackDepth is how far back acks go; numbers that are further back than receiveWindow are dropped, as they may be replays.
	ackDepth      = 1024
	receiveWindow = 2048
)

// Incomplete messages.
const (
	// maxPartial messages and maxPartialBytes of buffers per session; then the oldest is dropped. They hold two windows of a sender like ours, as the fragments
	// of one window wait for what was lost of it while the next one comes.
	maxPartial      = 256
	maxPartialBytes = 2 * maxWindow * (buf.Head + buf.Small + buf.Tail)
	// leastPartialBytes are a session's even if others used the budget of all sessions up: the longest message, which has 33 buffers with what others leave
	// over at both ends (80 KiB), and some short ones.
	leastPartialBytes     = 96 << 10
	defaultAssemblyBudget = 64 << 20
	// partialFootprint is what an incomplete message takes besides its content, in bytes: who sends a byte of each of many messages has them charged.
	partialFootprint = 512
	// partialLife is how long a message may take from its first fragment to its last; messages live for 10 s or so. i2pd has 30 s.
	partialLife = 15 * time.Second
)

// Delivered message ids: two generations, as many as i2pd keeps (5,000 for 10 s).
const (
	maxDelivered  = 4096
	deliveredLife = 10 * time.Second
)

// Path MTU discovery (RFC 8899).
const (
	maxProbeTries = 3
	// probeStep is the precision of the search.
	probeStep = 16
	// probeAfter so many acked packets: a short session needs no search.
	probeAfter = 8
	// reprobeInterval after a search, blackHoleInterval after the path lost long packets.
	reprobeInterval   = 10 * time.Minute
	blackHoleInterval = 30 * time.Second
	// blackHoleLosses of long packets in a row, and more where packets get lost anyway, which is an event of less than one in a million at every loss
	// rate; and they were sent over a round trip time at least, as a full queue drops many in a row too.
	blackHoleLosses = 4
	blackHoleFactor = 32
)

// trimAfter gives an idle session's tables back.
const trimAfter = 10 * time.Second

var (
	_ = [1]int{}[buf.Large/(maxMessage+1)-1]                          // a message fits a buffer
	_ = [1]struct{}{}[i2np.ShortHeaderLen-wire.ShortMessageHeaderLen] // one form of header
)
