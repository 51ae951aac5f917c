package ssu2

import (
	"time"

	"clove.i2p/router/i2p"
)

// An unfound table has the introducers that a lookup did not find, and until when they are not looked for again.
type unfound map[i2p.Hash]time.Time

func (s *server) isUnfound(router i2p.Hash, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.unfound[router])
}

func (s *server) notFound(router i2p.Hash, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unfound) >= maxUnfound {
		s.unfound.forget(now)
	}
	s.unfound[router] = now.Add(unfoundTime)
}

// forget makes room.
func (u unfound) forget(now time.Time) {
	n := 0
	for router, until := range u {
		if !now.Before(until) || n < maxUnfound/4 {
			delete(u, router)
			n++
		}
	}
}
