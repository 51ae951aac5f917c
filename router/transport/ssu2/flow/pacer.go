package flow

import "time"

const (
	// burstTime is what a burst may hold, within these numbers of full packets: few enough for a router's queue, enough for a train (64 KiB at most in one
	// system call), and more than timers are late.
	burstTime  = 4 * time.Millisecond
	leastBurst = 16
	mostBurst  = 44
	// quantumTime is what has to come together before packets go on, two at least, so that they go in trains.
	quantumTime  = 2 * time.Millisecond
	leastQuantum = 2
	// unpaced round trip times are below what timers can do.
	unpaced = time.Millisecond
)

// A pacer spreads a window over a round trip. Its tokens are bytes; the last packet may overdraw them.
type pacer struct {
	tokens int
	at     instant
	rate   float64 // bytes per nanosecond, 0: as fast as you like
	burst  int
	low    int  // tokens to go on with
	empty  bool // the tokens were used up, and are fewer than low since
}

// set takes a window in bytes and a round trip time.
func (p *pacer) set(t instant, window, packet int, rtt time.Duration, slowStart bool) {
	p.refill(t)
	if rtt < unpaced {
		p.rate = 0
		return
	}
	gain := 1.25
	if slowStart {
		gain = 2
	}
	p.rate = gain * float64(window) / float64(rtt)
	p.burst = min(max(int(p.rate*float64(burstTime)), leastBurst*packet), mostBurst*packet)
	p.low = min(max(int(p.rate*float64(quantumTime)), leastQuantum*packet), p.burst/2)
	p.tokens = min(p.tokens, p.burst)
}

func (p *pacer) refill(t instant) {
	if p.rate > 0 && t > p.at {
		p.tokens = int(min(float64(p.tokens)+p.rate*float64(t-p.at), float64(p.burst)))
	}
	p.at = t
	if p.tokens >= p.low {
		p.empty = false
	}
}

func (p *pacer) allows() bool { return p.rate == 0 || !p.empty }

func (p *pacer) spend(n int) {
	if p.rate > 0 {
		p.tokens -= n
		p.empty = p.tokens <= 0
	}
}

// next is when packets may go on.
func (p *pacer) next() instant {
	if p.allows() {
		return p.at
	}
	return p.at + instant(max(float64(p.low-p.tokens), 0)/p.rate) + 1
}
