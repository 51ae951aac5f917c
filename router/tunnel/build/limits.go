package build

import "time"

const (
	// MaxHops is one per record of the largest message. An inbound tunnel has one less, as its creator has a record
	// as well.
	MaxHops = 8
	// fewRecords is how many records a message has while they suffice; else it has MaxHops. Only two sizes, so that
	// the number says little of the length (the specification recommends at least 4).
	fewRecords = 4

	// Lifetime is what requests ask for; no other value is supported.
	Lifetime = 10 * time.Minute

	// maxAge and maxFuture bound the time in a request, which is in whole minutes. Java I2P has the same limits; the
	// replay filter has to remember for their sum.
	maxAge    = 8 * time.Minute
	maxFuture = 5 * time.Minute

	// maxTries bounds the Diffie-Hellman computations for one message: records whose first 16 bytes are ours but that
	// do not open cost 50 us each and are free to make.
	maxTries = 2

	// replayEntries bounds one of the two generations of a Replay filter (about 3 MiB each). A flood shortens its
	// memory, it does not grow it.
	replayEntries = 1 << 17
)

// Verdicts of a hop. Routers send no other than these two, so that the reason stays hidden (specification, "Short
// Reply Record").
const (
	Agreed          = 0
	RejectBandwidth = 30
)
