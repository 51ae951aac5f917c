package router

import (
	"slices"
	"sync"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// skew gathers how far the clocks of routers that we dialled are off ours, and corrects router time by the median once
// enough agree: one liar, or a few, cannot move it.
type skew struct {
	mu      sync.Mutex
	reports []report // oldest first, one for each peer
	began   time.Time
	step    time.Duration // by which the local clock was set since
}

type report struct {
	peer i2p.Hash
	at   time.Time
	off  time.Duration // against the local clock
}

const (
	// skewPeers have to be heard before the clock is corrected, and skewMost are remembered: the first, so that a crowd
	// that comes later does not outvote them, each for skewAge.
	skewPeers = 5
	skewMost  = 64
	skewAge   = 30 * time.Minute
	// skewLeast is the smallest correction: handshakes date by the second.
	skewLeast = 3 * time.Second
)

// note returns the function that the transports tell a peer's time minus router time to.
func (s *skew) note(clk *clock.Clock) func(i2p.Hash, time.Duration) {
	return func(peer i2p.Hash, d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Now()
		s.forget(now)
		s.reports = slices.DeleteFunc(s.reports, func(r report) bool { return r.peer == peer })
		if len(s.reports) >= skewMost {
			return
		}
		s.reports = append(s.reports, report{peer, now, d + clk.Offset()})
		if len(s.reports) < skewPeers {
			return
		}
		all := make([]time.Duration, 0, len(s.reports))
		for _, r := range s.reports {
			all = append(all, r.off)
		}
		slices.Sort(all)
		if median := all[len(all)/2]; (median - clk.Offset()).Abs() >= skewLeast {
			clk.SetOffset(median)
		}
	}
}

// forget drops what is old, and everything once the local clock was set (or the machine slept): what was off against it
// then says nothing now.
func (s *skew) forget(now time.Time) {
	if s.began.IsZero() {
		s.began = now
	}
	step := now.Round(0).Sub(s.began.Round(0)) - now.Sub(s.began) // without and with the monotonic clock
	if (step - s.step).Abs() >= skewLeast {
		s.reports, s.step = nil, step
	}
	s.reports = slices.DeleteFunc(s.reports, func(r report) bool { return now.Sub(r.at) >= skewAge })
}
