package testnet

import (
	"errors"
	"net"
	"time"
)

// A conn is one end of a connection.
type conn struct {
	host          *host
	local, remote *net.TCPAddr
	in, out       *pipe
	sent          *link
}

func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	c.host.lan.mu.Lock()
	c.sent.bytes += n
	c.host.lan.mu.Unlock()
	return n, err
}

func (c *conn) Close() error {
	c.host.lan.mu.Lock()
	delete(c.host.conns, c)
	c.host.lan.mu.Unlock()
	c.in.closeRead()
	c.out.closeWrite()
	return nil
}

func (c *conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.writeDeadline, t)
	return nil
}

var _ net.Conn = (*conn)(nil)
