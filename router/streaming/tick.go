package streaming

import "time"

// arm gives the timers the earliest deadline of the connection.
func (c *Conn) arm() {
	if c.done {
		return
	}
	at := c.deadline()
	if at == 0 {
		return
	}
	at = (at + tick - 1) / tick * tick
	if c.armed != 0 && c.armed <= at {
		return
	}
	c.armed = at
	c.stack.timers.set(c, at)
}

// deadline is the earliest of all, 0 if there is none.
func (c *Conn) deadline() time.Duration {
	at, _ := c.timeoutAt()
	for _, d := range [...]time.Duration{
		c.paceAt, c.recovery.at, c.ack.at, c.choke.at, c.choked.at, c.endAt, c.shutAt, c.repeatsAt, c.idleAt(),
		c.keepAliveAt(),
	} {
		if d != 0 && (at == 0 || d < at) {
			at = d
		}
	}
	return at
}

// tick does what is due.
func (c *Conn) tick(now time.Duration) {
	c.mu.Lock()
	defer c.unlock()
	c.armed = 0
	if c.done {
		return
	}
	switch {
	case c.endAt != 0 && c.endAt <= now:
		c.finish(nil, false)
	case due(c.idleAt(), now):
		c.finish(ErrTimeout, true)
	}
	if !c.done && due(c.recovery.at, now) {
		c.detect(now)
	}
	if !c.done {
		if at, probe := c.timeoutAt(); due(at, now) {
			if probe {
				c.probe(now)
			} else {
				c.timedOut(now)
			}
		}
	}
	if !c.done && due(c.choked.at, now) {
		c.probeChoked(now)
	}
	if c.done {
		return
	}
	if due(c.shutAt, now) {
		c.shut()
	}
	if due(c.repeatsAt, now) {
		c.unheard()
	}
	c.send(now)
	c.flushAck(now)
	if due(c.choke.at, now) {
		c.sayUnchoked(now)
	}
	if due(c.keepAliveAt(), now) {
		c.keepAlive(now)
	}
}

func due(at, now time.Duration) bool { return at != 0 && at <= now }

// idleAt is when a silent peer is given up. One that choked us and went away is not found by retransmissions, since there
// are none: once the application has closed, nobody else waits for it.
func (c *Conn) idleAt() time.Duration {
	limit := c.stack.cfg.IdleTimeout
	if c.appClosed && (limit == 0 || limit > closedIdle) {
		limit = closedIdle
	}
	if limit == 0 || !c.open {
		return 0
	}
	return max(c.heardAt, c.closedAt) + limit
}

// keepAliveAt is when a connection was silent for long enough.
func (c *Conn) keepAliveAt() time.Duration {
	if c.stack.cfg.KeepAlive == 0 || !c.open || c.endAt != 0 {
		return 0
	}
	return max(c.heardAt, c.spokeAt) + c.stack.cfg.KeepAlive
}

// keepAlive asks for an acknowledgement: it shows whether the peer is there, and keeps tunnels and sessions in use.
func (c *Conn) keepAlive(now time.Duration) {
	c.choke.asking = true
	c.plainAck(now, FlagDelayRequested)
	c.choke.asking = false
}
