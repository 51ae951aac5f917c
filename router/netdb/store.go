package netdb

import (
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/router/i2p"
)

// A store holds RouterInfos that are verified. It is safe for concurrent use.
type store struct {
	mu         sync.RWMutex
	routers    map[i2p.Hash]*i2p.RouterInfo
	floodfills map[i2p.Hash]*i2p.RouterInfo
	flooded    map[i2p.Hash]time.Time // what we flooded of a router: when that was published
	dirty      map[i2p.Hash]struct{}  // added, changed or removed since the last write; nil: nothing is written
	stale      []i2p.Hash             // found on the disk, but too old
}

func newStore(persistent bool) *store {
	s := &store{
		routers: make(map[i2p.Hash]*i2p.RouterInfo), floodfills: make(map[i2p.Hash]*i2p.RouterInfo),
		flooded: make(map[i2p.Hash]time.Time),
	}
	if persistent {
		s.dirty = make(map[i2p.Hash]struct{})
	}
	return s
}

func (s *store) get(router i2p.Hash) *i2p.RouterInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.routers[router]
}

func (s *store) counts() (routers, floodfills int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.routers), len(s.floodfills)
}

// put keeps ri if it is newer than what is there and reports whether it was.
func (s *store) put(ri *i2p.RouterInfo) bool {
	h := ri.Hash()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.routers[h]
	if old != nil && !ri.Published().After(old.Published()) {
		return false
	}
	if old == nil && len(s.routers) >= maxRouters {
		s.evict()
	}
	s.routers[h] = ri
	delete(s.floodfills, h)
	if eligibleFloodfill(ri) && len(s.floodfills) < maxFloodfills {
		s.floodfills[h] = ri
	}
	s.touch(h)
	return true
}

func (s *store) touch(h i2p.Hash) {
	if s.dirty != nil {
		s.dirty[h] = struct{}{}
	}
}

func (s *store) remove(h i2p.Hash) {
	delete(s.routers, h)
	delete(s.floodfills, h)
	delete(s.flooded, h)
	s.touch(h)
}

// toFlood returns the RouterInfo that is stored, which is verified, if it was not flooded yet, and remembers that it is
// now; else nil. Whether a DatabaseStore brought news does not tell: the handshake brings the RouterInfo before it.
func (s *store) toFlood(router i2p.Hash) *i2p.RouterInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.routers[router]
	if known == nil || !known.Published().After(s.flooded[router]) {
		return nil
	}
	s.flooded[router] = known.Published()
	return known
}

// evict makes room: of a sample, the router that was published longest ago, floodfills last.
func (s *store) evict() {
	var victim *i2p.RouterInfo
	n := 0
	for h, ri := range s.routers {
		if n++; n > evictSample {
			break
		}
		if s.floodfills[h] != nil {
			continue
		}
		if victim == nil || ri.Published().Before(victim.Published()) {
			victim = ri
		}
	}
	if victim == nil { // a sample of floodfills only
		for h := range s.routers {
			s.remove(h)
			return
		}
	}
	s.remove(victim.Hash())
}

// closest returns the n floodfills that are closest to a routing key; skip may be nil.
func (s *store) closest(key i2p.Hash, n int, skip func(i2p.Hash) bool) []*i2p.RouterInfo {
	c := closestTo{key: key, n: n}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for h, ri := range s.floodfills {
		if skip == nil || !skip(h) {
			c.add(ri)
		}
	}
	return c.list
}

// closestOthers returns the n routers closest to a routing key that are no floodfills, among a sample: an
// exploration wants any routers of a region, not the best.
func (s *store) closestOthers(key i2p.Hash, n int, skip func(i2p.Hash) bool) []*i2p.RouterInfo {
	c := closestTo{key: key, n: n}
	seen := 0
	s.mu.RLock()
	defer s.mu.RUnlock()
	for h, ri := range s.routers {
		if ri.IsFloodfill() || skip(h) {
			continue
		}
		if c.add(ri); seen > exploratorySample {
			break
		}
		seen++
	}
	return c.list
}

func (s *store) all() []*i2p.RouterInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*i2p.RouterInfo, 0, len(s.routers))
	for _, ri := range s.routers {
		list = append(list, ri)
	}
	return list
}

// expire removes routers that were published before a time, the oldest first, down to minRouters and minFloodfills, and
// returns how many.
func (s *store) expire(before time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.routers) <= minRouters {
		return 0
	}
	var old []*i2p.RouterInfo
	for _, ri := range s.routers {
		if ri.Published().Before(before) {
			old = append(old, ri)
		}
	}
	slices.SortFunc(old, func(a, b *i2p.RouterInfo) int { return a.Published().Compare(b.Published()) })
	removed := 0
	for _, ri := range old {
		if len(s.routers) <= minRouters {
			break
		}
		if s.floodfills[ri.Hash()] != nil && len(s.floodfills) <= minFloodfills {
			continue
		}
		s.remove(ri.Hash())
		removed++
	}
	return removed
}

// forgetLoaded tells that everything in the store is on the disk, and that what was stale there is to go.
func (s *store) forgetLoaded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.dirty)
	for _, h := range s.stale {
		s.touch(h)
	}
	s.stale = nil
}

// takeDirty returns what is to be written: a nil RouterInfo is one to delete.
func (s *store) takeDirty() map[i2p.Hash]*i2p.RouterInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dirty) == 0 {
		return nil
	}
	out := make(map[i2p.Hash]*i2p.RouterInfo, len(s.dirty))
	for h := range s.dirty {
		out[h] = s.routers[h]
	}
	clear(s.dirty)
	return out
}

// markDirty puts back what could not be written.
func (s *store) markDirty(hashes map[i2p.Hash]*i2p.RouterInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := range hashes {
		s.touch(h)
	}
}

// eligibleFloodfill reports whether a router may be asked: it says so, is new enough, can be sealed to and dialled.
func eligibleFloodfill(ri *i2p.RouterInfo) bool {
	if !ri.IsFloodfill() || ri.Version() < minFloodfillVersion || strings.ContainsAny(ri.Caps(), "UH") {
		return false
	}
	if _, ok := ri.EncryptionKey(); !ok {
		return false
	}
	for _, a := range ri.Addresses() {
		if a.AddrPort().IsValid() {
			return true
		}
	}
	return false
}
