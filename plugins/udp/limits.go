package main

import "time"

const (
	// maxDatagram is the buffer for any packet.
	maxDatagram = 1 << 16
	// mostSenders bounds the lanes of a client: each has up to two I2P sockets, and the host gives a tunnel 64 sockets in all.
	mostSenders = 30
	// laneRest is how long a lane must have been quiet before another application gets it, although the one before has not
	// expired: an answer that comes later than this would reach the wrong one.
	laneRest = 5 * time.Second
	// portTries to find an I2P port for a lane: they are drawn from 64,512.
	portTries = 5
	// dialTime is for the host to make a local socket.
	dialTime = 10 * time.Second
	// sweepTime is how often idle peers and senders are let go, at most; leastIdle is the shortest idle time.
	sweepTime = 5 * time.Second
	leastIdle = time.Second
	// handover is how long a socket whose data end may wait for the end of the tunnel: with an upgrade the next process takes
	// the sockets first.
	handover = 15 * time.Second
	// maxList bounds access_list and deny_list: each entry may be a question to the address book.
	maxList = 1000
	// mostPeers bounds the local sockets of a server: each is a connection of the tunnel to the host.
	mostPeers = 200
)
