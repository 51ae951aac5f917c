package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"clove.i2p/plugins/visitors"
)

// meteredListener counts and paces what it accepts.
type meteredListener struct {
	net.Listener

	ctx    context.Context
	ledger *ledger
	bytes  func(n int)
}

func (l *meteredListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m := &metered{Conn: c, listener: l, client: peerOf(c)}
	l.ledger.open(time.Now(), m.client)
	return m, nil
}

// metered is a client's connection: its bytes cost the client quota, and wait for its rate.
type metered struct {
	net.Conn

	listener *meteredListener
	client   visitors.Peer
	moved    atomic.Int64
	over     atomic.Int64 // bytes beyond the quota
	end      sync.Once
}

// NetConn is for sdk.PeerOf.
func (m *metered) NetConn() net.Conn { return m.Conn }

// spend counts n bytes. Beyond the quota a connection has just enough for a request and the answer that says so.
func (m *metered) spend(n int) (*rate.Limiter, error) {
	m.moved.Add(int64(n))
	m.listener.bytes(n)
	pacer, err := m.listener.ledger.spend(time.Now(), m.client, n)
	if err != nil && m.over.Add(int64(n)) > graceBytes {
		return nil, err
	}
	return pacer, nil
}

// Read waits after what it has read, so that a deadline is never missed for what was there in time.
func (m *metered) Read(p []byte) (int, error) {
	if len(p) > minBurst {
		p = p[:minBurst]
	}
	n, err := m.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	pacer, over := m.spend(n)
	if over != nil {
		return 0, over
	}
	if pacer != nil {
		if err := pacer.WaitN(m.listener.ctx, n); err != nil {
			return 0, net.ErrClosed
		}
	}
	return n, err
}

func (m *metered) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		part := p[:min(len(p), minBurst)]
		pacer, over := m.spend(len(part))
		if over != nil {
			return total, over
		}
		if pacer != nil {
			if err := pacer.WaitN(m.listener.ctx, len(part)); err != nil {
				return total, net.ErrClosed
			}
		}
		n, err := m.Conn.Write(part)
		if total += n; err != nil {
			return total, err
		}
		p = p[len(part):]
	}
	return total, nil
}

// CloseWrite ends the answer.
func (m *metered) CloseWrite() error {
	if c, ok := m.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return m.Conn.Close()
}

func (m *metered) Close() error {
	m.end.Do(func() { m.listener.ledger.close(time.Now(), m.client) })
	return m.Conn.Close()
}
