package streaming

import (
	"fmt"
	"net"
	"sync"
)

// A Listener takes the streams that others open to one port.
type Listener struct {
	stack *Stack
	port  uint16

	mu     sync.Mutex
	queue  chan *Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// Listen takes the streams to a port, 0 for those to ports that nobody else listens on. A port that is taken is an
// error.
func (s *Stack) Listen(port uint16) (*Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, net.ErrClosed
	}
	if s.listeners[port] != nil {
		return nil, fmt.Errorf("streaming: port %d is taken", port)
	}
	l := &Listener{stack: s, port: port, queue: make(chan *Conn, s.cfg.Backlog), closed: make(chan struct{})}
	s.listeners[port] = l
	return l, nil
}

// listener finds who takes a stream to port. Most openers do not name one: a single Listener gets these too.
func (s *Stack) listener(port uint16) *Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.listeners[port]; l != nil {
		return l
	}
	if l := s.listeners[0]; l != nil {
		return l
	}
	if port == 0 && len(s.listeners) == 1 {
		for _, l := range s.listeners {
			return l
		}
	}
	return nil
}

// offer queues a stream for Accept; false if the queue is full (the stream is dropped) or the Listener closed.
func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isClosed(l.closed) {
		return false
	}
	select {
	case l.queue <- c:
		return true
	default:
		return false
	}
}

// Accept returns the next stream, net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptStream()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptStream is Accept with the type of what it returns. Streams that the opener has given up are skipped.
func (l *Listener) AcceptStream() (*Conn, error) {
	for {
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		case c := <-l.queue:
			if c.failure() == nil {
				return c, nil
			}
		}
	}
}

// Close stops listening; streams that nobody accepted are reset.
func (l *Listener) Close() error {
	l.once.Do(func() {
		l.stack.mu.Lock()
		if l.stack.listeners[l.port] == l {
			delete(l.stack.listeners, l.port)
		}
		l.stack.mu.Unlock()
		l.mu.Lock()
		close(l.closed)
		l.mu.Unlock()
		for {
			select {
			case c := <-l.queue:
				c.abort(net.ErrClosed)
			default:
				return
			}
		}
	})
	return nil
}

// Addr is an Addr.
func (l *Listener) Addr() net.Addr { return Addr{l.stack.hash, l.port} }
