package streaming

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"clove.i2p/router/i2p"
)

// Dial opens a stream and returns when the peer has answered. Without a deadline in ctx it gives up after a minute.
// The errors are ErrNoAnswer, ErrRefused, those of Carrier.Reach, of ctx, and net.ErrClosed.
func (s *Stack) Dial(ctx context.Context, to *i2p.Destination, port uint16) (*Conn, error) {
	return s.dial(ctx, to, Ports{To: port}, nil)
}

// DialFrom is Dial from a port of our own, which the peer sees.
func (s *Stack) DialFrom(ctx context.Context, from uint16, to *i2p.Destination, port uint16) (*Conn, error) {
	return s.dial(ctx, to, Ports{From: from, To: port}, nil)
}

// DialData is DialFrom with first data that travels with the SYN, as far as it has room, and saves a round trip.
func (s *Stack) DialData(ctx context.Context, from uint16, to *i2p.Destination, port uint16, data []byte) (*Conn, error) {
	return s.dial(ctx, to, Ports{From: from, To: port}, data)
}

func (s *Stack) dial(ctx context.Context, to *i2p.Destination, p Ports, data []byte) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, ErrNoAnswer)
	defer cancel()
	if err := s.carrier.Reach(ctx, to.Hash(), false); err != nil {
		return nil, fmt.Errorf("streaming: dial: %w", err)
	}
	d := dialing{stack: s, to: to, ports: p, answers: make(chan *Conn, maxStreams)}
	c, err := d.race(ctx, data)
	if err != nil {
		return nil, err
	}
	s.stats.opened.Add(1)
	s.log.Debug("stream opened", "peer", c.hash, "port", p.To)
	if k := min(len(data), s.synRoom, min(MTU, s.carrier.MTU(to.Hash()))); k < len(data) {
		if _, err := c.Write(data[k:]); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// dialing is one Dial. After a while a second stream id is tried beside the first: if the SYN reply of an i2pd is
// lost, it takes 9 s until that repeats it, whatever we repeat. With data that would be a second request, so only
// the first id is used then.
type dialing struct {
	stack   *Stack
	to      *i2p.Destination
	ports   Ports
	answers chan *Conn
	tried   []*Conn
}

func (d *dialing) race(ctx context.Context, data []byte) (won *Conn, err error) {
	defer func() {
		for _, c := range d.tried {
			if c != won {
				c.abandon()
			}
		}
	}()
	if err := d.attempt(data); err != nil {
		return nil, err
	}
	another := time.NewTicker(secondStream)
	defer another.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, dialError(ctx)
		case <-d.stack.stopped:
			return nil, net.ErrClosed
		case <-another.C:
			if len(data) > 0 || len(d.tried) == maxStreams {
				break
			}
			if err := d.attempt(nil); err != nil {
				return nil, err
			}
		case c := <-d.answers:
			if err := c.failure(); err != nil {
				return nil, err
			}
			return c, nil
		}
	}
}

// attempt sends a SYN with a new stream id.
func (d *dialing) attempt(data []byte) error {
	s, now := d.stack, d.stack.now()
	c := newConn(s, d.to, d.ports, randomID(), now)
	c.opener = true
	c.dialed = d.answers
	c.mtu = min(c.mtu, MTU) // until the peer names its own
	s.mu.Lock()
	ok := s.add(c)
	s.peer(c.hash).seed(c, now)
	s.mu.Unlock()
	if !ok {
		return net.ErrClosed
	}
	d.tried = append(d.tried, c)
	c.mu.Lock()
	defer c.unlock()
	g := c.q.push(FlagSynchronize)
	c.queue(data[:min(len(data), c.room(g))])
	c.send(now)
	return nil
}

// failure is why an answered Dial cannot be used.
func (c *Conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done && c.err == nil {
		return ErrReset
	}
	if c.done && !c.open {
		return c.err
	}
	return nil
}

// abandon gives up a stream that Dial does not wait for any more. The peer may know it: if its answer comes, it is
// told.
func (c *Conn) abandon() {
	c.mu.Lock()
	defer c.unlock()
	if c.done {
		return
	}
	c.abandoned, c.appClosed = true, true
	c.dialed = nil
	c.recv.stopReading()
	if c.open {
		c.finish(nil, true)
		return
	}
	c.q.release()
	c.endAt = c.stack.now() + closeWait
}

func dialError(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoAnswer) {
		return ErrNoAnswer
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}
