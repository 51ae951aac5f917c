package testnet

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A pipe is one direction of a connection: bytes come out delay after they went in.
type pipe struct {
	delay time.Duration

	mu                          sync.Mutex
	changed                     sync.Cond
	queue                       []chunk
	bytes                       int
	finished                    time.Time // when the end arrives; zero: no end
	readClosed, writeClosed     bool
	lost                        bool // the wire is cut
	readDeadline, writeDeadline time.Time
	readTimer, writeTimer       *time.Timer
}

type chunk struct {
	at   time.Time
	data []byte
	off  int
}

func newPipe(delay time.Duration) *pipe {
	p := &pipe{delay: delay}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

// wait until something changes or, if it is not zero, a time. The caller holds p.mu.
func (p *pipe) wait(timer **time.Timer, until time.Time) {
	switch d := time.Until(until); {
	case until.IsZero():
	case *timer == nil:
		*timer = time.AfterFunc(d, p.wake)
	default:
		(*timer).Reset(d)
	}
	p.changed.Wait()
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.writeClosed:
			return 0, net.ErrClosed
		case p.readClosed && !p.lost:
			return 0, syscall.EPIPE
		case !p.writeDeadline.IsZero() && !time.Now().Before(p.writeDeadline):
			return 0, os.ErrDeadlineExceeded
		case p.bytes < window:
			p.queue = append(p.queue, chunk{at: time.Now().Add(p.delay), data: slices.Clone(b)})
			p.bytes += len(b)
			p.changed.Broadcast()
			return len(b), nil
		}
		p.wait(&p.writeTimer, p.writeDeadline)
	}
}

func (p *pipe) read(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.readClosed:
			return 0, net.ErrClosed
		case !p.readDeadline.IsZero() && !now.Before(p.readDeadline):
			return 0, os.ErrDeadlineExceeded
		}
		next := p.readDeadline
		if !p.lost {
			if n := p.take(b, now); n > 0 {
				return n, nil
			}
			switch {
			case len(p.queue) > 0:
				next = earliest(next, p.queue[0].at)
			case p.finished.IsZero():
			case now.Before(p.finished):
				next = earliest(next, p.finished)
			default:
				return 0, io.EOF
			}
		}
		p.wait(&p.readTimer, next)
	}
}

// take copies what has arrived. The caller holds p.mu.
func (p *pipe) take(b []byte, now time.Time) (n int) {
	for n < len(b) && len(p.queue) > 0 && !p.queue[0].at.After(now) {
		c := &p.queue[0]
		m := copy(b[n:], c.data[c.off:])
		n += m
		if c.off += m; c.off == len(c.data) {
			p.queue[0].data = nil
			p.queue = p.queue[1:]
		}
	}
	if n > 0 {
		if p.bytes >= window {
			p.changed.Broadcast()
		}
		p.bytes -= n
	}
	return n
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (p *pipe) closeWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.writeClosed {
		p.writeClosed, p.finished = true, time.Now().Add(p.delay)
		p.changed.Broadcast()
	}
}

func (p *pipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readClosed = true
	p.queue, p.bytes = nil, 0
	p.changed.Broadcast()
}

func (p *pipe) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

func (p *pipe) set(deadline *time.Time, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*deadline = t
	p.changed.Broadcast()
}
