package socks_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/socks"
)

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

type dialFunc func(context.Context, proxies.Target) (net.Conn, error)

func (f dialFunc) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) { return f(ctx, t) }

// FuzzServer: whatever comes, the server ends, and dials nothing but valid .i2p hosts.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"", greet, greet + request5("a.i2p") + "data", greetBoth + login("u", "p") + request5("unknown.i2p"),
		request4("a.i2p", "u") + "data", request4("127.0.0.1", ""), "\x04\x01\x00\x50\x01\x02\x03\x04\x00",
		greet + "\x05\x01\x00\x04" + strings.Repeat("\x00", 18), greet + "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
		"GET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		cfg := socks.DefaultConfig()
		s, err := socks.New(cfg, dialFunc(func(_ context.Context, target proxies.Target) (net.Conn, error) {
			if host, err := proxies.ParseHost(target.Host); err != nil || host != target.Host || target.Port < 1 ||
				!strings.HasSuffix(host, ".i2p") {
				t.Errorf("dialed %+v: %v", target, err)
			}
			if target.Host != "a.i2p" {
				return nil, proxies.ErrUnknownHost
			}
			a, b := duplex()
			go func() {
				_, _ = io.Copy(io.Discard, b)
				_ = b.Close()
			}()
			return a, nil
		}), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
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
			_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
		}()
		_, _ = io.Copy(io.Discard, near)
		<-written
		_ = near.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
