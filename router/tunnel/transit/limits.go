package transit

import "time"

const (
	// shards of the table, so that sessions do not meet on one lock. A power of two.
	shards = 64

	// graceShare of its lifetime is what a tunnel outlives it by: creators count from different moments, and what is
	// under way shall arrive. Peers keep tunnels for 11 minutes.
	graceShare = 10

	// sweepInterval is how often quiet endpoints are relieved of fragments and idle peers of their buckets.
	sweepInterval = 15 * time.Second

	// unfinishedBytes bounds the fragments that all endpoints keep. One tunnel message can begin a hundred messages, each
	// of which takes a buffer of 2 KiB, and thousands of endpoints may be one creator's.
	unfinishedBytes = 64 << 20

	// maxPeers bounds the token buckets. A peer without a bucket is not limited less: a new one takes the place of
	// another that has to start anew.
	maxPeers = 1 << 13

	// replyHead and replyTail are the room that a reply must have in front of and behind a garlic message:
	// TunnelGateway, the standard header and the transport's; a tag and padding.
	replyHead = 64
	replyTail = 64

	// maxBuildMessage bounds a build message in bytes: 8 long records. What is longer is no build message.
	maxBuildMessage = 9 + 1 + 8*528

	// congested is the load from which requests are rejected at random, ever more up to a load of 1; peers do the
	// same.
	congested = 0.7
)

// Defaults of Config.
const (
	DefaultMaxTunnels = 20_000
	DefaultWorkers    = 2
	// DefaultQueue is what two workers answer in some 15 ms each with half of a core taken by others.
	DefaultQueue    = 512
	DefaultQueueAge = 2 * time.Second
	// DefaultPeerRate and DefaultPeerBurst bound the build requests of one previous hop, before any
	// cryptography. A router that builds six pools through one first hop stays far below; a flood is cut to what
	// costs a hundredth of a core.
	DefaultPeerRate  = 20.0
	DefaultPeerBurst = 400
)
