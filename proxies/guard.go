package proxies

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// A Guard checks credentials for one proxy and slows down whoever guesses.
//
// Wrong credentials are counted by client address and, for guesses from many places, by user name. Once there were too many,
// each further check waits, twice as long for each failure, up to maxPenalty; a right one clears the user's count. A client
// with too many checks that wait gets ErrTooManyFailures at once. A failure is forgotten after forgetFailures.
type Guard struct {
	accounts Accounts

	mu       sync.Mutex
	failures map[failureKey]failure
	waiting  map[string]int // by client, never 0
	waits    int            // all of them
}

// failureKey has one of them.
type failureKey struct{ client, user string }

type failure struct {
	count int
	last  time.Time
}

// NewGuard takes nil for no users.
func NewGuard(a Accounts) *Guard {
	if a == nil {
		a = Users(nil)
	}
	return &Guard{accounts: a, failures: make(map[failureKey]failure), waiting: make(map[string]int)}
}

// Required is false if nobody has to say who they are.
func (g *Guard) Required() bool { return g.accounts.Required() }

// Realm is that of the Accounts, for the challenges of HTTP.
func (g *Guard) Realm() string { return g.accounts.Realm() }

// Algorithms are those of Digest that work for somebody, the strongest first.
func (g *Guard) Algorithms() []Algorithm { return g.accounts.Algorithms() }

// Password checks a user and password. client is the address that they came from, without its port. It returns
// ErrUnauthorized, ErrTooManyFailures, or ctx's error if that ends during the wait. Without users it lets everybody in. Empty
// credentials are wrong, but no guess.
func (g *Guard) Password(ctx context.Context, client, user, password string) error {
	if !g.accounts.Required() {
		return nil
	}
	if user == "" && password == "" {
		return ErrUnauthorized
	}
	return g.check(ctx, client, user, func() bool { return g.accounts.Verify(user, password) })
}

// Digest is Password for HTTP Digest: check gets the user's HA1 and says whether the response fits. It is called for
// users that do not exist, too, with an HA1 that nothing fits. An outdated nonce is not a failure: check that before.
func (g *Guard) Digest(ctx context.Context, client, user string, a Algorithm, check func(ha1 string) bool) error {
	if !g.accounts.Required() {
		return nil
	}
	return g.check(ctx, client, user, func() bool {
		ha1, known := g.accounts.HA1(user, a)
		if !known {
			ha1 = randomHA1(a)
		}
		return check(ha1) && known
	})
}

func randomHA1(a Algorithm) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	if a == MD5 {
		b = b[:16]
	}
	return hex.EncodeToString(b)
}

func (g *Guard) check(ctx context.Context, client, user string, right func() bool) error {
	// Names that are longer than any are one.
	keys := [2]failureKey{{client: client}, {user: user[:min(len(user), maxUser)]}}
	if err := g.wait(ctx, client, keys); err != nil {
		return err
	}
	if right() {
		g.forget(keys[1])
		return nil
	}
	g.fail(keys)
	return ErrUnauthorized
}

func (g *Guard) wait(ctx context.Context, client string, keys [2]failureKey) error {
	g.mu.Lock()
	d := max(g.penalty(keys[0], freeFailures), g.penalty(keys[1], freeUserFailures))
	if d == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.waiting[client] >= maxClientWaits || g.waits >= maxWaits {
		g.mu.Unlock()
		return ErrTooManyFailures
	}
	g.waiting[client]++
	g.waits++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waits--
		if g.waiting[client]--; g.waiting[client] == 0 {
			delete(g.waiting, client)
		}
	}()
	return sleep(ctx, d)
}

// penalty is how long the next check has to wait. The caller holds g.mu.
func (g *Guard) penalty(k failureKey, free int) time.Duration {
	f := g.failures[k]
	if f.count < free || time.Since(f.last) >= forgetFailures {
		return 0
	}
	return min(firstPenalty<<min(f.count-free, 16), maxPenalty)
}

func (g *Guard) fail(keys [2]failureKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for _, k := range keys {
		f, ok := g.failures[k]
		if !ok && len(g.failures) >= maxFailing {
			g.makeRoom(now)
		}
		if now.Sub(f.last) >= forgetFailures {
			f.count = 0
		}
		g.failures[k] = failure{count: f.count + 1, last: now}
	}
}

// makeRoom forgets what is over, else the least of some: guesses under ever new names cost one entry each, while a client
// that fails often stays.
func (g *Guard) makeRoom(now time.Time) {
	var victim failureKey
	least, seen := 0, 0
	for k, f := range g.failures {
		if now.Sub(f.last) >= forgetFailures {
			delete(g.failures, k)
			continue
		}
		if least == 0 || f.count < least {
			victim, least = k, f.count
		}
		if seen++; seen == 64 {
			break
		}
	}
	if len(g.failures) >= maxFailing {
		delete(g.failures, victim)
	}
}

func (g *Guard) forget(k failureKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, k)
}
