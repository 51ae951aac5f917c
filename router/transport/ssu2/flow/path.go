package flow

import "time"

// Unsent tells that the system refused the packets first to last, one train, for their length (EMSGSIZE): the MTU falls at once, and their blocks are sent
// again. Where it refuses even what every path has to take they count as lost in time, so that the session fails; so do packets after other errors, for
// which nothing is to be called.
func (f *Flow) Unsent(now time.Time, first, last uint32) {
	t := f.tick(now)
	fell, long := false, false
	for n := max(first, f.sent.base); n <= last && n < f.sent.next; n++ {
		p := f.sent.at(n)
		if p.state != inFlight {
			continue
		}
		if long = long || p.big; !long {
			continue
		}
		if f.onPath(p) && (p.probe != 0 || !fell) {
			fell = f.mtu.tooLong(t, int(p.probe), f.rtt.current()) || fell
		}
		f.lose(t, p, false)
	}
	f.pace(t)
}

// Rebase starts over on a new path: congestion window, round trip time and MTU. What is in flight is not declared lost, but its ack and its
// loss say nothing of the new path.
func (f *Flow) Rebase(now time.Time, ipv6 bool) {
	t := f.tick(now)
	f.path = t
	f.rtt = rttEstimator{}
	f.cc.reset(t)
	f.mtu.restart(t, overhead(ipv6))
	f.loss.ptos, f.loss.probes = 0, 0
	f.loss.packets, f.loss.eighths = initialPacketThreshold, minTimeThreshold
	f.pace(t)
}

// onPath reports whether a packet was sent on the path of now.
func (f *Flow) onPath(p *packet) bool { return p.sent > f.path }

// Constrain holds the congestion window and the MTU at their least while a path is validated ("Initiating Path Validation"). Messages of which longer
// fragments were sent wait for its end, and those behind them.
func (f *Flow) Constrain(now time.Time, on bool) {
	t := f.tick(now)
	f.cc.limit(on)
	f.mtu.limited = on
	f.pace(t)
}
