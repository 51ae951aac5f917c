package ratchet

import (
	"hash/maphash"
	"time"

	"clove.i2p/router/crypto/keys"
)

// A Filter remembers the ephemeral keys of New Sessions for as long as their DateTime could be accepted. It is two
// sets that take turns; a flood of authentic New Sessions shortens its memory instead of growing it.
type Filter struct {
	seed      maphash.Seed
	now, past map[uint64]struct{}
	turn      time.Time
}

// NewFilter returns an empty filter.
func NewFilter() *Filter { return &Filter{seed: maphash.MakeSeed(), now: make(map[uint64]struct{})} }

// Has reports whether the key was added.
func (f *Filter) Has(key keys.X25519Public, now time.Time) bool {
	f.rotate(now)
	h := maphash.Bytes(f.seed, key[:])
	_, ok := f.now[h]
	if !ok {
		_, ok = f.past[h]
	}
	return ok
}

// Add remembers the key.
func (f *Filter) Add(key keys.X25519Public, now time.Time) {
	f.rotate(now)
	f.now[maphash.Bytes(f.seed, key[:])] = struct{}{}
}

// Len is the number of keys remembered.
func (f *Filter) Len() int { return len(f.now) + len(f.past) }

func (f *Filter) rotate(now time.Time) {
	if len(f.now) == 0 {
		if len(f.past) == 0 || now.After(f.turn.Add(MaxAge+MaxAhead)) {
			f.past, f.turn = nil, now
		}
		return
	}
	if late := now.Sub(f.turn); late > MaxAge+MaxAhead || len(f.now) >= filterEntries {
		f.past, f.now, f.turn = f.now, make(map[uint64]struct{}), now
	}
}
