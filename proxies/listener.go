package proxies

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Listener bounds the connections of another listener and outlives its errors: when no descriptor is left, Accept
// tries again, more and more slowly, until Close.
type Listener struct {
	net.Listener
	counters *Counters
	slots    chan struct{} // full: new connections wait in the kernel's backlog
	done     chan struct{}
	once     sync.Once
}

// NewListener takes over l.
func NewListener(l net.Listener, limit int, counters *Counters) *Listener {
	return &Listener{
		Listener: l, counters: counters, slots: make(chan struct{}, limit), done: make(chan struct{}),
	}
}

// Accept returns an error after Close only.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.counters.accepted.Add(1)
			l.counters.active.Add(1)
			return &slotConn{Conn: conn, l: l}, nil
		}
		l.counters.acceptErrors.Add(1)
		retry := time.NewTimer(backoff)
		select {
		case <-retry.C:
			if !errors.Is(err, net.ErrClosed) {
				continue
			}
		case <-l.done:
			retry.Stop()
		}
		<-l.slots
		return nil, net.ErrClosed
	}
}

// Close ends Accept. Again, it does nothing.
func (l *Listener) Close() (err error) {
	l.once.Do(func() {
		close(l.done)
		err = l.Listener.Close()
	})
	return err
}

// slotConn gives its slot back when it is closed.
type slotConn struct {
	net.Conn
	l    *Listener
	once sync.Once
}

func (c *slotConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.l.counters.active.Add(-1)
		<-c.l.slots
	})
	return err
}

func (c *slotConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *slotConn) SetLinger(sec int) error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.SetLinger(sec)
	}
	return errors.ErrUnsupported
}
