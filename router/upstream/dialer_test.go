package upstream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/upstream"
	"github.com/armon/go-socks5" //nolint:depguard // a server for tests, on loopback
)

func TestNew(t *testing.T) {
	for proxy, want := range map[string]string{ // the proxy, or what the error says
		"socks5://127.0.0.1:9050":       "socks5://127.0.0.1:9050",
		"socks5://localhost:9050":       "socks5://127.0.0.1:9050",
		"socks5://u:secret@[::1]:1":     "socks5://[::1]:1",
		"http://10.0.0.1:3128/":         "http://10.0.0.1:3128",
		"http://u@10.0.0.1:3128":        "http://10.0.0.1:3128",
		"socks5://proxy.example:1":      "must be an IP address",
		"socks5://:1":                   "must be an IP address",
		"socks5://0.0.0.0:1":            "must be an IP address",
		"socks5://127.0.0.1":            "proxy port",
		"socks5://127.0.0.1:0":          "proxy port",
		"http://127.0.0.1:1/path":       "nothing may follow",
		"http://127.0.0.1:1?q":          "nothing may follow",
		"http://127.0.0.1:1?":           "nothing may follow",
		"https://127.0.0.1:1":           `kind "https"`,
		"socks5h://127.0.0.1:1":         `kind "socks5h"`,
		"127.0.0.1:1":                   "no URL",
		"":                              `kind ""`,
		"socks5://u@127.0.0.1:1":        "without password",
		"socks5://:secret@127.0.0.1:1":  "proxy user",
		"http://u:secret@127.0.0.1:1:1": "no URL",
		"http://u:sec%ret@127.0.0.1:1":  "no URL",
		"http://" + strings.Repeat("u", 256) + "@127.0.0.1:1": "proxy user",
	} {
		d, err := upstream.New(proxy)
		switch {
		case err == nil && d.String() != want:
			t.Errorf("%q: %v", proxy, d)
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v", proxy, err)
		case err != nil && strings.Contains(err.Error(), "sec"):
			t.Errorf("%q: the error tells the password", proxy)
		}
	}
}

// echo is a peer that says hello first and then echoes. It counts connections.
func echo(t *testing.T) (netip.AddrPort, *atomic.Int32) {
	conns := new(atomic.Int32)
	return serve(t, func(c net.Conn) {
		conns.Add(1)
		io.WriteString(c, "hello")
		io.Copy(c, c)
	}), conns
}

func serve(t *testing.T, f func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func socksProxy(t *testing.T, users socks5.StaticCredentials, rules socks5.RuleSet) netip.AddrPort {
	t.Helper()
	cfg := &socks5.Config{Rules: rules, Resolver: noNames{t}}
	if users != nil {
		cfg.Credentials = users
	}
	s, err := socks5.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, func(c net.Conn) { s.ServeConn(c) })
}

// noNames fails the test where a proxy is asked for a name.
type noNames struct{ t *testing.T }

func (n noNames) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	n.t.Errorf("the proxy was to resolve %q", name)
	return ctx, nil, errors.New("no names")
}

