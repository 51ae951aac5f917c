package streaming

import (
	"encoding/binary"
	"time"

	"clove.i2p/router/buf"
)

// acknowledger decides when an acknowledgement is due: at once after a hole appears or is filled, after a duplicate,
// after ackEvery packets and where the peer asks; else after a short delay.
type acknowledger struct {
	pending int           // packets in order since the last one
	now     bool          // due at once
	at      time.Duration // due later, 0 if not
}

// arrived notes a packet of the sequence.
func (a *acknowledger) arrived(o outcome, at time.Duration) {
	a.pending++
	if (o != inOrder && o != beyond) || a.pending >= ackEvery {
		a.now = true
	} else if a.at == 0 {
		a.at = at
	}
}

// sent notes that everything was acknowledged.
func (a *acknowledger) sent() { *a = acknowledger{} }

// delay is how long a lone packet waits for a second one or for data to ride on.
func (c *Conn) ackDelay() time.Duration {
	return min(max(c.rtt.smoothed/8, ackDelayMin), ackDelayMax)
}

// flushAck sends an acknowledgement if one is due.
func (c *Conn) flushAck(now time.Duration) {
	if c.ack.at != 0 && c.ack.at <= now {
		c.ack.now = true
	}
	if !c.ack.now || c.done || c.peer == 0 || c.recv.high == 0 {
		return
	}
	if !c.opener && !c.known && c.q.una == 0 {
		c.repeatReply(now)
		return
	}
	c.plainAck(now, c.choke.flags())
}

// repeatReply repeats the SYN reply in the place of an acknowledgement that could overtake it.
func (c *Conn) repeatReply(now time.Duration) {
	if due := c.q.at(0).sentAt + synWait; now < due {
		c.ack.now, c.ack.at = false, due
		return
	}
	c.q.at(0).probed = true
	c.transmit(0, now)
	c.ack.sent()
}

// plainAck sends a packet without a place in the sequence.
func (c *Conn) plainAck(now time.Duration, f Flags) {
	b := buf.Get()
	h := b.Extend(17)
	var list [4 * maxNACKs]byte
	nacks, through := c.recv.nacks(list[:0])
	c.ids(h, 0, through)
	h[16] = uint8(len(nacks) / 4)
	b.Append(nacks)
	size := c.rest(b, f)
	if f&FlagDelayRequested != 0 {
		binary.BigEndian.PutUint16(b.Extend(2), c.choke.delay())
	}
	binary.BigEndian.PutUint16(b.Bytes()[size:], uint16(b.Len()-size-2))
	c.stack.stats.acksOut.Add(1)
	c.ack.sent()
	c.put(b, now)
}
