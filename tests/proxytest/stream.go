package proxytest

import (
	"context"
	"errors"
	"net"

	"clove.i2p/proxies"
)

// DialFunc is a Dialer.
type DialFunc func(context.Context, proxies.Target) (net.Conn, error)

// Dial calls f.
func (f DialFunc) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) { return f(ctx, t) }

var _ proxies.Dialer = DialFunc(nil)

// A Half is one end of a stream in memory that can be closed by halves: it reads from Conn and writes to another pipe.
type Half struct {
	net.Conn
	w net.Conn
}

// Duplex is a net.Pipe that can be closed by halves.
func Duplex() (a, b *Half) {
	a1, a2 := net.Pipe()
	b1, b2 := net.Pipe()
	return &Half{Conn: a1, w: b1}, &Half{Conn: b2, w: a2}
}

func (h *Half) Write(p []byte) (int, error) { return h.w.Write(p) }

// CloseWrite ends what the other end reads.
func (h *Half) CloseWrite() error { return h.w.Close() }

// Close ends both directions.
func (h *Half) Close() error { return errors.Join(h.Conn.Close(), h.w.Close()) }
