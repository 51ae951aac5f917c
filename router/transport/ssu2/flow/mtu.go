package flow

import "time"

// A discovery searches the MTU of the path with padded probes (RFC 8899), and falls back to the floor when long packets vanish (RFC 4821, "black hole").
type discovery struct {
	enabled  bool
	limited  bool // a path is being validated: the floor only
	overhead int
	most     int  // MTU
	current  int  // that passes
	failed   int  // least that did not, or most+1
	fresh    bool // nothing was tried since the search began
	tries    int
	trying   int // MTU of the probe in flight, 0: none
	next     instant
	packets  int     // acked
	vanished int     // long packets lost in a row
	since    instant // when the first of them was sent
	passed   instant // when the last long packet that was acked was sent
}

func newDiscovery(enabled bool, overhead, current, most int) discovery {
	return discovery{enabled: enabled, overhead: overhead, most: most, current: current, failed: most + 1, fresh: true}
}

// mtu is the size of IP packets to use.
func (d *discovery) mtu() int {
	if d.limited {
		return FloorMTU
	}
	return d.current
}

func (d *discovery) payload() int { return d.mtu() - d.overhead }

// known is the payload that passes when a path has been validated, if it stays the same.
func (d *discovery) known() int { return d.current - d.overhead }

// wants returns the MTU to try when the time has come, 0: none.
func (d *discovery) wants() int {
	switch {
	case !d.enabled || d.limited || d.trying != 0 || d.packets < probeAfter || d.current >= d.most:
		return 0
	case d.fresh:
		return d.most
	}
	return (d.current + d.failed) / 2 &^ 1
}

func (d *discovery) sent(mtu int) { d.trying = mtu }

// acked takes an acked packet.
func (d *discovery) acked(t instant, p *packet, rtt time.Duration) {
	d.packets++
	if p.big {
		d.vanished, d.passed = 0, max(d.passed, p.sent)
	}
	if p.probe == 0 {
		return
	}
	if d.trying == int(p.probe) {
		d.trying = 0
	}
	if int(p.probe) > d.current && int(p.probe) < d.failed {
		d.current, d.tries, d.fresh = int(p.probe), 0, false
		d.step(t, rtt)
	}
}

// lost takes a lost packet and reports whether the MTU fell.
func (d *discovery) lost(t instant, p *packet, rtt time.Duration, rate float64) bool {
	if p.probe != 0 {
		d.trying = 0
		if d.tries++; d.tries >= maxProbeTries {
			d.refuse(int(p.probe))
		}
		d.step(t, rtt)
		return false
	}
	if !p.big || d.current == FloorMTU || p.sent <= d.passed { // as long a one that was sent later passed
		return false
	}
	if d.vanished++; d.vanished == 1 {
		d.since = p.sent
	}
	if d.vanished < blackHoleLosses+int(rate*blackHoleFactor) || p.sent-d.since < rtt {
		return false
	}
	d.fall(t)
	return true
}

// refuse ends the tries of one size.
func (d *discovery) refuse(mtu int) {
	d.tries, d.fresh = 0, false
	d.failed = min(d.failed, mtu)
}

// fall goes back to the floor.
func (d *discovery) fall(t instant) {
	d.failed, d.current = d.current, FloorMTU
	d.tries, d.vanished, d.fresh = 0, 0, false
	d.next = t + blackHoleInterval
}

// step sets the time of the next probe.
func (d *discovery) step(t instant, rtt time.Duration) {
	d.next = t + rtt
	if d.current < d.most && d.failed-d.current < probeStep {
		d.next = t + reprobeInterval
		d.failed, d.fresh = d.most+1, true
	}
}

// tooLong takes the system's word that packets of this MTU do not pass, and reports whether the MTU fell.
func (d *discovery) tooLong(t instant, probe int, rtt time.Duration) bool {
	if probe != 0 {
		d.trying = 0
		d.refuse(probe)
		d.step(t, rtt)
		return false
	}
	if d.current == FloorMTU {
		return false
	}
	d.fall(t)
	d.next = t + rtt // the system knows it: no time has to pass
	return true
}

// restart begins with the floor on a new path.
func (d *discovery) restart(t instant, overhead int) {
	limited := d.limited
	*d = newDiscovery(d.enabled, overhead, FloorMTU, d.most)
	d.limited, d.next = limited, t
}
