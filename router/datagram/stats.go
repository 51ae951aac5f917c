package datagram

import "sync/atomic"

// A Drop says why a packet was dropped.
type Drop uint8

// Why packets are dropped.
const (
	DropNobody     Drop = iota // came in for a kind and port that no Conn has
	DropQueueFull              // came in faster than it was read
	DropMalformed              // does not parse
	DropSignature              // is not signed by whom it names, or not for us
	DropExpired                // signed with a transient key past its time
	DropStranger               // raw, and not clearly the answer of a peer
	DropWaitFull               // too much waits for the LeaseSet of its destination, or too many destinations do
	DropNoLeaseSet             // the LeaseSet of its destination was not found
	DropUnsent                 // the Carrier had no way
	drops
)

var dropNames = [drops]string{
	"nobody", "queue_full", "malformed", "signature", "expired", "stranger", "wait_full", "no_lease_set", "unsent",
}

// String is in snake case.
func (d Drop) String() string { return dropNames[d] }

type stats struct {
	sent, sentBytes, received, receivedBytes atomic.Uint64
	lookups, refreshes                       atomic.Uint64
	drops                                    [drops]atomic.Uint64
}

// Stats of a Stack since its start.
type Stats struct {
	Conns                   int
	Waiting                 int           // packets that wait for a LeaseSet
	Sent, SentBytes         uint64        // packets, whole, given to the Carrier
	Received, ReceivedBytes uint64        // packets that were read, and their payload
	Lookups                 uint64        // of LeaseSets that packets wait for
	Refreshes               uint64        // of those of peers that were silent
	Drops                   [drops]uint64 // by Drop
}

// Stats is a snapshot.
func (s *Stack) Stats() Stats {
	out := Stats{
		Waiting: s.waiting.len(), Sent: s.stats.sent.Load(), SentBytes: s.stats.sentBytes.Load(), Received: s.stats.received.Load(),
		ReceivedBytes: s.stats.receivedBytes.Load(), Lookups: s.stats.lookups.Load(), Refreshes: s.stats.refreshes.Load(),
	}
	for i := range out.Drops {
		out.Drops[i] = s.stats.drops[i].Load()
	}
	s.mu.RLock()
	out.Conns = s.open
	s.mu.RUnlock()
	return out
}
