package socks

import "time"

const (
	// defaultHandshake is that of Java I2P. A client that stays silent holds a goroutine and a descriptor.
	defaultHandshake = 15 * time.Second

	// defaultReadyWait is long: a SOCKS client cannot be shown a page that reloads.
	defaultReadyWait = 60 * time.Second

	// maxField is for the fields of SOCKS 4 that end with a zero byte. It is that of the counted ones of SOCKS 5.
	maxField = 255

	// defaultPacketIdle is twice what applications keep a mapping of a NAT alive for.
	defaultPacketIdle = 10 * time.Minute
	// defaultAssociations is for one client address, maxAssociations for all: each has a socket and some goroutines.
	defaultAssociations = 16
	maxAssociations     = 128

	// An association has up to lanes goroutines that send, with queueLength packets before each, and maxFar packet sockets
	// (one, unless sites are isolated). What is more is dropped, the newest first.
	lanes       = 4
	queueLength = 16
	maxFar      = 8
	// maxPacket is more than an I2P datagram holds; with the above it bounds an association at 2 MiB.
	maxPacket = 32 << 10

	// replyTime bounds the writing of a reply of ten bytes.
	replyTime = 10 * time.Second
)
