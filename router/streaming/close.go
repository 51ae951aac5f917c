package streaming

import (
	"net"
	"time"
)

// Close sends what was written, then CLOSE, and returns at once; what the peer still sends is thrown away. The
// connection ends in the background.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.unlock()
	if c.appClosed {
		return nil
	}
	c.appClosed = true
	notify(c.readReady)
	notify(c.writeReady)
	c.readBy.stop()
	c.writeBy.stop()
	c.recv.stopReading()
	if c.done {
		return nil
	}
	c.stack.share(c)
	now := c.stack.now()
	c.closedAt = now
	if c.hard {
		c.finish(net.ErrClosed, c.open)
		return nil
	}
	c.choke.full, c.choke.again, c.choke.at = false, 0, 0
	c.shut()
	c.send(now)
	c.closing(now)
	return nil
}

// SetLinger with 0 makes Close an abort: what was written and is not acknowledged is thrown away, and the peer reads an error, not
// io.EOF. Another number, as at the beginning, makes Close an orderly end again. It is what net.TCPConn has.
func (c *Conn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hard = sec == 0
	return nil
}

// CloseWrite ends writing: the peer reads io.EOF after what was written; reading goes on.
//
// CLOSE ends a stream of i2pd or emissary in both directions, and what they had yet to send is lost. So towards these
// it waits: until their CLOSE, until Close, or until no data moved for quietTime.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.unlock()
	if c.appClosed {
		return net.ErrClosed
	}
	if c.done {
		return c.err
	}
	c.writeShut = true
	now := c.stack.now()
	if c.whole && !c.recv.eof() {
		if !c.writeClosed && c.shutAt == 0 {
			c.shutAt = now + quietTime
		}
		return nil
	}
	c.shut()
	c.send(now)
	return nil
}

// moved puts off a CLOSE that waits.
func (c *Conn) moved(now time.Duration) {
	if c.shutAt == 0 {
		return
	}
	c.shutAt = now + quietTime
	if c.recv.eof() {
		c.shut()
	}
}

// The resend delay in the SYN, which nobody uses, tells who ends a stream as a whole on CLOSE: emissary writes 0,
// i2pd its initial timeout of 9 s. Java I2P writes 1, and we 1 to 8.
const resendDelayWhole = 9

func endsWhole(syn *Packet) bool { return syn.ResendDelay == 0 || syn.ResendDelay == resendDelayWhole }

// CloseRead throws away what arrived and what will; Read returns io.EOF. The peer is not told.
func (c *Conn) CloseRead() error {
	c.mu.Lock()
	defer c.unlock()
	if c.appClosed {
		return net.ErrClosed
	}
	c.recv.stopReading()
	c.unchoke(c.stack.now())
	notify(c.readReady)
	return nil
}

// closing follows the end of a connection that the application has closed.
func (c *Conn) closing(now time.Duration) {
	if !c.appClosed || c.done || c.q.una != c.q.end {
		return
	}
	if c.recv.eof() {
		if c.counted {
			c.stack.uncount(c)
		}
		if c.endAt == 0 || c.endAt > now+timeWait {
			c.endAt = now + timeWait
		}
		return
	}
	if c.endAt == 0 {
		c.endAt = now + closeWait
	}
}

// finish ends the connection; err is what readers and writers get. With tell a RESET goes to the peer.
func (c *Conn) finish(err error, tell bool) {
	if c.done {
		return
	}
	if tell && c.peer != 0 {
		c.reset(c.stack.now())
	}
	c.done = true
	c.err = err
	if err != nil {
		c.stack.stats.failed.Add(1)
		c.stack.log.Debug("stream failed", "peer", c.hash, "error", err)
	}
	c.stack.share(c)
	c.q.release()
	if c.recv.closed || c.recv.hole() {
		c.recv.dropHoles()
	}
	c.stack.forget(c)
	close(c.gone)
	c.answered()
}

// abort ends it with an error and a RESET; what was not read is dropped.
func (c *Conn) abort(err error) {
	c.mu.Lock()
	defer c.unlock()
	c.finish(err, c.open)
	c.recv.stopReading()
}

// answered tells Dial that the peer answered or that there is nothing more to wait for.
func (c *Conn) answered() {
	if c.dialed != nil {
		c.dialed <- c // has room for every attempt
		c.dialed = nil
	}
}
