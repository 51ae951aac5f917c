package streaming

import "time"

// pacer spreads the packets of a window over the round trip. Credit for up to a few milliseconds accumulates, so
// that one timer a millisecond is enough at any rate.
type pacer struct {
	credit float64 // packets
	last   time.Duration
}

const (
	// pacingBurst is what may leave at once after a pause.
	pacingBurst = 10
	// pacingSlack is for how long credit accumulates beyond that: timers may be late.
	pacingSlack = 4 * time.Millisecond
	// pacingFrom: below this round trip the clock is too coarse.
	pacingFrom = 2 * time.Millisecond
)

// refill adds the credit since the last call; rate is in packets per second, 0 for no pacing.
func (p *pacer) refill(now time.Duration, rate float64) {
	if rate > 0 {
		p.credit += rate * (now - p.last).Seconds()
		p.credit = min(p.credit, max(pacingBurst, rate*pacingSlack.Seconds()))
	} else {
		p.credit = MaxWindow
	}
	p.last = now
}

func (p *pacer) ready() bool { return p.credit >= 1 }

func (p *pacer) spend() { p.credit-- }

// next is when there is credit again: for one packet, or for what a tick is worth.
func (p *pacer) next(now time.Duration, rate float64) time.Duration {
	missing := 1 - p.credit
	return now + max(tick, time.Duration(missing/rate*float64(time.Second)))
}
