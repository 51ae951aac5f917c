//go:build linux

package main

import "time"

const (
	// tunnelMessage is TunnelData in flight: 9 bytes of header, tunnel id and 1,024 bytes.
	tunnelMessage = 9 + 4 + 1024
	// largeMessage is what streaming and garlic make at most in a while: many fragments.
	largeMessage = 16 << 10

	// The queue of a session counts what waits and what is not acked: a window of SSU2 has 448 packets. What waits is for all
	// sessions together, and lasts for some pushIntervals at 200 MB/s. A large message takes a large buffer, of which a session
	// holds 60.
	inFlight     = 480
	waiting      = 720
	deepLarge    = 56
	pushInterval = time.Millisecond

	// many is how many sessions of one transport there are in the second half of the table.
	many = 16

	warmUp    = 700 * time.Millisecond
	dialLimit = 20 * time.Second
	pingLimit = 5 * time.Second
	pings     = 1000

	// i2pdShare is how much less a network of i2pd downloads, for the sake of time: it is as much slower.
	i2pdShare    = 5
	networkLimit = 4 * time.Minute
)
