package httpguard

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"clove.i2p/proxies/relay"
)

// Conn is what http.Server sees of a stream. Read gives it one checked head, then exactly the body that goes with it, then the
// next head:
//
//	gather -> deliver the head -> body ... -> gather
//	   \-> deliver a refusal -> end
//
// Only one Read runs at a time; SetReadDeadline may be called while it does.
type Conn struct {
	net.Conn
	server *Server

	// Of the reader.
	buf     []byte // read, not yet delivered
	deliver int    // of buf, checked heads
	scanner scanner
	headEnd time.Time // when the head has to be complete
	body    body
	ended   error // what the stream's Read ended with
	broken  error

	mu       sync.Mutex
	asked    time.Time // the deadline of http.Server
	own      time.Time // the guard's
	serving  int       // requests delivered and not yet answered
	refusal  *Refusal
	wake     chan struct{} // the deadline changed, or closed
	closed   bool
	leave    func()
	shutdown sync.Once
}

func newConn(s *Server, c net.Conn, refusal *Refusal, leave func()) *Conn {
	g := &Conn{Conn: c, server: s, wake: make(chan struct{}, 1), leave: leave}
	if refusal != nil {
		g.refuse(refusal)
		return g
	}
	g.startHead()
	return g
}

// NetConn is the stream under the guard.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// startHead starts the clocks of a request.
func (c *Conn) startHead() {
	now := time.Now()
	c.headEnd = now.Add(c.server.limits.Head)
	c.setOwn(now.Add(min(c.server.limits.FirstLine, c.server.limits.Head)))
}

func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case c.deliver > 0:
			n := copy(p, c.buf[:c.deliver])
			c.deliver -= n
			c.buf = c.buf[n:]
			return n, nil
		case c.broken != nil:
			return 0, c.broken
		case !c.body.done():
			return c.readBody(p)
		}
		if err := c.gather(); err != nil {
			return 0, err
		}
	}
}

// gather reads until there is a head or a refusal to deliver.
func (c *Conn) gather() error {
	for {
		if len(c.buf) > 0 {
			if c.ownDeadline().IsZero() {
				c.startHead() // of a later request
			}
			n, refusal := c.scanner.scan(c.buf, c.server.limits)
			if n > 0 {
				var h Head
				if h, refusal = ParseHead(c.buf[:n]); refusal == nil {
					c.deliverHead(n, h)
					return nil
				}
			}
			if refusal != nil {
				c.refuse(refusal)
				return nil
			}
			if c.scanner.firstLine() {
				c.setOwn(c.headEnd)
			}
		}
		if c.ended != nil {
			return c.end()
		}
		if err := c.more(); err != nil {
			return err
		}
	}
}

// more reads some of a head.
func (c *Conn) more() error {
	had := len(c.buf)
	if cap(c.buf)-had < readSize {
		c.buf = append(make([]byte, 0, had*2+2*readSize), c.buf...)
	}
	n, err := c.Conn.Read(c.buf[had : had+readSize])
	c.buf = c.buf[:had+n]
	if err == nil || n > 0 {
		return nil
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended = err
		return nil
	}
	if own := c.ownDeadline(); own.IsZero() || time.Now().Before(own) {
		return err // http.Server wants its thread back
	}
	c.refuse(&Refusal{http.StatusRequestTimeout, "The request did not arrive in time."})
	return nil
}

// end reports the end of the stream. While a request is being served it waits: the client may have closed its half only, and
// to net/http an end means that nobody waits for the answer.
func (c *Conn) end() error {
	if errors.Is(c.ended, io.EOF) && len(c.buf) > 0 {
		c.refuse(&Refusal{http.StatusBadRequest, "The request is not complete."})
		return nil
	}
	for errors.Is(c.ended, io.EOF) {
		c.mu.Lock()
		serving, asked := c.serving > 0 && !c.closed, c.asked
		c.mu.Unlock()
		if !serving {
			break
		}
		var expired <-chan time.Time
		if !asked.IsZero() {
			left := time.Until(asked)
			if left <= 0 {
				return os.ErrDeadlineExceeded
			}
			expired = time.After(left)
		}
		select {
		case <-c.wake:
		case <-expired:
		}
	}
	return c.ended
}

func (c *Conn) deliverHead(n int, h Head) {
	c.deliver = n
	c.scanner = scanner{}
	c.body = bodyOf(h)
	c.mu.Lock()
	c.serving++
	c.mu.Unlock()
	c.setOwn(time.Time{})
}

// refuse delivers a request of our own, the last one.
func (c *Conn) refuse(r *Refusal) {
	c.mu.Lock()
	c.refusal = r
	c.serving++
	c.mu.Unlock()
	c.buf = []byte("GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n" + markHeader + ": " + c.server.mark + "\r\n\r\n")
	c.deliver = len(c.buf)
	c.body = body{}
	c.broken = io.EOF
	c.setOwn(time.Time{})
}

func (c *Conn) readBody(p []byte) (int, error) {
	var n int
	var err error
	if len(c.buf) > 0 {
		n = copy(p, c.buf)
		c.buf = c.buf[n:]
	} else {
		stall := c.server.limits.Stall
		if c.body.endless() {
			stall = c.server.limits.UpgradeIdle
		}
		c.setOwn(time.Now().Add(stall))
		n, err = c.Conn.Read(p)
		c.setOwn(time.Time{})
	}
	taken, bad := c.body.take(p[:n])
	if bad != nil {
		c.broken = bad
		return taken, bad
	}
	if taken < n { // the beginning of the next request
		c.buf = append(append(make([]byte, 0, n-taken+readSize), p[taken:n]...), c.buf...)
		n = taken
	}
	return n, err
}

// idle is called between requests, when nobody reads. A client that asked for an upgrade and did not get it may have sent
// anything since: that is no request.
func (c *Conn) idle() {
	if c.body.endless() {
		c.broken, c.deliver = io.EOF, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving--
	c.signal()
}

// CloseWrite ends the answer.
func (c *Conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close may be called more than once.
func (c *Conn) Close() error {
	err := net.ErrClosed
	c.shutdown.Do(func() {
		c.mu.Lock()
		c.closed = true
		refused := c.refusal != nil
		c.signal()
		c.mu.Unlock()
		if refused && !c.server.stopped() {
			relay.Drain(c.Conn) // a close with unread bytes is a reset, and the client would not see the answer
			err = nil
		} else {
			err = c.Conn.Close()
		}
		c.server.closed(c)
		if c.leave != nil {
			c.leave()
		}
	})
	return err
}
