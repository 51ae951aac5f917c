package streaming

import "time"

// recovery finds losses by time (RACK-TLP, RFC 8985): a packet is lost when one that was sent later arrived, and the
// round trip of that one plus a window for reordering is over. Only packets below the highest one acknowledged are
// judged: the acknowledgement says of each of them whether it arrived.
type recovery struct {
	sentAt time.Duration // of the packet sent last of those that arrived
	seq    uint32        // its number
	rtt    time.Duration // its round trip
	any    bool
	high   uint32        // one beyond the highest acknowledged
	at     time.Duration // when the next packet may be judged, 0 for none

	reordered bool // a packet arrived after one sent later
	width     int  // of the window for reordering, in quarters of the least round trip
	narrowAt  int  // recoveries until width shrinks again
	spurious  bool // a packet arrived that had been sent again for nothing
	probing   bool // a tail loss probe is out
	roundEnd  uint32
	unasked   int // packets since the last that asked for an acknowledgement
}

const (
	maxWidth = 16 // four round trips at most
	// keepWidth is for how many recoveries a wide window is kept (RFC 8985, 7.1 has 16).
	keepWidth = 16
	// fewHoles: without reordering, three packets beyond a hole prove the loss at once.
	fewHoles = 3
)

// arrived notes that the segment is acknowledged.
func (c *Conn) arrived(seq uint32, g *segment, now time.Duration) {
	r := &c.recovery
	sentAt := g.sentAt
	if g.sends > 1 && now-sentAt < c.rtt.min()*9/10 {
		// Too early to be an answer to the repetition: the one before arrived. Or else the path has become faster, and
		// it is the repetition after all; what was sent before the one before is late in either case.
		if !g.probed {
			r.spurious = true
		}
		sentAt = g.before
	}
	if g.sends == 1 && seq+1 < r.high {
		r.reordered = true
	}
	if !r.any || sentAt > r.sentAt || (sentAt == r.sentAt && seq > r.seq) {
		r.any, r.sentAt, r.seq, r.rtt = true, sentAt, seq, now-sentAt
	}
}

// settle draws the conclusion from repetitions that were not needed.
func (r *recovery) settle(c *Conn, now time.Duration) {
	if !r.spurious {
		return
	}
	r.spurious = false
	r.reordered = true
	r.width = min(r.width+1, maxWidth)
	r.narrowAt = keepWidth
	c.stack.stats.spurious.Add(1)
	c.control.Spurious()
}

// window is how long after the expected time a packet may still come.
func (c *Conn) reorderWindow() time.Duration {
	r := &c.recovery
	if !r.reordered && (c.q.lost > 0 || c.beyond() >= fewHoles) {
		return 0
	}
	return min(c.rtt.min()/4*time.Duration(1+r.width), c.rtt.smoothed)
}

// beyond is how many packets above the oldest hole were acknowledged.
func (c *Conn) beyond() int {
	return int(c.recovery.high-c.q.una) - c.holes()
}

// holes is how many packets below the highest acknowledged one are not.
func (c *Conn) holes() int {
	return c.q.unacked - int(c.q.next-c.recovery.high)
}

// detect marks packets as lost, and sets when the next one may be.
func (c *Conn) detect(now time.Duration) {
	r := &c.recovery
	r.at = 0
	if !r.any || c.q.una >= r.high {
		return
	}
	wait := r.rtt + c.reorderWindow()
	lost := 0
	var newest time.Duration
	for seq := c.q.una; seq < r.high; seq++ {
		g := c.q.at(seq)
		if g.acked || g.lost || g.sentAt > r.sentAt || (g.sentAt == r.sentAt && seq > r.seq) {
			continue
		}
		if due := g.sentAt + wait; due > now {
			if r.at == 0 || due < r.at {
				r.at = due
			}
			continue
		}
		newest = max(newest, g.sentAt)
		c.q.markLost(seq)
		lost++
	}
	if lost > 0 {
		c.lost(lost, newest, now)
	}
}

func (c *Conn) lost(n int, newest, now time.Duration) {
	r := &c.recovery
	if r.narrowAt > 0 {
		if r.narrowAt--; r.narrowAt == 0 {
			r.width = 0
		}
	}
	c.control.Lost(Lost{Now: now, Packets: n, SentAt: newest, Min: c.rtt.min()})
}

// probe sends a packet to provoke an acknowledgement that shows what is missing at the end (tail loss probe).
func (c *Conn) probe(now time.Duration) {
	c.recovery.probing = true
	c.progressAt = now
	c.stack.stats.probes.Add(1)
	if c.mayExtend() {
		c.transmit(c.q.next, now)
		return
	}
	for seq := c.q.next; seq != c.q.una; {
		seq--
		if g := c.q.at(seq); !g.acked {
			g.probed = true
			c.transmit(seq, now)
			return
		}
	}
}

// timeoutAt is when nothing having been acknowledged means that all is lost, and whether a probe is to be sent
// before. 0 if nothing is out.
func (c *Conn) timeoutAt() (at time.Duration, probe bool) {
	if c.q.unacked == 0 || c.choked.now {
		return 0, false
	}
	at = c.progressAt + c.rtt.timeout()
	if p := c.rtt.probe(c.q.inFlight()); p > 0 && c.open && c.rtt.backoff == 0 && !c.recovery.probing && c.q.lost == 0 {
		if early := max(c.progressAt, c.sentAt) + p; early < at {
			return early, true
		}
	}
	return at, false
}

// timedOut treats everything that is out as lost.
func (c *Conn) timedOut(now time.Duration) {
	c.rtt.backoff++
	c.stack.stats.timeouts.Add(1)
	if c.giveUp(now) {
		return
	}
	for seq := c.q.una; seq != c.q.next; seq++ {
		c.q.markLost(seq)
	}
	c.control.TimedOut(now, c.rtt.backoff == 1)
	c.progressAt = now
	c.recovery.probing = false
	c.recovery.any = false
	c.recovery.at = 0
	c.pace.credit = max(c.pace.credit, 1)
	if c.rtt.backoff >= rerouteTimeouts {
		c.reroute = true
	}
	if c.rtt.backoff >= freshTimeouts {
		c.lookUp(now, true)
	}
}

// giveUp ends the connection after too many timeouts.
func (c *Conn) giveUp(now time.Duration) bool {
	n := int(c.rtt.backoff)
	onlyClose := c.appClosed && c.writeClosed && c.q.una+1 == c.q.end && c.q.at(c.q.una).kind&FlagClose != 0
	switch {
	case c.abandoned, c.opener && !c.open:
		return false // Dial decides
	case onlyClose && n > maxCloseTimeouts:
		c.finish(nil, false)
	case c.appClosed && c.recv.eof() && n > maxCloseTimeouts:
		c.finish(nil, true)
	case !c.opener && !c.known && n > maxReplyTimeouts && now-c.heardAt > replySilence:
		c.finish(ErrTimeout, false)
	case !c.appClosed && c.recv.eof() && n > maxEndTimeouts:
		c.finish(ErrReset, true)
	case n > maxTimeouts && now-c.heardAt > minGiveUp:
		c.finish(ErrTimeout, true)
	default:
		return false
	}
	return true
}
