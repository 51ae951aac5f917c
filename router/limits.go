package router

import "time"

// Reachability.
const (
	// reachInterval is how often tests that are due start, and our addresses are looked at.
	reachInterval = 5 * time.Second
	// republishInterval is the least time between two RouterInfos because of addresses that changed: introducers come and
	// go, and each RouterInfo goes to floodfills.
	republishInterval = time.Minute

	// restLeast is how long run must have stood still to call it a rest: the machine slept, or was stopped. Mappings at the home router
	// and those of NATs may be over then.
	restLeast = time.Minute

	// introducersAtOnce bounds the sessions that are opened for introducers in each turn. After a turn that does not help the next
	// comes later, up to maxSeekPause: IPv6 may lead nowhere, or the introducers be full.
	introducersAtOnce = 2
	maxSeekPause      = 5 * time.Minute
	// seekAgain is how long a router is left alone to which a session was opened, or not, for tests or introducers.
	seekAgain = 20 * time.Minute
	// maxSought bounds the routers that are remembered for that; beyond it none is asked before some time has passed.
	maxSought = 256
)
