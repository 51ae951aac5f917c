package udp

import "sync/atomic"

// counts of a socket.
type counts struct {
	read, written           atomic.Uint64 // packets
	reads, writes           atomic.Uint64 // system calls
	truncated               atomic.Uint64
	readErrors, writeErrors atomic.Uint64
	tooLarge                atomic.Uint64
	offloadRefused          atomic.Uint64
}

// Counts is a snapshot of what a socket did.
type Counts struct {
	// Read and Written are packets, Reads and Writes the calls of the system that moved them (0 without batches).
	Read, Written, Reads, Writes uint64
	// Truncated is how many packets, or rows of them that UDP_GRO joined, were longer than MaxPacket and dropped.
	Truncated uint64
	// ReadErrors passed by themselves. WriteErrors and TooLarge were reported in their trains.
	ReadErrors, WriteErrors, TooLarge uint64
	// OffloadRefused is how many trains were sent again in pieces.
	OffloadRefused uint64
}

// Counts returns what the socket did so far. It is safe for concurrent use, also after Close, takes a few atomic loads and
// no lock; the counters are read one after the other, so that packets may be in one and not yet in another.
func (s *Socket) Counts() Counts {
	c := &s.counts
	return Counts{
		Read: c.read.Load(), Written: c.written.Load(), Reads: c.reads.Load(), Writes: c.writes.Load(),
		Truncated: c.truncated.Load(), ReadErrors: c.readErrors.Load(), WriteErrors: c.writeErrors.Load(),
		TooLarge: c.tooLarge.Load(), OffloadRefused: c.offloadRefused.Load(),
	}
}
