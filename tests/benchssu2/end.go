//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
)

// An end is a transport and its registry, which counts what arrives.
type end struct {
	transport *ssu2.Transport
	socket    *udp.Socket
	info      *i2p.RouterInfo
	ended     chan struct{}
	close     func()

	messages, bytes atomic.Uint64
	echo            atomic.Bool
	replies         chan struct{} // something came

	mu       sync.Mutex
	sessions []transport.Session
}

var _ transport.Registry = (*end)(nil)

// Messages counts, and sends back if this is an echo.
func (e *end) Messages(_ i2p.Hash, msgs []*buf.Buf) {
	n := 0
	for _, m := range msgs {
		n += m.Len()
	}
	e.messages.Add(uint64(len(msgs)))
	e.bytes.Add(uint64(n))
	if e.echo.Load() {
		e.all()[0].Send(msgs)
		return
	}
	for _, m := range msgs {
		m.Release()
	}
	select {
	case e.replies <- struct{}{}:
	default:
	}
}

func (e *end) RouterInfo(i2p.Hash, *i2p.RouterInfo, bool) {}

func (e *end) Admit(i2p.Hash) bool { return true }

func (e *end) Opened(s transport.Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions = append(e.sessions, s)
	return true
}

func (e *end) Closed(transport.Session, error) {}

func (e *end) all() []transport.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions
}

// ping sends messages of so many bytes one at a time to an echo, and takes the time to each reply.
func (e *end) ping(size, count int) ([]time.Duration, error) {
	const warm = 20
	s := e.all()[0]
	trips := make([]time.Duration, 0, count)
	for i := range count + warm {
		select {
		case <-e.replies:
		default:
		}
		start := time.Now()
		s.Send([]*buf.Buf{message(uint32(i+1), size)})
		select {
		case <-e.replies:
		case <-time.After(pingLimit):
			return nil, errors.New("no reply to a ping")
		}
		if i >= warm {
			trips = append(trips, time.Since(start))
		}
	}
	return trips, nil
}

// message is an I2NP message in flight, of so many bytes with its header: TunnelData of a tunnel that nobody has.
func message(id uint32, size int) *buf.Buf {
	b := buf.GetFor(size)
	m := b.Extend(size)
	m[0] = byte(i2np.TypeTunnelData)
	binary.BigEndian.PutUint32(m[1:], id)
	binary.BigEndian.PutUint32(m[5:], uint32(time.Now().Add(time.Minute).Unix()))
	return b
}

// A pusher keeps the queues of sessions full, whatever they take.
type pusher struct {
	ended, done      chan struct{}
	offered, dropped atomic.Uint64
}

// startPusher sends messages of so many bytes until stop.
func startPusher(to []transport.Session, size int) *pusher {
	p := &pusher{ended: make(chan struct{}), done: make(chan struct{})}
	go p.run(to, size)
	return p
}

func (p *pusher) stop() { close(p.done); <-p.ended }

// run looks every pushInterval how much of the queues is left.
func (p *pusher) run(to []transport.Session, size int) {
	defer close(p.ended)
	depth := inFlight + waiting/len(to)
	if size > buf.Small {
		depth = deepLarge
	}
	ticker := time.NewTicker(pushInterval)
	defer ticker.Stop()
	var msgs []*buf.Buf
	for id := uint32(1 << 16); ; {
		for _, s := range to {
			msgs = msgs[:0]
			for range depth - s.Status().Queued {
				msgs = append(msgs, message(id, size))
				id++
			}
			took := s.Send(msgs)
			p.offered.Add(uint64(took))
			p.dropped.Add(uint64(len(msgs) - took))
		}
		select {
		case <-p.done:
			return
		case <-ticker.C:
		}
	}
}
