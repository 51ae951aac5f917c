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
	c.choke.full, c.choke.again, c.choke.at = false, 0, 0
	c.shut()
	c.send(now)
	c.closing(now)
	return nil
}

// CloseWrite sends what was written and then CLOSE, so that the peer reads io.EOF; reading goes on. That is half a
// close only between clove and Java I2P: i2pd and emissary end the stream on CLOSE, and what they had yet to send is
// lost. Who expects an answer must not call it first.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.unlock()
	if c.appClosed {
		return net.ErrClosed
	}
	if c.done {
		return c.err
	}
	c.shut()
	c.send(c.stack.now())
	return nil
}

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
