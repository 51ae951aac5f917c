package http

import "time"

const (
	// headerTime is for a request's line and headers: a client that sends them byte by byte holds a descriptor.
	headerTime = 30 * time.Second
	// maxHeader is for those of a request and those of a response.
	maxHeader = 64 << 10
	// keepAlive is how long a browser's connection waits for the next request, as in Java I2P.
	keepAlive = 2 * time.Minute
	// continueTime is how long a body with "Expect: 100-continue" is held back. One round trip takes seconds.
	continueTime = 10 * time.Second

	// defaultReadyWait is how long a browser spins before it gets a page that says why, and reloads.
	defaultReadyWait = 20 * time.Second
	// reloadSeconds is for that page.
	reloadSeconds = 5
	// defaultIdle is how long neither side of an exchange may be silent, as in Java I2P.
	defaultIdle = 5 * time.Minute

	// earlyBody is how much of a body is read while the stream is dialed. Reading it is what shows that the client
	// hung up; most forms fit.
	earlyBody = 64 << 10

	// lastWords bounds the last write to a client, and the last read from it.
	lastWords = time.Second
)
