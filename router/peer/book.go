package peer

import (
	"math/rand/v2"
	"sync"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// Config of a Book.
type Config struct {
	// Private is set in private networks: addresses are not compared, pauses are short.
	Private bool
}

// A Book holds the profiles of the routers that we dealt with. It is safe for concurrent use.
type Book struct {
	cfg   Config
	clock *clock.Clock

	mu       sync.Mutex
	rand     *rand.Rand
	profiles map[i2p.Hash]*profile
	bans     map[i2p.Hash]ban
	stats    Stats
}

// New returns an empty Book. It draws from rng, which no one else may use.
func New(cfg Config, clk *clock.Clock, rng *rand.Rand) *Book {
	return &Book{
		cfg: cfg, clock: clk, rand: rng,
		profiles: make(map[i2p.Hash]*profile), bans: make(map[i2p.Hash]ban),
	}
}

// Stats of a Book.
type Stats struct {
	Profiles, Bans, BackingOff                        int
	Connected, DialFailures                           uint64
	Agreed, Refused, TimedOut, TestsPassed, TestsLost uint64
	Selections, SelectionsShort                       uint64
}

// Profile is a snapshot of what is known of one router.
type Profile struct {
	LastSeen                  time.Time // zero: never
	BackOff                   time.Time // not to be chosen before
	Failures                  int       // in a row: dials, refusals, silence
	Agreed, Refused, TimedOut float64   // decayed counts
	TestsPassed, TestsLost    float64
}

type profile struct {
	Profile
	used    time.Time
	decayed time.Time
}

type ban struct {
	until  time.Time
	reason string
}

// Admit reports whether to speak with a router: it is not banned.
func (b *Book) Admit(router i2p.Hash) bool { return true }

// Connected tells that a session with a router was established.
func (b *Book) Connected(router i2p.Hash) {}

// Failed tells that a router could not be reached.
func (b *Book) Failed(router i2p.Hash, err error) {}

// Replied tells that a router agreed to a tunnel build request (code 0) or refused it.
func (b *Book) Replied(router i2p.Hash, code byte) {}

// TimedOut tells that a build request through these routers was not answered.
func (b *Book) TimedOut(routers []i2p.Hash) {}

// Tested tells that a test through these routers came back or was lost.
func (b *Book) Tested(routers []i2p.Hash, ok bool) {}

// Good reports whether a router may be used now: it is neither banned nor backing off.
func (b *Book) Good(router i2p.Hash) bool { return true }

// Ban refuses a router for a time, at most a week.
func (b *Book) Ban(router i2p.Hash, d time.Duration, reason string) {}

// Unban ends a ban.
func (b *Book) Unban(router i2p.Hash) {}

// Profile returns what is known of a router.
func (b *Book) Profile(router i2p.Hash) (Profile, bool) { return Profile{}, false }

// Stats returns the counters.
func (b *Book) Stats() Stats { return Stats{} }
