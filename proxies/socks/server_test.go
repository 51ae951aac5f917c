package socks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/socks"
	"clove.i2p/tests/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// network is a Dialer that records. Streams are in memory, have half-close, and no TCP address.
type network struct {
	mu      sync.Mutex
	dialed  []proxies.Target
	errs    map[string]error
	dialing chan struct{} // gets one when slow.i2p is dialed
	gone    chan struct{} // closed when the dial of slow.i2p was cancelled
	serve   func(c net.Conn)
}

func (n *network) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, t)
	n.mu.Unlock()
	if t.Host == "slow.i2p" {
		n.dialing <- struct{}{}
		<-ctx.Done()
		close(n.gone)
		return nil, ctx.Err()
	}
	if t.Host == "panic.i2p" {
		panic("dialer")
	}
	if err := n.errs[t.Host]; err != nil {
		return nil, err
	}
	a, b := proxytest.Duplex()
	go func() {
		defer b.Close()
		n.serve(b)
	}()
	return a, nil
}

func (n *network) targets() []proxies.Target {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]proxies.Target(nil), n.dialed...)
}

// echo answers when the client's side has ended.
func echo(c net.Conn) {
	all, err := io.ReadAll(c)
	if err == nil {
		_, _ = fmt.Fprintf(c, "got %d %.40s", len(all), all)
	}
}

type fixture struct {
	*network
	server  *socks.Server
	address string
	stop    func() error
}

func start(t *testing.T, change ...func(*socks.Config)) *fixture {
	t.Helper()
	n := &network{
		gone: make(chan struct{}), dialing: make(chan struct{}, 8), serve: echo,
		errs: map[string]error{
			"unknown.i2p":   fmt.Errorf("client: %w", proxies.ErrUnknownHost),
			"nols.i2p":      fmt.Errorf("client: %w", proxies.ErrNoLeaseSet),
			"dead.i2p":      fmt.Errorf("client: %w", proxies.ErrNoAnswer),
			"early.i2p":     proxies.ErrNotReady,
			"forbidden.i2p": proxies.ErrRefused,
			"late.i2p":      context.DeadlineExceeded,
			"odd.i2p":       errors.New("connection refused; network is unreachable"),
		},
	}
	cfg := socks.DefaultConfig()
	cfg.ReadyWait = 10 * time.Millisecond
	for _, c := range change {
		c(&cfg)
	}
	s, err := socks.New(cfg, n, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{network: n, server: s}
	f.address, f.stop = proxytest.Serve(t, s)
	return f
}

func (f *fixture) dial(t *testing.T, send string) *net.TCPConn {
	t.Helper()
	c := proxytest.Dial(t, f.address)
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	greet     = "\x05\x01\x00"
	greetBoth = "\x05\x02\x00\x02"
)

func request5(host string) string {
	return "\x05\x01\x00\x03" + string([]byte{byte(len(host))}) + host + "\x00\x50"
}

func login(user, password string) string {
	return "\x01" + string([]byte{byte(len(user))}) + user + string([]byte{byte(len(password))}) + password
}

func request4(host, user string) string {
	return "\x04\x01\x00\x50\x00\x00\x00\x01" + user + "\x00" + host + "\x00"
}

func TestReplies(t *testing.T) {
	reply5 := func(code byte) string {
		return "\x05\x00\x05" + string([]byte{code}) + "\x00\x01\x00\x00\x00\x00\x00\x00"
	}
	reply4 := func(code byte) string { return "\x00" + string([]byte{code}) + "\x00\x00\x00\x00\x00\x00" }
	v6 := func(ip string) string {
		return greet + "\x05\x01\x00\x04" + string(net.ParseIP(ip).To16()) + "\x00\x50"
	}
	for _, tt := range []struct {
		name, send, want string
		dials            string
		reason           string
	}{
		{"unknown host", greet + request5("unknown.i2p"), reply5(4), "unknown.i2p", "unknown host"},
		{"no LeaseSet", greet + request5("NOLS.i2p"), reply5(4), "nols.i2p", "no leaseset"},
		{"no answer", greet + request5("dead.i2p"), reply5(5), "dead.i2p", "no answer"},
		{"not ready", greet + request5("early.i2p"), reply5(3), "early.i2p", "not ready"},
		{"refused by the dialer", greet + request5("forbidden.i2p"), reply5(2), "forbidden.i2p", "refused"},
		{"too late", greet + request5("late.i2p"), reply5(6), "late.i2p", "timeout"},
		{"other error", greet + request5("odd.i2p"), reply5(1), "odd.i2p", "other"},
		{"clearnet name", greet + request5("clear.example"), reply5(2), "", "refused"},
		{"localhost", greet + request5("localhost"), reply5(2), "", "refused"},
		{"own pages", greet + request5("proxy.i2p"), reply5(2), "", "refused"},
		{"IPv4 as a name", greet + request5("127.0.0.1"), reply5(2), "", "refused"},
		{"IPv4", greet + "\x05\x01\x00\x01\x09\x09\x09\x09\x00\x50", reply5(2), "", "refused"},
		{"IPv4 loopback", greet + "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", reply5(2), "", "refused"},
		{"IPv6", greet[:3] + v6("2001:db8::1")[3:], reply5(8), "", "refused"},
		{"IPv6 loopback", v6("::1"), reply5(8), "", "refused"},
		{"empty host", greet + request5(""), reply5(1), "", "bad request"},
		{"line break", greet + request5("[a.i2p\r\nX: y]"), reply5(1), "", "bad request"},
		{"zero byte", greet + request5("a\x00b.i2p"), reply5(1), "", "bad request"},
		{"trailing dot", greet + request5("a.i2p."), reply5(1), "", "bad request"},
		{"user information", greet + request5("u@a.i2p"), reply5(1), "", "bad request"},
		{"port 0", greet + "\x05\x01\x00\x03\x05a.i2p\x00\x00", reply5(1), "", "bad request"},
		{"BIND", greet + "\x05\x02\x00\x03\x05a.i2p\x00\x50", reply5(7), "", "bad request"},
		{"UDP ASSOCIATE", greet + "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00", reply5(7), "", "bad request"},
		{"RESOLVE", greet + "\x05\xf0\x00\x03\x05a.i2p\x00\x50", reply5(7), "", "bad request"},
		{"address type", greet + "\x05\x01\x00\x09", reply5(8), "", "bad request"},
		{"no method", "\x05\x00", "\x05\xff", "", "unauthorized"},
		{"unknown method", "\x05\x01\x01", "\x05\xff", "", "unauthorized"},
		{"version of the request", greet + "\x04\x01\x00\x03\x05a.i2p\x00\x50", "\x05\x00", "", "bad request"},
		{"4a unknown host", request4("unknown.i2p", "u"), reply4(91), "unknown.i2p", "unknown host"},
		{"4a clearnet name", request4("clear.example", ""), reply4(91), "", "refused"},
		{"4a long name", request4(strings.Repeat("a", 256), ""), reply4(91), "", "bad request"},
		{"4a long user", request4("a.i2p", strings.Repeat("a", 256)), reply4(91), "", "bad request"},
		{"4 address", "\x04\x01\x00\x50\x09\x09\x09\x09u\x00", reply4(91), "", "refused"},
		{"4 address 0", "\x04\x01\x00\x50\x00\x00\x00\x00u\x00", reply4(91), "", "refused"},
		{"4 BIND", "\x04\x02\x00\x50\x00\x00\x00\x01\x00a.i2p\x00", reply4(91), "", "bad request"},
		{"garbage", "\x16\x03\x01", "", "", "bad request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t)
			c := f.dial(t, tt.send)
			got, err := io.ReadAll(c)
			if string(got) != tt.want || err != nil && tt.want != "" {
				t.Errorf("got %x, %v; want %x", got, err, tt.want)
			}
			_ = c.Close()
			var dialed string
			if targets := f.targets(); len(targets) > 0 {
				dialed = targets[0].Host
			}
			if dialed != tt.dials {
				t.Errorf("dialed %q, want %q", dialed, tt.dials)
			}
			if err := f.stop(); err != nil {
				t.Error(err)
			}
			if got := f.server.Stats().Failed; len(got) != 1 || got[tt.reason] != 1 {
				t.Errorf("failures %v, want one %q", got, tt.reason)
			}
		})
	}
}

