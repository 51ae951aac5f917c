package netdb

import (
	"sync"
	"time"

	"clove.i2p/router/i2p"
)

// leaseSets are verified LeaseSets by destination: at a floodfill those that were published to it, in a View those
// of its peers. It is safe for concurrent use.
type leaseSets struct {
	most int

	mu sync.RWMutex
	m  map[i2p.Hash]i2p.LeaseSet
}

func newLeaseSets(most int) *leaseSets {
	return &leaseSets{most: most, m: make(map[i2p.Hash]i2p.LeaseSet)}
}

func (l *leaseSets) get(h i2p.Hash, now time.Time) i2p.LeaseSet {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if ls := l.m[h]; ls != nil && now.Before(ls.Expires()) {
		return ls
	}
	return nil
}

func (l *leaseSets) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.m)
}

// put keeps ls if it is newer than what is there and reports whether it was. If there is no room, the one of a sample
// that less names as the least important goes.
func (l *leaseSets) put(ls i2p.LeaseSet, now time.Time, less func(a, b i2p.LeaseSet) bool) bool {
	h := ls.Hash()
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.m[h]
	if old != nil && !ls.Published().After(old.Published()) && now.Before(old.Expires()) {
		return false
	}
	if old == nil && len(l.m) >= l.most {
		l.evict(now, less)
	}
	l.m[h] = ls
	return true
}

func (l *leaseSets) evict(now time.Time, less func(a, b i2p.LeaseSet) bool) {
	var victim i2p.LeaseSet
	n := 0
	for _, ls := range l.m {
		if n++; n > evictSample {
			break
		}
		if !now.Before(ls.Expires()) {
			victim = ls
			break
		}
		if victim == nil || less(ls, victim) {
			victim = ls
		}
	}
	if victim != nil {
		delete(l.m, victim.Hash())
	}
}

func (l *leaseSets) expire(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h, ls := range l.m {
		if !now.Before(ls.Expires()) {
			delete(l.m, h)
		}
	}
}

// endsSooner is the order of importance in a View.
func endsSooner(a, b i2p.LeaseSet) bool { return a.Expires().Before(b.Expires()) }
