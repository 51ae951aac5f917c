package datagram

import (
	"time"

	"clove.i2p/router/buf"
)

const (
	// MaxPacket is the largest packet, header and payload, in bytes: what the 64 fragments of a tunnel message carry
	// (62,708, tunnel-message.md "I2NP Message Maximum Size") less the envelopes around it. i2pd takes no more than 32,768.
	MaxPacket = 62_000
	// travelsWell is the largest packet that two tunnel messages carry; one of n messages arrives with the n-th power of
	// the chance of one (Datagram Specification, Datagram Size).
	travelsWell = 1834

	// maxOptions bounds the options of a packet in bytes. i2pd writes up to 256; whatever sends more means to make us parse.
	maxOptions = 1024

	// queuePackets and queueBytes bound what waits in a Conn for its reader, in packets and in memory: half a second of
	// 1 MB/s. When full, what arrives is dropped, as a kernel does: a flood cannot push out what was taken already.
	queuePackets = 512
	queueBytes   = 4 << 20

	// maxConns bounds the Conns of a Stack: each has a queue.
	maxConns = 1024

	// maxWaiting bounds the destinations whose LeaseSets are looked up or were not found lately, waitPackets and
	// waitBytes (memory) what waits for one of them. When full, the newest is dropped: the first packets of an exchange
	// are those that it needs.
	maxWaiting  = 256
	waitPackets = 16
	waitBytes   = 256 << 10
	// lookups go on at a time, for lookupTime at most. An application that asks for many destinations that do not exist
	// delays its own others, nobody else's.
	lookups    = 8
	lookupTime = 20 * time.Second
	// failPause is how long a destination that was not found is not looked up again: packets to it are dropped meanwhile.
	failPause = 5 * time.Second

	// maxSenders bounds the Destinations that are remembered parsed, about 1 KB each. Only senders whose signature was
	// good are, so that a flood of made-up ones does not push them out.
	maxSenders = 1024

	// maxPeers bounds what a Stack remembers of those it exchanges datagrams with, and what a Conn remembers by port.
	maxPeers = 4096
	// peerIdle: after so long without a packet a peer is forgotten; as long as i2pd keeps its UDP sessions.
	peerIdle = 2 * time.Minute
	// silence: a peer that answered nothing for so long, while silentPackets went to it, may not get them: its LeaseSet
	// is looked up anew and another path is tried, and again after twice the time, up to maxSilence. More than a round
	// trip through slow tunnels.
	silence       = 10 * time.Second
	maxSilence    = 5 * time.Minute
	silentPackets = 4

	// sweepPause is how often what is over is forgotten.
	sweepPause = 5 * time.Second
)

// A packet has to fit a buffer.
const _ = uint(buf.Large - MaxPacket)
