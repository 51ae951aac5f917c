package sdk

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"clove.i2p/plugins/api"
)

// conn is a stream: a connection to the host's data socket that a ticket made one. Deadlines, half-close and backpressure
// are the kernel's.
type conn struct {
	unix   *net.UnixConn
	tunnel *Tunnel
	info   connInfo
	close  sync.Once
}

type connInfo struct {
	local, remote Addr
	peer          Address
	hasPeer       bool
	port          int
	isolation     string
}

var _ net.Conn = (*conn)(nil)

// connect shows a ticket.
func (t *Tunnel) connect(ctx context.Context, ticket []byte, info connInfo) (net.Conn, error) {
	unix, err := t.program.redeem(ctx, ticket)
	if err != nil {
		return nil, err
	}
	c := &conn{unix: unix, tunnel: t, info: info}
	if err := t.open.add(c, true); err != nil {
		return nil, err
	}
	return c, nil
}

// redeem opens a data connection.
func (p *Program) redeem(ctx context.Context, ticket []byte) (*net.UnixConn, error) {
	if len(ticket) != api.TicketSize {
		return nil, fmt.Errorf("sdk: the host gave a ticket of %d bytes", len(ticket))
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", p.dataSocket)
	if err != nil {
		return nil, fmt.Errorf("sdk: data socket: %w", err)
	}
	if _, err := c.Write(api.AppendPreamble(nil, api.Ticket(ticket))); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("sdk: data socket: %w", err)
	}
	return c.(*net.UnixConn), nil
}

func (c *conn) Read(b []byte) (int, error)  { return c.unix.Read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.unix.Write(b) }

// CloseWrite ends the writing direction.
func (c *conn) CloseWrite() error { return c.unix.CloseWrite() }

func (c *conn) Close() error {
	c.close.Do(func() { c.tunnel.open.remove(c) })
	return c.unix.Close()
}

func (c *conn) LocalAddr() net.Addr                { return c.info.local }
func (c *conn) RemoteAddr() net.Addr               { return c.info.remote }
func (c *conn) SetDeadline(t time.Time) error      { return c.unix.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.unix.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.unix.SetWriteDeadline(t) }

// PeerOf is the destination at the other end of a stream of I2P; false for other connections. It sees through wrappers that
// have NetConn, such as tls.Conn.
func PeerOf(c net.Conn) (Address, bool) {
	if own := unwrap(c); own != nil {
		return own.info.peer, own.info.hasPeer
	}
	return Address{}, false
}

// LocalPort is the I2P port that a stream from Listen came to; 0 for other connections.
func LocalPort(c net.Conn) int {
	if own := unwrap(c); own != nil {
		return own.info.port
	}
	return 0
}

// IsolationOf is what a client of a service gives to DialIsolated.
func IsolationOf(c net.Conn) string {
	if own := unwrap(c); own != nil {
		return own.info.isolation
	}
	return ""
}

func unwrap(c net.Conn) *conn {
	for {
		switch v := c.(type) {
		case *conn:
			return v
		case interface{ NetConn() net.Conn }:
			c = v.NetConn()
		default:
			return nil
		}
	}
}
