package main

import "time"

const (
	// linger ends a connection of which one direction has ended and the other moves nothing: a client that went away looks the
	// same as one that waits for its answer.
	linger = 2 * time.Minute
	// backendTime is what a server on this machine or next to it has to take a connection, and for TLS.
	backendTime = 10 * time.Second
	// maxCA bounds a file of certificates.
	maxCA = 1 << 20
	// maxMappings bounds the ports of a server tunnel: each may be an address that the host grants.
	maxMappings = 64
	// maxList bounds access_list and deny_list: each entry may be a question to the address book.
	maxList = 1000
)
