package flow

import "time"

// A lossDetector decides when a packet is lost: some time after one that was sent later was acked (RACK, RFC 8985), or a number of packets after it
// (RFC 9002, 6.1). Both grow when a packet turns out to have been reordered only.
type lossDetector struct {
	acked     uint32 // highest number acked
	anyAcked  bool
	timer     instant // when the next packet is lost by time, or never
	packets   int     // threshold
	eighths   int     // of the round trip time
	quiet     int     // rounds since the last spurious loss
	lastSent  instant // of an ack-eliciting packet
	ptos      int     // in a row
	probes    int     // packets that may be sent against congestion control
	progress  instant // the last time when something was acked, or nothing was in flight
	rate      lossRate
	roundEnds instant // a packet sent later ends the round
}

func newLossDetector() lossDetector {
	return lossDetector{timer: never, packets: initialPacketThreshold, eighths: minTimeThreshold}
}

// delay is the time threshold.
func (d *lossDetector) delay(r *rttEstimator) time.Duration {
	return max(max(r.current(), r.latest)*time.Duration(d.eighths)/8, granularity)
}

// ptoAt is when the next probe is due if something is in flight.
func (d *lossDetector) ptoAt(r *rttEstimator) instant {
	return d.lastSent + min(r.pto()<<min(d.ptos, 16), maxPTO)
}

// reordered widens the thresholds: a packet that was declared lost was acked distance packets and late after it was sent.
func (d *lossDetector) reordered(r *rttEstimator, distance int, late time.Duration) {
	d.quiet = 0
	d.packets = max(d.packets, min(distance+1, maxPacketThreshold))
	if rtt := r.current(); rtt > 0 {
		need := int(min(late*8/rtt, maxTimeThreshold)) + 1
		d.eighths = max(d.eighths, min(need, maxTimeThreshold))
	}
}

// round counts a round trip; long after the last spurious loss the thresholds shrink again.
func (d *lossDetector) round() {
	d.rate.round()
	if d.quiet++; d.quiet >= reorderingRounds {
		d.quiet = 0
		d.packets = max(initialPacketThreshold, d.packets*3/4)
		d.eighths = max(minTimeThreshold, d.eighths-1)
	}
}

// A lossRate is the share of packets that get lost, smoothed over rounds.
type lossRate struct {
	acked, lost int // in this round
	smoothed    float64
}

func (l *lossRate) round() {
	if n := l.acked + l.lost; n > 0 {
		// A round of few packets counts for less.
		weight := min(float64(n)/64, 1) / 8
		l.smoothed += (float64(l.lost)/float64(n) - l.smoothed) * weight
	}
	l.acked, l.lost = 0, 0
}

// lostLife is how long after it was sent a lost packet is remembered, to learn that it was not lost. It is short as i2pd, some seconds after a loss, acks
// whole stretches of numbers that it never got (SSU2Session::CleanUp).
func (f *Flow) lostLife() time.Duration { return min(3*f.rtt.pto(), 3*time.Second) }

// detectLost declares packets lost and sets the timer for the next one.
func (f *Flow) detectLost(t instant) {
	f.loss.timer = never
	l := &f.sent
	if !f.loss.anyAcked {
		return
	}
	delay := f.loss.delay(&f.rtt)
	for n := l.base; n != l.next && n < f.loss.acked; n++ {
		p := l.at(n)
		if p.state != inFlight {
			continue
		}
		if int(f.loss.acked-n) < f.loss.packets && p.sent+delay > t {
			f.loss.timer = p.sent + delay
			return // the following were sent later
		}
		f.lose(t, p, true)
	}
}

// lose declares a packet lost, so that its blocks are sent again. The loss of a probe of the MTU is no sign of congestion, and neither is what never left.
func (f *Flow) lose(t instant, p *packet, signal bool) {
	f.sent.land(p, lost)
	for i := p.refs; i >= 0; i = f.sent.refs[i].next {
		r := &f.sent.refs[i]
		if f.queue.lose(r.h, r.frag) {
			f.stats.Resent++
		}
	}
	if signal && p.probe == 0 {
		f.stats.Lost++
	}
	if !signal || !f.onPath(p) {
		return
	}
	if p.probe == 0 {
		f.loss.rate.lost++
		f.cc.lost(t, p.sent, f.loss.rate.smoothed)
	}
	if f.mtu.lost(t, p, f.rtt.current(), f.loss.rate.smoothed) {
		f.pace(t)
	}
}

// onTimer runs what is due of loss detection.
func (f *Flow) onTimer(t instant) {
	if f.loss.timer <= t {
		f.detectLost(t)
		f.sent.advance(t - f.lostLife())
	}
	if f.sent.packets == 0 || f.loss.timer != never || f.loss.ptoAt(&f.rtt) > t {
		return
	}
	f.loss.ptos++
	f.loss.probes = 2
	f.loss.lastSent = t
	f.stats.Probes++
	if f.loss.ptos == persistentPTOs {
		f.cc.persistent(t)
	}
}
