package router

import (
	"slices"
	"sync"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// skew gathers how far peers' clocks are off ours, and corrects router time by the median once enough agree: one
// liar, or a few, cannot move it.
type skew struct {
	mu    sync.Mutex
	peers map[i2p.Hash]time.Duration
}

const (
	// skewPeers have to be heard before the clock is corrected, and skewMost are remembered.
	skewPeers = 5
	skewMost  = 64
	// skewLeast is the smallest correction: handshakes date by the second.
	skewLeast = 3 * time.Second
)

// note returns the function that ntcp2 tells a peer's time minus router time to.
func (s *skew) note(clk *clock.Clock) func(i2p.Hash, time.Duration) {
	return func(peer i2p.Hash, d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.peers == nil {
			s.peers = make(map[i2p.Hash]time.Duration)
		}
		if _, known := s.peers[peer]; !known && len(s.peers) >= skewMost {
			return
		}
		s.peers[peer] = d + clk.Offset() // against the local clock
		if len(s.peers) < skewPeers {
			return
		}
		all := make([]time.Duration, 0, len(s.peers))
		for _, d := range s.peers {
			all = append(all, d)
		}
		slices.Sort(all)
		if median := all[len(all)/2]; (median - clk.Offset()).Abs() >= skewLeast {
			clk.SetOffset(median)
		}
	}
}
