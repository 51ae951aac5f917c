package proxytest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A Server is a proxy of any kind.
type Server interface {
	Serve(ctx context.Context, l net.Listener) error
}

// Serve runs a server on loopback until stop, which returns its error, or the end of the test, which checks it.
func Serve(t *testing.T, s Server) (address string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String(), stop
}

// Dial connects to a server for as long as the test runs, and for 20 seconds at most.
func Dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// Feed runs a server for one client in memory that sends these bytes, reads what comes within patience after that,
// and goes. It fails the test if Serve does.
func Feed(t *testing.T, s Server, sent []byte, patience time.Duration) {
	t.Helper()
	near, far := net.Pipe()
	l := &once{conn: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conn <- far
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = near.Write(sent)
		_ = near.SetReadDeadline(time.Now().Add(patience))
	}()
	_, _ = io.Copy(io.Discard, near)
	_ = near.Close()
	<-written
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// once is a listener with one connection.
type once struct {
	conn chan net.Conn
	done chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *once) Close() error   { close(l.done); return nil }
func (l *once) Addr() net.Addr { return &net.TCPAddr{} }
