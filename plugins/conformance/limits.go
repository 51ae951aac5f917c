package conformance

import "time"

const (
	// checkTime bounds one check: all are done in a second or two on an idle machine.
	checkTime = 60 * time.Second
	// callTime bounds one call of the contract.
	callTime = 15 * time.Second
	// answerTime is what Health and Metrics have: the host takes a plugin for dead that does not answer.
	answerTime = 5 * time.Second
	// goneTime is what a process has when its host is gone. clove's promise to its users is two seconds.
	goneTime = 2 * time.Second

	// streams go through a tunnel, so many at a time: the default limit of connections of a tunnel is 256. Only some open at the
	// same time, because the gate lets 64 wait for a plugin.
	streams     = 1000
	streamsOnce = 200
	openingOnce = 32
	// streamBytes each way of each of them: more than a pipe's buffers hold would need a reader, which there is.
	streamBytes = 20_000

	// floodLimit is what a tunnel may take while nobody reads at the other end: the buffers of four sockets, the gate's and
	// the plugin's are under 2 MiB.
	floodLimit = 16 << 20
	// memoryLimit is what the process may grow while that lasts.
	memoryLimit = 64 << 20
	// stall is how long nothing moves until a flow counts as stopped.
	stall = 500 * time.Millisecond

	// descriptorsLeft: how many more descriptors than before a process may have after the streams.
	descriptorsLeft = 16
)
