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

// Digest authentication.
const (
	// maxCredentials and maxParams are far above what browsers send: about 400 bytes in 11 parameters.
	maxCredentials = 8 << 10
	maxParams      = 24
	// nonceLife is Java I2P's. A browser gets a new one without asking its user.
	nonceLife = time.Hour
	// countWindow is how far behind the highest count a late one may be: a browser has some dozen requests under way.
	// A multiple of 64.
	countWindow = 1024
	// maxNonces in use, one for each browser and hour; with their windows they take 50 kB.
	maxNonces = 256
)

// Address helpers and jump services.
const (
	// maxHelper is a destination in base64, percent-encoded.
	maxHelper = 3 << 10
	// maxReturn is the path and query that a browser comes back to. Browsers and servers take 8 kB of request line; a
	// longer path is left out, and the site opens at its root.
	maxReturn = 4 << 10
	// maxForm is for what the confirmation sends: a destination, a path, names, percent-encoded.
	maxForm = 32 << 10
	// confirmTime is how long a confirmation page can be used.
	confirmTime = 15 * time.Minute
	// maxNames is how many names are remembered until the end; when there are more the oldest is forgotten, and asked for again.
	maxNames = 512
	// maxJumpURL is that of the longest request line.
	maxJumpURL = 2 << 10
)
