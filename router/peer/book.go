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
	// Banned reports whether we want nothing to do with a router: of transport.Mux, which knows. It may not call the Book. nil: with
	// everybody.
	Banned func(router i2p.Hash) bool
}

// A Book holds the profiles of the routers that we dealt with. It is safe for concurrent use.
type Book struct {
	cfg   Config
	clock *clock.Clock

	mu       sync.Mutex
	rand     *rand.Rand
	profiles map[i2p.Hash]*profile
	stats    Stats
}

// New returns an empty Book. It draws from rng, which no one else may use.
func New(cfg Config, clk *clock.Clock, rng *rand.Rand) *Book {
	return &Book{
		cfg: cfg, clock: clk, rand: rng,
		profiles: make(map[i2p.Hash]*profile),
	}
}

// Stats of a Book.
type Stats struct {
	Profiles, BackingOff                              int
	Connected, DialFailures                           uint64
	Agreed, Refused, TimedOut, TestsPassed, TestsLost uint64
	Selections, SelectionsShort                       uint64
}

// Connected tells that a session with a router was established.
func (b *Book) Connected(router i2p.Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	p := b.profile(router, now)
	p.seen = now
	p.dial = pause{}
	b.stats.Connected++
}

// Failed tells that a router could not be reached.
func (b *Book) Failed(router i2p.Hash, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.profile(router, now).dial.failed(now, b.pauses(), 1)
	b.stats.DialFailures++
}

// Replied tells that a router agreed to a tunnel build request (code 0) or refused it.
func (b *Book) Replied(router i2p.Hash, code byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	p := b.profile(router, now)
	p.seen = now
	p.decay(now)
	if code == 0 {
		p.agreed++
		p.build = pause{}
		b.stats.Agreed++
		return
	}
	p.refused++
	p.build.failed(now, b.pauses(), 1)
	b.stats.Refused++
}

// TimedOut tells that a build request through these routers was not answered. Only one of them is to blame, so that
// a pause comes with the second time in a row.
func (b *Book) TimedOut(routers []i2p.Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, r := range routers {
		p := b.profile(r, now)
		p.decay(now)
		p.timedOut += 1 / float64(len(routers))
		p.build.failed(now, b.pauses(), 2)
	}
	b.stats.TimedOut++
}

// Tested tells that a test through these routers came back or was lost.
func (b *Book) Tested(routers []i2p.Hash, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, r := range routers {
		p := b.profile(r, now)
		p.decay(now)
		if ok {
			p.seen = now
			p.testsPassed++
		} else {
			p.testsLost += 1 / float64(len(routers))
		}
	}
	if ok {
		b.stats.TestsPassed++
	} else {
		b.stats.TestsLost++
	}
}

// Good reports whether a router may be used now: it is neither banned nor backing off.
func (b *Book) Good(router i2p.Hash) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.banned(router) {
		return false
	}
	p := b.profiles[router]
	return p == nil || !p.pausing(now)
}

// Reaches reports whether the last attempts to connect to a router, if any, do not speak against another. Unlike Good
// it forgives refused tunnels, which say nothing of the netDb.
func (b *Book) Reaches(router i2p.Hash) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.banned(router) {
		return false
	}
	p := b.profiles[router]
	return p == nil || !now.Before(p.dial.until)
}

func (b *Book) banned(router i2p.Hash) bool { return b.cfg.Banned != nil && b.cfg.Banned(router) }

// Profile returns what is known of a router.
func (b *Book) Profile(router i2p.Hash) (Profile, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.profiles[router]
	if p == nil {
		return Profile{}, false
	}
	p.decay(time.Now())
	return p.snapshot(), true
}

// Stats returns the counters.
func (b *Book) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s := b.stats
	s.Profiles = len(b.profiles)
	for _, p := range b.profiles {
		if p.pausing(now) {
			s.BackingOff++
		}
	}
	return s
}

// profile returns the profile of a router and makes one if need be.
func (b *Book) profile(router i2p.Hash, now time.Time) *profile {
	p := b.profiles[router]
	if p == nil {
		if len(b.profiles) >= maxProfiles {
			b.evict(now)
		}
		p = &profile{decayed: now}
		b.profiles[router] = p
	}
	p.used = now
	return p
}

// evict removes the one that was idle longest among a few profiles, and those past profileLife: a sample is enough,
// and bounds the time under the lock.
func (b *Book) evict(now time.Time) {
	var oldest i2p.Hash
	var since time.Time
	n := 0
	for r, p := range b.profiles {
		if n++; n > evictSample {
			break
		}
		if now.Sub(p.used) > profileLife {
			delete(b.profiles, r)
			continue
		}
		if since.IsZero() || p.used.Before(since) {
			oldest, since = r, p.used
		}
	}
	if len(b.profiles) >= maxProfiles {
		delete(b.profiles, oldest)
	}
}

func (b *Book) pauses() pauseRange {
	if b.cfg.Private {
		return pauseRange{privateBackOffFirst, privateBackOffMost}
	}
	return pauseRange{backOffFirst, backOffMost}
}
