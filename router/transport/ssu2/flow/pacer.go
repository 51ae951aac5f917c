package flow

import "time"

const (
	// burstTime is what a burst may hold, within these numbers of full packets: few enough for a router's queue, enough for a train (64 KiB at most in one
	// system call), and more than timers are late.
	burstTime  = 4 * time.Millisecond
	leastBurst = 16
	mostBurst  = 44
	// unpaced round trip times are below what timers can do.
	unpaced = time.Millisecond
)

// A pacer spreads a window over a round trip. Its tokens are bytes; the last packet may overdraw them.
type pacer struct {
	tokens int
	at     instant
	rate   float64 // bytes per nanosecond, 0: as fast as you like
	burst  int
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
	p.tokens = min(p.tokens, p.burst)
}

func (p *pacer) refill(t instant) {
	if p.rate > 0 && t > p.at {
		p.tokens = int(min(float64(p.tokens)+p.rate*float64(t-p.at), float64(p.burst)))
	}
	p.at = t
}

func (p *pacer) allows() bool { return p.rate == 0 || p.tokens > 0 }

func (p *pacer) spend(n int) {
	if p.rate > 0 {
		p.tokens -= n
	}
}

// next is when half a burst can go, so that packets come in trains.
func (p *pacer) next() instant {
	if p.allows() {
		return p.at
	}
	return p.at + instant(float64(p.burst/2-p.tokens)/p.rate) + 1
}
