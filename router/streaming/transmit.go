package streaming

import (
	"encoding/binary"
	"time"

	"clove.i2p/router/buf"
)

// transmit sends the segment seq, for the first time or again. The header is new: it acknowledges what has arrived
// until now.
func (c *Conn) transmit(seq uint32, now time.Duration) {
	g := c.q.at(seq)
	again := g.sends > 0
	f := g.kind
	if f == 0 && (again || c.askNow()) {
		f = FlagDelayRequested
	}
	b, at := c.header(seq, f, delayImmediate)
	if g.data != nil {
		b.Append(g.data.Bytes())
	}
	if at > 0 {
		c.stack.sign(b.Bytes(), at)
	}
	if again {
		c.stack.stats.retransmitted.Add(1)
	}
	if c.q.unacked == 0 {
		c.progressAt = now
	}
	c.q.sent(seq, now)
	c.pace.spend()
	c.sentAt = now
	if !c.recv.hole() {
		c.ack.sent()
	}
	c.put(b, now)
}

// askNow reports whether a packet should ask for an immediate acknowledgement: four times in a window, since Java
// waits 750 ms otherwise.
func (c *Conn) askNow() bool {
	c.recovery.unasked++
	if c.recovery.unasked*4 < c.control.Window() {
		return false
	}
	c.recovery.unasked = 0
	return true
}

// put queues a packet for unlock.
func (c *Conn) put(b *buf.Buf, now time.Duration) {
	c.spokeAt = now
	c.stack.stats.packetsOut.Add(1)
	c.out = append(c.out, b)
}

// header begins a packet of the sequence. Its acknowledgement has no NACKs: with a full payload two of them would
// need a third tunnel message. at is where the signature goes, 0 if there is none.
func (c *Conn) header(seq uint32, f Flags, delay uint16) (b *buf.Buf, at int) {
	b = buf.Get()
	through := uint32(0)
	if c.recv.next > 0 {
		through = c.recv.next - 1
	}
	first := f&FlagSynchronize != 0 && c.opener
	h := b.Extend(17)
	c.ids(h, seq, through)
	if first {
		h[16] = uint8(len(c.hash) / 4) // proposal 164
		b.Append(c.hash[:])
		f |= FlagNoAck
	} else {
		h[16] = 0
	}
	if f&FlagSynchronize != 0 {
		f |= FlagFromIncluded | FlagMaxPacketSizeIncluded
	}
	if f&(FlagSynchronize|FlagClose|FlagReset) != 0 {
		f |= FlagSignatureIncluded
	}
	size := c.rest(b, f)
	if f&FlagDelayRequested != 0 {
		binary.BigEndian.PutUint16(b.Extend(2), delay)
	}
	if f&FlagFromIncluded != 0 {
		b.Append(c.stack.keys.Destination.Bytes())
	}
	if f&FlagMaxPacketSizeIncluded != 0 {
		binary.BigEndian.PutUint16(b.Extend(2), uint16(min(c.stack.carrier.MTU(c.hash), MTURatchet)))
	}
	if f&FlagSignatureIncluded != 0 {
		at = b.Len()
		clear(b.Extend(c.stack.signatureLen()))
	}
	binary.BigEndian.PutUint16(b.Bytes()[size:], uint16(b.Len()-size-2))
	return b, at
}

func (c *Conn) ids(h []byte, seq, through uint32) {
	binary.BigEndian.PutUint32(h, uint32(c.peer))
	binary.BigEndian.PutUint32(h[4:], uint32(c.id))
	binary.BigEndian.PutUint32(h[8:], seq)
	binary.BigEndian.PutUint32(h[12:], through)
}

// rest writes resend delay, flags and a place for the option size, which it returns.
func (c *Conn) rest(b *buf.Buf, f Flags) (size int) {
	h := b.Extend(5)
	h[0] = uint8(min(max(c.rtt.timeout()/time.Second, 1), resendDelayWhole-1))
	binary.BigEndian.PutUint16(h[1:], uint16(f))
	return b.Len() - 2
}

// reset sends a RESET. It has the next sequence number: i2pd looks at it only in its turn.
func (c *Conn) reset(now time.Duration) {
	b, at := c.header(c.q.next, FlagReset, 0)
	c.stack.sign(b.Bytes(), at)
	c.put(b, now)
}
