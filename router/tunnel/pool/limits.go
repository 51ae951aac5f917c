package pool

import "time"

// The life of a tunnel. Ten minutes is fixed by the network (tunnel-implementation.md, "Lifetime"); everybody on
// the path forgets the tunnel then.
const (
	// Lifetime runs from the time of the build request.
	Lifetime = 10 * time.Minute
	// replaceEarliest and replaceLatest bound the random lead with which a tunnel is rebuilt before it expires.
	// The spread keeps the tunnels of a pool from expiring together, and one observer from reading the pool's age.
	replaceEarliest = 150 * time.Second
	replaceLatest   = 60 * time.Second
	// retire is how long before its expiry an outbound tunnel is no longer chosen: what is sent still has to pass
	// all hops, whose clocks may differ by seconds.
	retire = 20 * time.Second
	// leaseMargin is taken off the end of a lease, for the same reason.
	leaseMargin = 10 * time.Second
	// leaseSpread bounds what is taken off at random on top. Destinations that start together have tunnels that end
	// together, and the ends in their LeaseSets would say so to the second. A successor is asked for earlier.
	leaseSpread = 20 * time.Second
)

// Building.
const (
	// BuildTimeout is how long the reply to a build request may take. Java I2P uses 10 to 13 s; a build that takes
	// longer makes a slow tunnel.
	BuildTimeout = 10 * time.Second
	// backOffFirst and backOffMost bound the pause after a failed build; the pause doubles with each failure in a
	// row, so that a router without a network does not spin.
	backOffFirst = 200 * time.Millisecond
	backOffMost  = 8 * time.Second
	// carrierPause is how soon to look again for a tunnel that can carry a build request or its reply.
	carrierPause = 250 * time.Millisecond
	// MaxHops is the longest tunnel (I2CP option limit).
	MaxHops = 7
	// MaxQuantity is the most tunnels for a direction (a LeaseSet2 holds 16 leases).
	MaxQuantity = 16
	// maxPending bounds the builds under way of a Table; beyond it pools wait. It stops a burst of destinations
	// from flooding our own peers with requests.
	maxPending = 128
)

// Testing.
const (
	testFirst    = 2 * time.Second
	testInterval = 15 * time.Second
	// A test is lost after testPatience times the latency of the pair, within these bounds: a dead tunnel costs its
	// owner all that time, and a slow one is judged again at once.
	testPatience     = 4
	testTimeoutLeast = 3 * time.Second
	testTimeout      = 8 * time.Second
	// testFailures in a row end a tunnel. One lost message is no verdict: the pair shares the blame, and each is tested
	// again with another partner.
	testFailures = 2
	// suspicionPause is the least time between tests of one tunnel that are not due.
	suspicionPause = time.Second
)
