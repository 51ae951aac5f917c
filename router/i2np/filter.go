package i2np

import (
	"sync"
	"time"
)

// A Filter remembers the messages of one context for as long as they could be replayed, by message id and
// expiration. One instance per context (direct, each client, each client's tunnels ...): a filter that contexts
// share tells an observer which destinations live on a router (CVE-2023-36325).
//
// Two generations of at most filterEntries each; the older is dropped when the younger is as old as a message can
// get, or full. Safe for concurrent use. The zero value is ready.
type Filter struct {
	mu         sync.Mutex
	young, old map[uint64]struct{}
	since      time.Time // of young
}

// NewFilter returns an empty filter.
func NewFilter() *Filter { return new(Filter) }

// Seen reports whether the message was seen before, and remembers it.
func (f *Filter) Seen(h Header, now time.Time) bool {
	key := uint64(h.ID)<<32 | uint64(seconds(h.Expiration))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.young == nil || len(f.young) >= filterEntries || now.Sub(f.since) >= filterSpan || now.Before(f.since) {
		f.turn(now)
	}
	if _, ok := f.young[key]; ok {
		return true
	}
	if _, ok := f.old[key]; ok {
		return true
	}
	f.young[key] = struct{}{}
	return false
}

func (f *Filter) turn(now time.Time) {
	if now.Sub(f.since) >= 2*filterSpan {
		f.young = nil // both are out of date
	}
	f.old, f.young, f.since = f.young, make(map[uint64]struct{}), now
}

// Len is the number of messages remembered.
func (f *Filter) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.young) + len(f.old)
}
