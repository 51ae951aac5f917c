package streaming

import (
	"time"

	"clove.i2p/router/buf"
)

// receive takes a packet for this connection, under its lock. Ownership of b moves.
func (c *Conn) receive(b *buf.Buf, now time.Duration) {
	p, err := ParsePacket(b.Bytes())
	if err != nil {
		c.refuse(b, DropMalformed)
		return
	}
	if c.done {
		c.refuse(b, DropUnknown)
		return
	}
	if p.Flags&(FlagSynchronize|FlagClose|FlagReset) != 0 {
		if !c.checks.take(now, connChecks, connChecksBurst) {
			c.refuse(b, DropOverload)
			return
		}
		if !c.authentic(&p, b) {
			c.refuse(b, DropSignature)
			return
		}
	}
	c.heardAt = now
	if p.SendStream == c.id {
		c.known = c.known || c.open
	}
	switch {
	case p.Flags&FlagReset != 0:
		c.wasReset()
		b.Release()
		return
	case p.Flags&FlagSynchronize != 0:
		if !c.synchronized(&p, now) {
			c.refuse(b, DropUnexpected)
			return
		}
	case !c.open:
		// It overtook the SYN reply. What it acknowledges comes again.
		c.accept(&p, b, now)
		return
	}
	progress := p.Flags&FlagNoAck == 0 && c.acknowledged(&p, now)
	c.hear(&p, progress, now)
	c.accept(&p, b, now)
	c.closing(now)
}

func (c *Conn) refuse(b *buf.Buf, d Drop) {
	c.stack.stats.drop(d)
	b.Release()
}

// authentic checks a packet that begins or ends something.
func (c *Conn) authentic(p *Packet, b *buf.Buf) bool {
	if p.From != nil && p.From.Hash() != c.hash {
		return false
	}
	key, err := p.verify(b.Bytes(), c.remote, c.expects, c.stack.clk.Now())
	if err != nil {
		return false
	}
	c.expects = key
	return true
}

// synchronized handles a SYN on a known stream: the answer to ours, or a repetition.
func (c *Conn) synchronized(p *Packet, now time.Duration) bool {
	if p.Sequence != 0 || p.ReceiveStream == 0 {
		return false
	}
	if c.peer != 0 {
		return p.ReceiveStream == c.peer
	}
	c.peer = p.ReceiveStream
	c.opened(p, now)
	if c.abandoned {
		c.finish(nil, true)
	}
	return true
}

// opened notes that both sides know each other.
func (c *Conn) opened(p *Packet, now time.Duration) {
	c.open = true
	c.mtu = min(c.stack.carrier.MTU(c.hash), MTURatchet)
	offered := MTU
	if p.Flags&FlagMaxPacketSizeIncluded != 0 {
		offered = max(int(p.MaxPacketSize), minMTU)
	}
	c.mtu = min(c.mtu, offered)
	c.whole = endsWhole(p)
	if c.opener {
		c.known = true
		if c.q.una == 0 && c.q.next > 0 { // whatever it says it acknowledges
			g := c.q.at(0)
			if g.sends == 1 {
				c.rtt.sample(now-g.sentAt, now)
			}
			c.q.ack(0)
			c.q.advance()
			c.rtt.backoff = 0
			c.progressAt = now
			c.recovery.high = max(c.recovery.high, c.q.una)
		}
	}
	c.answered()
}

// accept puts a packet of the sequence in its place.
func (c *Conn) accept(p *Packet, b *buf.Buf, now time.Duration) {
	if c.done {
		b.Release()
		return
	}
	if p.Flags&FlagDelayRequested != 0 && p.Delay == delayImmediate {
		c.ack.now = true
	}
	if p.plain() {
		b.Release()
		return
	}
	if p.Sequence > lastSequence {
		c.refuse(b, DropTooFar)
		return
	}
	if o := c.recv.classify(p.Sequence); o >= duplicate {
		c.again(o, now)
		b.Release()
		return
	}
	if len(p.Payload) > maxPayload {
		c.refuse(b, DropMalformed)
		return
	}
	if len(p.Payload) > 0 && !c.admit(p.Sequence, now) {
		c.refuse(b, DropFull)
		return
	}
	c.insert(p, b, now)
}

func (c *Conn) insert(p *Packet, b *buf.Buf, now time.Duration) {
	size := len(p.Payload)
	if c.recv.discard && size > 0 && c.appClosed {
		c.discarded++
	}
	if p.Flags&FlagClose != 0 {
		c.recv.close(p.Sequence)
	}
	var o outcome
	if size > 0 {
		o = c.recv.insert(p.Sequence, payload(b, size))
	} else {
		b.Release()
		o = c.recv.insert(p.Sequence, nil)
	}
	c.stack.stats.bytesIn.Add(uint64(size))
	c.repeatsAt = 0
	c.choke.again, c.choke.at = 0, 0
	c.ack.arrived(o, now+c.ackDelay())
	if p.Flags&FlagClose != 0 {
		c.ack.now = true
	}
	if c.recv.readable() || c.recv.eof() {
		notify(c.readReady)
	}
	c.moved(now)
	if c.discarded > maxDiscarded && c.q.una == c.q.end {
		c.finish(nil, true) // there is no reader any more
	}
}

// payload is the last size bytes of b in a small buffer.
func payload(b *buf.Buf, size int) *buf.Buf {
	b.TrimFront(b.Len() - size)
	if b.Len()+b.TailRoom() <= buf.Small+buf.Tail {
		return b
	}
	small := buf.From(b.Bytes())
	b.Release()
	return small
}

// again handles a packet that was there, or that has no place.
func (c *Conn) again(o outcome, now time.Duration) {
	c.ack.now = true
	switch o {
	case tooFar:
		c.stack.stats.drop(DropTooFar)
	case afterClose:
		c.stack.stats.drop(DropUnexpected)
	default:
		c.stack.stats.drop(DropDuplicate)
		if c.repeatsAt == 0 {
			c.repeatsAt = now + max(repeatsOnly, 2*c.rtt.smoothed)
		}
	}
}

// unheard changes the path: the peer repeats itself because our acknowledgements do not arrive.
func (c *Conn) unheard() {
	c.repeatsAt = 0
	if c.choke.full {
		return // or because we took nothing
	}
	c.reroute = true
	c.ack.now = true
}

// wasReset ends the connection by the word of the peer.
func (c *Conn) wasReset() {
	switch {
	case c.appClosed:
		c.finish(nil, false)
	case !c.open:
		c.finish(ErrRefused, false)
	default:
		c.finish(ErrReset, false)
	}
}
