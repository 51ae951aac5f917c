package nat

// A Drop is why something that a peer sent was ignored.
type Drop uint8

// The reasons.
const (
	DropMalformed    Drop = iota // does not parse, or not what belongs there
	DropNoSession                // the session that it came in is gone
	DropUnasked                  // an answer to nothing that is under way
	DropReplay                   // had been handled
	DropSkew                     // made at another time
	DropSignature                // not by whom it says
	DropAddress                  // from or about an address that cannot be
	DropFlood                    // too much of it; not even refused any more
	DropNoRouterInfo             // of a router that is not known, and did not become so in time
	numDrops
)

var dropNames = [numDrops]string{"malformed", "no session", "unasked", "replay", "clock skew", "signature", "address", "flood", "no RouterInfo"}

func (d Drop) String() string { return dropNames[d] }

// Stats are counts since the start, and the sizes of the tables now.
type Stats struct {
	Dropped [numDrops]uint64 // by Drop
	// Tests and relays that were begun in each role, and how many of those that peers asked for were refused.
	TestsStarted, TestsPassed, TestsAnswered    uint64 // as Alice, Bob, Charlie
	RelaysStarted, RelaysPassed, RelaysAnswered uint64
	TestsRefused, RelaysRefused                 uint64

	TestsAlice, TestsBob, TestsCharlie    int // under way
	RelaysAlice, RelaysBob, RelaysCharlie int
	Waiting                               int // messages that wait for a RouterInfo
	TagsGiven, TagsGot                    int
}

// Stats returns the counts.
func (e *Engine) Stats() Stats {
	s := e.stats
	for f := range e.aliceTests {
		if e.aliceTests[f] != nil {
			s.TestsAlice++
		}
		s.TagsGot += len(e.introducers[f].got)
	}
	s.TestsBob, s.TestsCharlie = len(e.bobTests), len(e.charlieTests)
	s.RelaysAlice, s.RelaysBob, s.RelaysCharlie = len(e.aliceRelays), len(e.bobRelays), len(e.charlieRelays)
	s.Waiting, s.TagsGiven = len(e.waiting), len(e.given.byTag)
	return s
}

func (e *Engine) drop(d Drop) { e.stats.Dropped[d]++ }
