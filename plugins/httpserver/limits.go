package main

import "time"

const (
	// answerTimeout is for the head of the local server's answer; Java's servers wait as long.
	answerTimeout = 5 * time.Minute
	// dialTimeout is for connecting to the local server.
	dialTimeout = 20 * time.Second
	// backendIdle is how long a connection to the local server waits for the next request of the same visitor: shorter than what
	// servers keep (5 s in Node is the shortest that is common).
	backendIdle = 4 * time.Second
	// maxIdle of those, over all visitors.
	maxIdle = 64
	// probeInterval is how often a local server that was down is tried.
	probeInterval = 15 * time.Second
	// pipeIdle and pipeLinger end a connection of a port that is passed on as it is.
	pipeIdle, pipeLinger = 30 * time.Minute, time.Minute
	// minCompressed is the size from which compressing is worth it: what Java's servers use. An I2P packet carries about 1.8 KB.
	minCompressed = 1300
	// maxErrorPage bounds a folder's own 404.html.
	maxErrorPage = 1 << 20
	// maxCA bounds a file of certificates.
	maxCA = 1 << 20
)
