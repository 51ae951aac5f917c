package main

import "time"

const (
	// maxBatch is how many filtered bytes are written at once while more lines are there already.
	maxBatch = 16 << 10
	// farewell is for what the server still says after the client has ended: the answer to QUIT.
	farewell = 10 * time.Second

	// backendTime is for connecting to the local IRC server.
	backendTime = 15 * time.Second
	// registrationTime and registrationLines are for what a client of irc-server says until USER: Java's limits.
	registrationTime  = time.Minute
	registrationLines = 10
	// serverIdle ends a connection to irc-server that moves nothing; IRC servers ping every few minutes.
	serverIdle   = 15 * time.Minute
	serverLinger = farewell
	// maxHost is the longest host name that IRC servers take (63 in most).
	maxHost = 63

	// maxOffers is how many offers of our clients wait for a peer, in one tunnel: over it the oldest ends.
	maxOffers = 32
	// offerTime is how long an offer waits, ours and a peer's: people have to say yes to it.
	offerTime = 10 * time.Minute
	// Of peers that connect to what our clients offered: Java's limits.
	dccPeerMinute, dccPeerHour   = 3, 10
	dccTotalMinute, dccTotalHour = 5, 25
	// dccIdle ends a direct connection: chats are silent for long, transfers are not.
	dccIdle   = 2 * time.Hour
	dccLinger = time.Minute
	// dccDialTime is for connecting to a peer, or to our own client.
	dccDialTime = 90 * time.Second
	// firstPort is the lowest I2P port that stands for an offer.
	firstPort = 1024
)
