package streaming

import (
	"encoding/binary"
	"time"
)

// acknowledged evaluates ackThrough and the NACKs of a packet and reports whether something new was acknowledged.
func (c *Conn) acknowledged(p *Packet, now time.Duration) bool {
	q := &c.q
	if p.AckThrough >= q.next {
		c.stack.stats.drop(DropBadAck)
		return false
	}
	if p.AckThrough < q.una {
		return false // an old one
	}
	var nacked [maxSpan / 64]uint64
	for n := p.NACKs; len(n) >= 4; n = n[4:] {
		if d := binary.BigEndian.Uint32(n) - q.una; d < maxSpan {
			nacked[d/64] |= 1 << (d % 64)
		}
	}
	inFlight := q.inFlight()
	count := 0
	sample := time.Duration(-1) // sending time of the newest packet sent once
	for seq := q.una; seq <= p.AckThrough; seq++ {
		g := q.at(seq)
		if d := seq - q.una; g.acked || nacked[d/64]&(1<<(d%64)) != 0 {
			continue
		}
		if g.sends == 1 {
			sample = max(sample, g.sentAt)
		}
		c.arrived(seq, g, now)
		q.ack(seq)
		count++
	}
	c.recovery.high = max(c.recovery.high, p.AckThrough+1)
	if count == 0 {
		c.detect(now)
		return false
	}
	q.advance()
	c.progress(p, now, Acked{Now: now, Packets: count, InFlight: inFlight}, sample)
	return true
}

// progress updates the estimates after something new was acknowledged.
func (c *Conn) progress(p *Packet, now time.Duration, a Acked, sample time.Duration) {
	if sample >= 0 {
		a.RTT = max(now-sample, time.Microsecond)
		c.rtt.sample(a.RTT, now)
	}
	if p.AckThrough >= c.recovery.roundEnd {
		a.Round = true
		c.recovery.roundEnd = c.q.next
		c.choked.widen()
	}
	a.Smoothed, a.Min = c.rtt.smoothed, c.rtt.min()
	c.rtt.backoff = 0
	c.progressAt = now
	c.moved(now)
	c.recovery.probing = false
	c.recovery.settle(c, now)
	c.control.Acked(a)
	c.detect(now)
	if c.q.una > 0 {
		c.known = true
	}
}