// httpProxy is a proxy for CONNECT that wants user u and password p if want is set.
func httpProxy(t *testing.T, want bool) netip.AddrPort {
	return serve(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if want && r.Header.Get("Proxy-Authorization") != "Basic dTpw" {
			io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno")
			return
		}
		if r.Method != "CONNECT" || r.Header.Get("User-Agent") != "" {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		defer to.Close()
		io.WriteString(c, "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
		go io.Copy(to, c)
		io.Copy(c, to)
	})
}

func TestDialThroughProxies(t *testing.T) {
	peer, _ := echo(t)
	for name, proxy := range map[string]string{
		"socks5":               "socks5://" + socksProxy(t, nil, nil).String(),
		"socks5 with password": "socks5://u:p@" + socksProxy(t, socks5.StaticCredentials{"u": "p"}, nil).String(),
		"http":                 "http://" + httpProxy(t, false).String(),
		"http with password":   "http://u:p@" + httpProxy(t, true).String(),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := upstream.New(proxy)
			if err != nil {
				t.Fatal(err)
			}
			c, err := d.Dial(t.Context(), netip.MustParseAddr("127.0.0.1"), peer)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			data := bytes.Repeat([]byte("0123456789"), 5000)
			go func() { c.Write(data) }()
			got := make([]byte, len("hello")+len(data))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello"+string(data) {
				t.Fatalf("%d bytes differ: %v", len(got), err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	peer, conns := echo(t)
	closed := closedPort(t)
	says := func(b string) string {
		return serve(t, func(c net.Conn) {
			buf := make([]byte, 300)
			c.Read(buf)
			io.WriteString(c, b)
			io.Copy(io.Discard, c)
		}).String()
	}
	for name, tc := range map[string]struct {
		proxy string
		to    netip.AddrPort
		want  error
		text  string
	}{
		"socks5 down":             {"socks5://" + closed.String(), peer, upstream.ErrProxy, "is it running"},
		"http down":               {"http://" + closed.String(), peer, upstream.ErrProxy, "is it running"},
		"socks5 wants a password": {"socks5://" + socksProxy(t, socks5.StaticCredentials{"u": "p"}, nil).String(), peer, upstream.ErrProxy, "wants a user"},
		"socks5 wrong password":   {"socks5://u:x@" + socksProxy(t, socks5.StaticCredentials{"u": "p"}, nil).String(), peer, upstream.ErrProxy, "check both"},
		"socks5 takes none":       {"socks5://u:p@" + socksProxy(t, nil, nil).String(), peer, upstream.ErrProxy, "does not take"},
		"socks5 forbids":          {"socks5://" + socksProxy(t, nil, socks5.PermitNone()).String(), peer, upstream.ErrProxy, "not allowed"},
		"socks5 peer down":        {"socks5://" + socksProxy(t, nil, nil).String(), closed, upstream.ErrPeer, "refused"},
		"http wants a password":   {"http://" + httpProxy(t, true).String(), peer, upstream.ErrProxy, "wants a user"},
		"http wrong password":     {"http://u:x@" + httpProxy(t, true).String(), peer, upstream.ErrProxy, "check both"},
		"http peer down":          {"http://" + httpProxy(t, false).String(), closed, upstream.ErrPeer, "502"},
		"http forbids":            {"http://" + says("HTTP/1.1 403 Forbidden\r\n\r\n"), peer, upstream.ErrProxy, "allow CONNECT"},
		"http instead of socks5":  {"socks5://" + says("HTTP/1.1 400 Bad Request\r\n\r\n"), peer, upstream.ErrProxy, "is it a socks5 proxy"},
		"socks5 instead of http":  {"http://" + says("\x05\xffaaaaaaa"), peer, upstream.ErrProxy, "is it a http proxy"},
		"http endless":            {"http://" + says("HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 5000)), peer, upstream.ErrProxy, "too long"},
		"http half":               {"http://" + serve(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 2") }).String(), peer, upstream.ErrProxy, "is it a http"},
		"socks5 method not asked": {"socks5://" + says("\x05\x02"), peer, upstream.ErrProxy, "not offered"},
		"socks5 address type":     {"socks5://" + says("\x05\x00\x05\x00\x00\x09"), peer, upstream.ErrProxy, "address type 9"},
		"no peer":                 {"socks5://" + closed.String(), netip.AddrPort{}, nil, "without address"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := upstream.New(tc.proxy)
			if err != nil {
				t.Fatal(err)
			}
			c, err := d.Dial(t.Context(), netip.Addr{}, tc.to)
			if err == nil {
				c.Close()
				t.Fatal("connected")
			}
			if tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), peer.String()) {
				t.Errorf("the error names the peer: %v", err)
			}
		})
	}
	if n := conns.Load(); n != 0 {
		t.Errorf("the peer had %d connections although no proxy let one through", n)
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	for _, scheme := range []string{"socks5", "http"} {
		silent := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
		d, err := upstream.New(scheme + "://" + silent.String())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := d.Dial(ctx, netip.Addr{}, netip.MustParseAddrPort("127.0.0.1:1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", scheme, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err = d.Dial(ctx, netip.Addr{}, netip.MustParseAddrPort("127.0.0.1:1"))
		if !errors.Is(err, context.Canceled) || errors.Is(err, upstream.ErrProxy) || errors.Is(err, upstream.ErrPeer) {
			t.Errorf("%s: cancelled: %v", scheme, err)
		}
	}
}

// A proxy that took the request waits for the peer, and may do so for longer than we: Tor does for two minutes.
func TestWhoIsToBlameForTheEndOfTheTime(t *testing.T) {
	lets := func(c net.Conn) { io.CopyN(io.Discard, c, 3); io.WriteString(c, "\x05\x00"); io.Copy(io.Discard, c) }
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	for name, tc := range map[string]struct {
		scheme      string
		proxy       func(net.Conn)
		blame, none error
	}{
		"socks5 waits for the peer": {"socks5", lets, upstream.ErrSilent, upstream.ErrProxy},
		"socks5 lets nobody in":     {"socks5", silent, upstream.ErrProxy, upstream.ErrSilent},
		"http waits for the peer":   {"http", silent, upstream.ErrSilent, upstream.ErrProxy},
	} {
		d, err := upstream.New(tc.scheme + "://" + serve(t, tc.proxy).String())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = d.Dial(ctx, netip.Addr{}, netip.MustParseAddrPort("192.0.2.1:5"))
		cancel()
		if !errors.Is(err, tc.blame) || errors.Is(err, tc.none) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInterimAnswersAreReadOver(t *testing.T) {
	for answer, want := range map[string]error{
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest": nil,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n":                                    upstream.ErrPeer,
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                                                         upstream.ErrProxy,
		strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000):                                              upstream.ErrProxy,
	} {
		d, err := upstream.New("http://" + serve(t, func(c net.Conn) { c.Read(make([]byte, 300)); io.WriteString(c, answer); io.Copy(io.Discard, c) }).String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Dial(t.Context(), netip.Addr{}, netip.MustParseAddrPort("192.0.2.1:5"))
		if !errors.Is(err, want) {
			t.Errorf("%.40q: %v", answer, err)
		}
		if err == nil {
			rest := make([]byte, 4)
			if _, err := io.ReadFull(c, rest); err != nil || string(rest) != "rest" {
				t.Errorf("%q, %v", rest, err)
			}
			c.Close()
		}
	}
}

func closedPort(t *testing.T) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}
