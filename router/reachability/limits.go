package reachability

import "time"

const (
	// DefaultAgree is how many networks must say the same before a verdict changes: one liar is not enough.
	DefaultAgree = 2
	// agreeAddress is the least that replaces an external IP address that others had agreed on; see family.agreed.
	agreeAddress = 3
	// agreePorts is how many networks must see us, each at another port, to call that symmetric without a test.
	agreePorts = 3

	// testLife, inboundLife and seenLife are how long evidence counts. Tests come once an hour at least.
	testLife    = 3 * time.Hour
	inboundLife = time.Hour
	seenLife    = time.Hour
	// hold keeps a verdict that nothing confirms or contradicts any more.
	hold = 4 * time.Hour
	// repeatSpan: while nothing is known, one witness is believed that says the same again after this time.
	repeatSpan = 5 * time.Minute

	// maxTests, maxInbound and maxSeen bound the evidence of a family. At the bound the oldest goes: tests are ours, and each network has one entry
	// of the others.
	maxTests   = 32
	maxInbound = 64
	maxSeen    = 128
)

// When to test.
const (
	firstTest = 15 * time.Second // after the start: sessions are needed
	soonTest  = 10 * time.Second // after a change of address or mapping
	// While there is no verdict, or a test contradicts it, the first patientTests are followed after soonTest to twice that, as i2pd 2.45 as Bob loses
	// some, and where everybody knows everybody most Charlies refuse; the others after openTest to twice that, doubling up to maxOpen.
	patientTests = 5
	openTest     = 30 * time.Second
	maxOpen      = 10 * time.Minute
	maxNoBob     = 5 * time.Minute  // after a test that could not start, from soonTest on
	startGrace   = 45 * time.Second // for a test that was started and never ends
	okTest       = 30 * time.Minute // to twice that, while all is well
	blockTest    = 20 * time.Minute // to twice that, while firewalled
)
