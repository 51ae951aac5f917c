package streaming

import "time"

// roundTrip estimates the round trip and the retransmission timeout (RFC 6298).
type roundTrip struct {
	smoothed, variance, latest time.Duration
	backoff                    uint // timeouts in a row

	// The least of the last minPeriod to twice that: a path may change.
	least, older time.Duration
	leastSince   time.Duration
}

const minPeriod = 30 * time.Second

func (r *roundTrip) known() bool { return r.smoothed > 0 }

// sample takes a measurement.
func (r *roundTrip) sample(rtt, now time.Duration) {
	rtt = max(rtt, time.Microsecond)
	r.latest = rtt
	if !r.known() {
		r.smoothed, r.variance = rtt, rtt/2
	} else {
		r.variance += (max(r.smoothed-rtt, rtt-r.smoothed) - r.variance) / 4
		r.smoothed += (rtt - r.smoothed) / 8
	}
	if r.least == 0 || now-r.leastSince > minPeriod {
		r.older, r.least, r.leastSince = r.least, rtt, now
	}
	r.least = min(r.least, rtt)
}

// seed starts from what another connection to the same peer measured.
func (r *roundTrip) seed(smoothed, variance time.Duration) {
	r.smoothed, r.variance = smoothed, variance
	r.latest = smoothed
}

// min is the least round trip of the last time, 0 before the first sample.
func (r *roundTrip) min() time.Duration {
	if r.older != 0 && r.older < r.least {
		return r.older
	}
	return r.least
}

// late is when an acknowledgement is later than the variation of the path explains.
func (r *roundTrip) late() time.Duration {
	return r.smoothed + max(4*r.variance, r.smoothed/4, 10*time.Millisecond)
}

// probe is when a packet without an answer is probed, 0 before the first sample. A lone packet may wait for the
// delayed acknowledgement of the peer; a probe too many makes i2pd change its tunnels, since it is a duplicate there.
func (r *roundTrip) probe(inFlight int) time.Duration {
	if !r.known() {
		return 0
	}
	if inFlight == 1 {
		return r.late() + max(ackDelayMax, min(r.smoothed/4, loneAckDelay))
	}
	return r.late()
}

// timeout is the retransmission timeout with its exponential back-off: late enough for the answer to a probe in most
// cases. The back-off ends early, since a path that died was replaced in the meantime.
func (r *roundTrip) timeout() time.Duration {
	rto := initialRTO
	if r.known() {
		rto = r.late() + max(r.smoothed/2, minRTO)
	}
	if r.known() && r.least == 0 { // measured by another connection, perhaps through other tunnels
		rto = max(2*rto, seededRTO)
	}
	return min(max(rto, min(rto<<min(r.backoff, 8), maxBackoff)), maxRTO)
}
