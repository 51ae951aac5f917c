package client

import (
	"time"

	"clove.i2p/router/garlic"
)

const (
	// maxRemotes bounds the far destinations that a session remembers; the one idle longest makes room. About 500
	// bytes each beside its LeaseSet.
	maxRemotes = 4096
	// messageLife is the expiration given to end-to-end messages. Longer than any path takes, shorter than the 4
	// minutes that routers accept.
	messageLife = 60 * time.Second
	// leaseRetire: a lease that ends sooner is not chosen, since hops' clocks differ and messages take seconds.
	leaseRetire = 15 * time.Second
	// refreshLead: a far LeaseSet is looked up anew this long before its last lease ends.
	refreshLead = 45 * time.Second
	// lookupTimeout bounds a lookup that no caller waits for, and refreshPause the pause after a failed one.
	lookupTimeout = 15 * time.Second
	refreshPause  = 5 * time.Second
	// maxRefreshes bounds the lookups that wait for their turn.
	maxRefreshes = 64
	// bundlePause is how long to wait for the acknowledgement of a bundled LeaseSet before it is bundled again.
	bundlePause = 2 * time.Second
	// renewAfter: a peer to which packets get lost, and that was silent for so long, may have restarted and lost its garlic
	// sessions; it gets a New Session then. More than the pause between two repetitions of a stream.
	renewAfter = 6 * time.Second
	// settle collects changes of the tunnels before a LeaseSet is made, and publishPause is the least time between
	// two publications: floodfills drop those that come too fast (i2pd: 20 s, for its own).
	settle       = 250 * time.Millisecond
	publishPause = 5 * time.Second
	// publishTimeout bounds one publication, publishRetry is the pause after one that failed.
	publishTimeout = 20 * time.Second
	publishRetry   = 2 * time.Second
	// MaxPacket is the largest packet that fits an I2NP message, with a gzip member (23 bytes), a Data message (13) and a clove
	// (36) around it.
	MaxPacket = garlic.MaxPayload - payloadHead - payloadTail - 13 - 36
	// maxInflated bounds what a packet may inflate to: a streaming packet has at most 4 KiB with i2pd, a datagram
	// 64 KiB. It stops decompression bombs.
	maxInflated = 65_536
	// maxForwarded cloves for tunnels and maxBundled LeaseSets are taken from one garlic message. Peers send one of
	// either; each costs a message, or the verification of a signature, which is slow for some types.
	maxForwarded = 1
	maxBundled   = 1
	// maxAnswers of a floodfill are in one garlic message, so that it cannot speak for the next one as well.
	maxAnswers = 1
	// expireInterval is how often LeaseSets of others are dropped that are over.
	expireInterval = time.Minute
	// oneTimeLife is how long the key of a netDb answer is kept.
	oneTimeLife = 60 * time.Second
)
