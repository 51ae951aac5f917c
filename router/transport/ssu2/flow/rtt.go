package flow

import "time"

// rttEstimator is RFC 9002, 5. SSU2's acks do not tell their delay, so it is part of the round trip time, which is right for the timers.
type rttEstimator struct {
	latest, smoothed, variance time.Duration
	least                      minimum
	samples                    uint64
}

func (r *rttEstimator) sample(t instant, d time.Duration) {
	d = max(d, time.Microsecond)
	r.latest = d
	r.least.add(t, d)
	if r.samples++; r.samples == 1 {
		r.smoothed, r.variance = d, d/2
		return
	}
	r.variance += ((r.smoothed - d).Abs() - r.variance) / 4
	r.smoothed += (d - r.smoothed) / 8
}

// current is the smoothed round trip time, or a guess.
func (r *rttEstimator) current() time.Duration {
	if r.samples == 0 {
		return initialRTT
	}
	return r.smoothed
}

// ackDelay is how long we may wait with an ack, and how long the peer may.
func (r *rttEstimator) ackDelay() time.Duration {
	return max(minAckDelay, min(r.current()/6, maxAckDelay))
}

// immediateDelay is the same for packets with the immediate-ack flag.
func (r *rttEstimator) immediateDelay() time.Duration { return min(r.current()/16, maxImmediateDelay) }

// pto is the probe timeout without back-off.
func (r *rttEstimator) pto() time.Duration {
	if r.samples == 0 {
		return 2 * initialRTT
	}
	return max(r.smoothed+max(4*r.variance, granularity)+r.ackDelay(), minPTO)
}

// A minimum is the least of the last minimumWindow, within one half of it.
type minimum struct {
	old, young time.Duration
	turned     instant
}

func (m *minimum) add(t instant, d time.Duration) {
	switch {
	case m.young == 0:
		m.old, m.young, m.turned = d, d, t
	case t-m.turned > minimumWindow/2:
		m.old, m.young, m.turned = m.young, d, t
	}
	m.young = min(m.young, d)
}

func (m *minimum) get() time.Duration { return min(m.old, m.young) }
