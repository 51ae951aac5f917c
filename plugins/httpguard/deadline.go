package httpguard

import "time"

// ownDeadline is the guard's, of the head or the body that is being read.
func (c *Conn) ownDeadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own
}

func (c *Conn) setOwn(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = t
	c.apply()
}

// SetReadDeadline is http.Server's: when an idle connection ends, and, in the past, to get its thread back.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = t
	c.signal()
	return c.apply()
}

// apply sets the guard's deadline, which http.Server's does not shorten unless it is over. mu is held.
func (c *Conn) apply() error {
	d := c.own
	if d.IsZero() || !c.asked.IsZero() && !c.asked.After(time.Now()) {
		d = c.asked
	}
	return c.Conn.SetReadDeadline(d)
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Write gives up on a client that does not read.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.server.limits.Stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// SetDeadline is that of SetReadDeadline: Write has a limit of its own.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: Write has a limit of its own.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
