package streaming

import (
	"time"

	"clove.i2p/router/buf"
)

// queue copies p into segments and returns how much of it there was room for. The last segment is filled up as long
// as it was not sent.
func (c *Conn) queue(p []byte) (n int) {
	if c.q.end > lastSequence {
		c.finish(ErrTooLong, true)
		return 0
	}
	for n < len(p) {
		g := c.openSegment()
		if g == nil {
			break
		}
		room := c.room(g) - g.data.Len()
		k := min(room, len(p)-n)
		g.data.Append(p[n : n+k])
		n += k
	}
	c.stack.stats.bytesOut.Add(uint64(n))
	return n
}

// openSegment returns a segment with room, nil if the queue is full.
func (c *Conn) openSegment() *segment {
	if c.q.queued() > 0 {
		g := c.q.at(c.q.end - 1)
		if g.data == nil {
			g.data = buf.Get()
		}
		if g.data.Len() < c.room(g) {
			return g
		}
		if c.q.queued() >= maxQueued {
			return nil
		}
	}
	g := c.q.push(0)
	g.data = buf.Get()
	return g
}

// room is the payload that a segment may have: a SYN has to fit its buffer.
func (c *Conn) room(g *segment) int {
	if g.kind&FlagSynchronize != 0 {
		return min(c.mtu, c.stack.synRoom)
	}
	return c.mtu
}

// shut queues the CLOSE: with the last data if that still waits and has room for the signature.
func (c *Conn) shut() {
	c.writeShut, c.shutAt = true, 0
	if c.writeClosed {
		return
	}
	c.writeClosed = true
	if c.q.queued() > 0 {
		g := c.q.at(c.q.end - 1)
		if g.kind == 0 && g.data.Len()+c.stack.signatureLen() <= c.mtu {
			g.kind = FlagClose
			return
		}
	}
	c.q.push(FlagClose)
}

// send sends what the window and the pace allow: first what was lost.
func (c *Conn) send(now time.Duration) {
	c.paceAt = 0
	if c.done || c.choked.now {
		return
	}
	rate := c.rate()
	c.pace.refill(now, rate)
	for c.q.inFlight() < c.control.Window() || c.q.inFlight() == 0 {
		seq, again := c.q.firstLost()
		if !again {
			if !c.mayExtend() {
				break
			}
			seq = c.q.next
		}
		if !c.pace.ready() {
			c.paceAt = c.pace.next(now, rate)
			break
		}
		if seq > 0 {
			c.doubleReply(now)
		}
		c.transmit(seq, now)
	}
	if c.q.queued() <= maxQueued*3/4 {
		notify(c.writeReady)
	}
}

// mayExtend reports whether a packet that was never sent may be: before the peer answers the SYN none may.
func (c *Conn) mayExtend() bool {
	return c.q.queued() > 0 && (c.open || c.q.next == 0) && c.q.unacked < c.stack.cfg.MaxWindow &&
		c.q.span() < c.choked.span
}

// doubleReply repeats the SYN reply once, ahead of the first data. If data arrives and the reply does not, i2pd ends
// the stream after 200 ms.
func (c *Conn) doubleReply(now time.Duration) {
	if c.opener || c.doubled || c.known {
		return
	}
	c.doubled = true
	if g := c.q.at(0); c.q.una == 0 && g.sends > 0 && !g.lost {
		g.probed = true
		c.transmit(0, now)
	}
}

// rate is the pace in packets per second, 0 for none.
func (c *Conn) rate() float64 {
	gain := c.control.PacingGain()
	if c.rtt.smoothed < pacingFrom || gain <= 0 {
		return 0
	}
	return gain * float64(c.control.Window()) / c.rtt.smoothed.Seconds()
}