func TestHTTPOnThePortIsToldWhatItIs(t *testing.T) {
	f := start(t)
	got, err := io.ReadAll(f.dial(t, "GET http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\n\r\n"))
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 501 ") || !strings.Contains(string(got), "SOCKS") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCredentialsIsolate(t *testing.T) {
	f := start(t)
	for _, hello := range []string{
		greet, greetBoth + login("a", "1"), greetBoth + login("a", "2"), greetBoth + login("b", "1"),
		"\x05\x03\x02\x01\x00" + login("a", "1"),
	} {
		_, _ = io.ReadAll(f.dial(t, hello+request5("unknown.i2p")))
	}
	for _, user := range []string{"", "a", "b"} {
		_, _ = io.ReadAll(f.dial(t, request4("unknown.i2p", user)))
	}
	keys := map[proxies.Isolation]int{}
	for _, target := range f.targets() {
		keys[target.Isolation]++
	}
	// None, a:1 twice, a:2, b:1, and SOCKS 4's a and b, which have no password.
	if len(f.targets()) != 8 || len(keys) != 6 || keys[proxies.Isolation{Listener: "socks"}] != 2 {
		t.Errorf("keys %v", keys)
	}
}

func TestUsers(t *testing.T) {
	users := func(c *socks.Config) { c.Users = proxies.Users{"alice": "pw"} }
	for _, tt := range []struct{ name, send, want string }{
		{"none offered", greet + request5("unknown.i2p"), "\x05\xff"},
		{"wrong", greetBoth + login("alice", "x") + request5("unknown.i2p"), "\x05\x02\x01\x01"},
		{"empty", greetBoth + login("", "") + request5("unknown.i2p"), "\x05\x02\x01\x01"},
		{"right", greetBoth + login("alice", "pw") + request5("unknown.i2p"), "\x05\x02\x01\x00\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"4a", request4("unknown.i2p", "alice"), "\x00\x5d\x00\x00\x00\x00\x00\x00"},
	} {
		f := start(t, users)
		got, err := io.ReadAll(f.dial(t, tt.send))
		if string(got) != tt.want || err != nil {
			t.Errorf("%s: got %x, %v; want %x", tt.name, got, err, tt.want)
		}
		if dialed := len(f.targets()) > 0; dialed != (tt.name == "right") {
			t.Errorf("%s: dialed %v", tt.name, dialed)
		}
	}
}
