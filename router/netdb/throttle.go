package netdb

import (
	"sync"
	"time"
)

// A throttle is a token bucket per key. It remembers at most 2*throttleEntries keys in two generations: a flood of new
// keys makes it forget, it does not grow.
type throttle[K comparable] struct {
	burst, rate float64

	mu       sync.Mutex
	now, old map[K]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newThrottle[K comparable](burst, rate float64) *throttle[K] {
	return &throttle[K]{burst: burst, rate: rate, now: make(map[K]bucket)}
}

// allow takes a token of key and reports whether there was one.
func (t *throttle[K]) allow(key K, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.now[key]
	if !ok {
		if len(t.now) >= throttleEntries {
			t.old, t.now = t.now, make(map[K]bucket)
		}
		if b, ok = t.old[key]; !ok {
			b = bucket{tokens: t.burst, at: now}
		}
	}
	b.tokens = min(t.burst, b.tokens+t.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	t.now[key] = b
	return allowed
}
