package peer

import "time"

const (
	// maxProfiles bounds the memory of a Book: an attacker who announces routers by the thousand evicts the
	// profiles of routers that were idle longest, and nothing else. About 200 bytes each.
	maxProfiles = 20_000
	// profileLife is how long a profile is kept after its last use; i2pd keeps 36 hours.
	profileLife = 36 * time.Hour

	// backOffFirst and backOffMost bound the pause after failures in a row. i2pd waits 8 minutes after one failed
	// connection and 5.5 after one refusal; a first failure is mostly chance, so start lower and double.
	backOffFirst = 30 * time.Second
	backOffMost  = 8 * time.Minute
	// privateBackOffMost is the same for private networks, which have no routers to spare.
	privateBackOffFirst = time.Second
	privateBackOffMost  = 20 * time.Second

	// evictSample is how many profiles are looked at to find one that may go.
	evictSample = 32

	// maxCandidates are weighed in a selection. In a large network a random sample of this size is as good a choice
	// as all, and takes 1 ms instead of 20.
	maxCandidates = 512

	// halfLife of the counts of verdicts: what a router did an hour ago says little.
	halfLife = 20 * time.Minute
	// decayStep saves the arithmetic when results come fast.
	decayStep = time.Second

	// staleRouterInfo marks a router whose RouterInfo was not renewed; routers publish at least once an hour.
	staleRouterInfo = 4 * time.Hour

	// shortBuildVersion is the first release that knows the short tunnel build (0.9.51); one older hop costs the whole
	// path the long form.
	shortBuildVersion = 951
	// fastVersion is the first release that publishes congestion (0.9.58).
	fastVersion = 958
)
