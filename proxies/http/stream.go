package http

import (
	"errors"
	"io"
	"net"
	"sync/atomic"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// meteredStream tells the watchdog and the counters what moves.
type meteredStream struct {
	net.Conn
	dog      *relay.Watchdog
	counters *proxies.Counters
}

func (c *meteredStream) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.dog != nil {
		c.dog.Touch()
		c.counters.Received(n)
	}
	return n, err
}

func (c *meteredStream) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.dog != nil {
		c.dog.Touch()
		c.counters.Sent(n)
	}
	return n, err
}

func (c *meteredStream) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// upgradedStream reads what the transport has read ahead first.
type upgradedStream struct {
	*meteredStream
	body io.ReadWriteCloser
}

func (c *upgradedStream) Read(p []byte) (int, error) { return c.body.Read(p) }

// responseBody notices that the stream broke.
type responseBody struct {
	io.ReadCloser
	truncated *atomic.Bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.truncated.Store(true)
	}
	return n, err
}
