package sdk

import "time"

const (
	// acceptBacklog is how many connections of one listener wait for Accept. The host stops at its own limit of connections
	// per tunnel first (256 by default). Over it the newest is closed.
	acceptBacklog = 512

	// logBacklog is how many lines wait for the host; over it the newest are dropped and counted. The host has a rate limit
	// of its own.
	logBacklog = 256
	// maxLogLine is the contract's.
	maxLogLine = 4096

	// maxMetrics per tunnel: a plugin that makes a counter for each peer is a mistake, and would show who talks to whom.
	maxMetrics = 256

	// stopTime is how long Run has to return after its context ended, drainTime how long after the last connection of a
	// drain. Run has nothing left to wait for by then; what still hangs is left behind.
	stopTime  = 5 * time.Second
	drainTime = 2 * time.Second

	// handover is how long a draining listener waits for the host to say that another process has taken over. On an idle
	// machine it takes a millisecond.
	handover = 250 * time.Millisecond

	// answerTime bounds the author's functions behind Health, Metrics and Reload: the host takes a plugin that does not
	// answer for dead.
	answerTime = 2 * time.Second

	// callTime bounds calls to the host that have no time limit of their own, such as closing a listener.
	callTime = 5 * time.Second

	// parentPoll is how often the program looks whether its parent has changed. The closed socket of the host is seen at
	// once; this is for a parent that died and left the socket to somebody.
	parentPoll = 500 * time.Millisecond
	// farewell is how long tunnels have when the host has gone. The host's promise is that no plugin process is left after
	// two seconds.
	farewell = 500 * time.Millisecond
)
