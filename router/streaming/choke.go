package streaming

import "time"

// choker tells the peer that the receive buffer is full, and when it is not any more. There is no window in this
// protocol: a delay above 60000 in any packet stops the sender, a smaller one lets it go on.
type choker struct {
	full    bool
	again   int           // how often to say that it is over
	at      time.Duration // when to say it next
	trickle time.Duration // when a packet beyond the limit was taken last
	readAt  time.Duration // when something was read last, or there was something to read after a pause
	manyAt  time.Duration // since when there are chokeMost or more, 0 if there are not
	asking  bool          // the next acknowledgement asks for one
}

func (k *choker) flags() Flags {
	if k.full || k.again > 0 || k.asking {
		return FlagDelayRequested
	}
	return 0
}

func (k *choker) delay() uint16 {
	switch {
	case k.full:
		return delayChokeOurs
	case k.asking:
		return delayImmediate
	}
	return delayUnchoke
}

// admit reports whether there is room for the packet seq, and chokes the peer when it gets tight.
func (c *Conn) admit(seq uint32, now time.Duration) bool {
	if c.recv.discard {
		return true
	}
	limit := c.stack.allowance()
	if c.choke.full {
		limit = min(limit, chokedHeld)
	}
	if !c.choke.full && (c.slow(now) || c.recv.ready >= limit) {
		c.choke.full = true
		c.choke.again = 0
		c.ack.now = true
		c.stack.stats.chokes.Add(1)
	}
	if c.recv.held < limit {
		return true
	}
	c.ack.now = true
	if seq != c.recv.next || c.recv.held >= limit+trickle {
		return false
	}
	if c.recv.hole() {
		return true // it completes what is held already
	}
	if now-c.choke.trickle >= trickleInterval {
		c.choke.trickle = now
		return true
	}
	return false
}

// slow reports whether the reader takes less than what comes.
func (c *Conn) slow(now time.Duration) bool {
	k := &c.choke
	if c.recv.ready == 0 {
		k.readAt = now
	}
	if c.recv.ready < chokeMost {
		k.manyAt = 0
	} else if k.manyAt == 0 {
		k.manyAt = now
	}
	return c.recv.ready >= chokeAt && now-k.readAt > chokeAfter || k.manyAt != 0 && now-k.manyAt > chokeAfter
}

// allowance is how many packets a connection may hold.
func (s *Stack) allowance() int {
	return int(max(crowdedHeld, (stackHeld-s.stats.held.Load())/2))
}

// unchoke lets the peer go on once enough was read.
func (c *Conn) unchoke(now time.Duration) {
	c.choke.readAt = now
	if c.recv.ready < chokeMost {
		c.choke.manyAt = 0
	}
	if !c.choke.full || c.recv.ready > min(unchokeAt, c.stack.allowance()/2) {
		return
	}
	c.choke.full = false
	c.choke.again = unchokes
	c.sayUnchoked(now)
}

// sayUnchoked repeats itself until data comes: the packet may be lost.
func (c *Conn) sayUnchoked(now time.Duration) {
	if c.done || c.peer == 0 {
		return
	}
	c.plainAck(now, FlagDelayRequested)
	c.choke.at = 0
	if c.choke.again--; c.choke.again > 0 {
		c.choke.at = now + c.rtt.timeout()
	}
}

// choked is the same seen from the sender.
type choked struct {
	now    bool
	probes uint
	at     time.Duration // of the next probe
	span   int           // estimate of the peer's buffer in packets
	java   bool
}

// hear evaluates the delay option of a packet; progress says that the packet acknowledged something new.
func (c *Conn) hear(p *Packet, progress bool, now time.Duration) {
	delayed := p.Flags&FlagDelayRequested != 0
	switch {
	case delayed && p.Delay >= delayChoke:
		c.stop(p.Delay, now)
	case c.choked.now && (delayed || progress):
		// i2pd chokes for one window and does not say when that is over, so progress ends it too.
		c.choked.now, c.choked.at = false, 0
		c.progressAt = now
		c.recovery.probing = false
	}
}

// stop stops sending. The buffer of the peer is smaller than what was on its way.
func (c *Conn) stop(delay uint16, now time.Duration) {
	if delay == delayChokeJava {
		c.choked.java = true
		c.choked.span = min(c.choked.span, javaSpan)
	}
	if c.choked.now {
		return
	}
	c.stack.stats.choked.Add(1)
	c.choked.now = true
	c.choked.probes = 0
	c.choked.at = now + c.persist()
	c.choked.span = max(min(c.choked.span, c.q.span()*3/4), minSpan)
	c.paceAt = 0
}

func (c *Conn) persist() time.Duration {
	return min(max(c.rtt.timeout(), persistMin)<<min(c.choked.probes, 8), persistMax)
}

// probeChoked sends one packet to a peer that choked us: its word that it is over may be lost.
func (c *Conn) probeChoked(now time.Duration) {
	c.choked.probes++
	c.choked.at = now + c.persist()
	silent := now-c.heardAt > minGiveUp && c.choked.probes > maxTimeouts
	if silent || (c.appClosed && now-c.progressAt > linger) {
		c.finish(ErrTimeout, true)
		return
	}
	switch {
	case c.q.unacked > 0:
		c.stack.stats.probes.Add(1)
		c.q.at(c.q.una).probed = true
		c.transmit(c.q.una, now)
	case c.q.queued() > 0:
		c.stack.stats.probes.Add(1)
		c.transmit(c.q.next, now)
	default:
		c.choked.at = 0
	}
}

// widen lets the estimate of the peer's buffer grow again, once a round trip.
func (k *choked) widen() {
	most := maxSpan
	if k.java {
		most = javaSpan
	}
	k.span = min(k.span+8, most)
}
