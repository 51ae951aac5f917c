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
	"clove.i2p/tests/proxytest"
)

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
		s, err := socks.New(cfg, proxytest.DialFunc(func(_ context.Context, target proxies.Target) (net.Conn, error) {
			if host, err := proxies.ParseHost(target.Host); err != nil || host != target.Host || target.Port < 1 ||
				!strings.HasSuffix(host, ".i2p") {
				t.Errorf("dialed %+v: %v", target, err)
			}
			if target.Host != "a.i2p" {
				return nil, proxies.ErrUnknownHost
			}
			a, b := proxytest.Duplex()
			go func() {
				_, _ = io.Copy(io.Discard, b)
				_ = b.Close()
			}()
			return a, nil
		}), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxytest.Feed(t, s, sent, time.Millisecond)
	})
}
