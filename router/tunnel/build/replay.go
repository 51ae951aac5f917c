package build

import (
	"hash/maphash"
	"sync"
	"time"

	"clove.i2p/router/crypto/keys"
)

// A Replay filter remembers the ephemeral keys of requests for as long as their time is good, so that a recorded request is
// not answered twice. It forgets in two generations and is bounded. It is safe for concurrent use.
type Replay struct {
	seed maphash.Seed

	mu       sync.Mutex
	now, old map[uint64]struct{}
	since    time.Time
}

// NewReplay returns an empty filter.
func NewReplay() *Replay {
	return &Replay{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

// Add reports whether the key is new, and remembers it. Only keys of requests that opened go in: anything else could be
// made for nothing and push the good ones out.
func (r *Replay) Add(ephemeral keys.X25519Public, now time.Time) bool {
	h := maphash.Bytes(r.seed, ephemeral[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	switch age := now.Sub(r.since); {
	case age >= 2*(maxAge+maxFuture):
		r.old, r.now, r.since = nil, map[uint64]struct{}{}, now
	case age >= maxAge+maxFuture || len(r.now) >= replayEntries:
		r.old, r.now, r.since = r.now, map[uint64]struct{}{}, now
	}
	if _, ok := r.now[h]; ok {
		return false
	}
	if _, ok := r.old[h]; ok {
		return false
	}
	r.now[h] = struct{}{}
	return true
}
