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
		{"RESOLVE_PTR", greet + "\x05\xf1\x00\x01\x09\x09\x09\x09\x00\x00", reply5(7), "", "bad request"},
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

func mustRules(t *testing.T, list ...proxies.Rule) *proxies.Rules {
	t.Helper()
	r, err := proxies.NewRules(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask5(host string, port int) string {
	return "\x05\x01\x00\x03" + string([]byte{byte(len(host))}) + host + string([]byte{byte(port >> 8), byte(port)})
}

func TestRulesDecideForNamesAndAddresses(t *testing.T) {
	policy := proxies.NewPolicy(mustRules(t,
		proxies.Rule{Name: "ssh", Ports: []string{"22"}, Action: proxies.Block},
		proxies.Rule{Name: "hers", User: "alice", Match: []string{"*.example"}, Action: proxies.ToOutproxy, Via: "hers", Quantity: 2},
		proxies.Rule{Name: "net", Match: []string{"9.9.0.0/16", "2a00::/16"}, Action: proxies.ToOutproxy, Via: "exit"},
		proxies.Rule{Name: "long", Match: []string{"far.i2p"}, Action: proxies.ToI2P, Length: 4},
		proxies.Rule{Name: "get", Methods: []string{"GET"}, Action: proxies.ToOutproxy, Via: "web"},
	))
	for _, tt := range []struct {
		send string
		code byte
		want proxies.Target
	}{
		{ask5("a.i2p", 22), 2, proxies.Target{}},
		{ask5("a.i2p", 23), 0, proxies.Target{Host: "a.i2p", Port: 23}},
		{ask5("far.i2p", 23), 0, proxies.Target{Host: "far.i2p", Port: 23, Isolation: proxies.Isolation{Shape: proxies.Shape{Length: 4}}}},
		{ask5("x.example", 443), 0, proxies.Target{Host: "x.example", Port: 443, Via: "hers", Isolation: proxies.Isolation{Shape: proxies.Shape{Quantity: 2}}}},
		{"\x05\x01\x00\x01\x09\x09\x09\x09\x01\xbb", 0, proxies.Target{Host: "9.9.9.9", Port: 443, Via: "exit"}},
		{"\x05\x01\x00\x04\x2a\x00" + strings.Repeat("\x00", 13) + "\x01\x01\xbb", 0, proxies.Target{Host: "2a00::1", Port: 443, Via: "exit"}},
		{"\x05\x01\x00\x04\x2a\x00" + strings.Repeat("\x00", 13) + "\x01\x00\x16", 2, proxies.Target{}},
		{"\x05\x01\x00\x01\x08\x08\x08\x08\x01\xbb", 2, proxies.Target{}},
		{"\x05\x01\x00\x01\x0a\x08\x08\x08\x01\xbb", 2, proxies.Target{}},
		{ask5("clear.other", 443), 2, proxies.Target{}},
		{ask5("nas.local", 443), 2, proxies.Target{}},
	} {
		f := start(t, func(c *socks.Config) {
			c.Policy, c.Users = policy, proxies.Users{"alice": "pw"}
			c.Isolation = proxies.IsolationPolicy{}
		})
		f.serve = func(c net.Conn) {
			if tt.want.Via != "" {
				readHead(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			}
			_, _ = io.WriteString(c, "hello")
		}
		got, _ := io.ReadAll(f.dial(t, greetBoth+login("alice", "pw")+tt.send))
		want := "\x05\x02\x01\x00\x05" + string([]byte{tt.code}) + "\x00\x01\x00\x00\x00\x00\x00\x00"
		if tt.code == 0 {
			want += "hello"
		} else if tt.send[3] == 4 && len(got) > 5 && got[5] == 8 {
			want = want[:5] + "\x08" + want[6:]
		}
		if string(got) != want {
			t.Errorf("%q: got %q, want %q", tt.send, got, want)
		}
		targets := f.targets()
		if tt.code == 0 && (len(targets) != 1 || targets[0] != tt.want) || tt.code != 0 && len(targets) > 0 {
			t.Errorf("%q: dialed %+v, want %+v", tt.send, targets, tt.want)
		}
	}
	if a := policy.Audit(); a.Allowed != 3 || a.Blocked != 5 {
		t.Errorf("%+v", a)
	}
}

func TestOutproxyErrorsBecomeReplies(t *testing.T) {
	policy := proxies.NewPolicy(mustRules(t, proxies.Rule{Action: proxies.ToOutproxy, Via: "exit"}))
	for answer, want := range map[string]struct {
		code   byte
		reason string
	}{
		"503|outproxy; error=destination_unavailable": {3, "outproxy down"},
		"502|exit; error=destination_unavailable":     {4, "exit down"},
		"502|exit; error=dns_error":                   {4, "exit name"},
		"502|exit; error=connection_refused":          {5, "exit connection"},
		"504|exit; error=connection_timeout":          {6, "exit timeout"},
		"403|exit; error=destination_ip_prohibited":   {2, "exit prohibited"},
		"429|outproxy; error=http_request_denied":     {2, "outproxy refused"},
		"502|outproxy; error=proxy_internal_error":    {1, "outproxy answer"},
		"": {3, "outproxy down"},
	} {
		for version, send := range map[string]string{"5": greet + request5("clear.example"), "4a": request4("clear.example", "")} {
			f := start(t, func(c *socks.Config) { c.Policy = policy })
			f.serve = func(c net.Conn) {
				readHead(c)
				if status, field, ok := strings.Cut(answer, "|"); ok {
					_, _ = fmt.Fprintf(c, "HTTP/1.1 %s x\r\nProxy-Status: %s\r\n\r\n", status, field)
				}
			}
			got, err := io.ReadAll(f.dial(t, send))
			wire := "\x05\x00\x05" + string([]byte{want.code}) + "\x00\x01\x00\x00\x00\x00\x00\x00"
			if version == "4a" {
				wire = "\x00\x5b\x00\x00\x00\x00\x00\x00"
			}
			if string(got) != wire || err != nil {
				t.Errorf("%s, %q: %x, %v", version, answer, got, err)
			}
			if failed := f.server.Stats().Failed; failed[want.reason] != 1 {
				t.Errorf("%s, %q: %v", version, answer, failed)
			}
		}
	}
}

// Guesses are slowed down for the client's address, whatever user they name.
func TestWrongPasswordsAreCountedByClient(t *testing.T) {
	f := start(t, func(c *socks.Config) { c.Users = proxies.Users{"alice": "pw"} })
	for i := range 5 {
		_, _ = io.ReadAll(f.dial(t, greetBoth+login(fmt.Sprint("user", i), "guess")))
	}
	begin := time.Now()
	got, _ := io.ReadAll(f.dial(t, greetBoth+login("alice", "pw")+request5("unknown.i2p")))
	if d := time.Since(begin); d < 250*time.Millisecond || len(got) != 14 {
		t.Errorf("%x after %v", got, d)
	}
	if key := f.targets()[0].Isolation; key != proxies.DefaultIsolation().Key("socks", proxies.Credentials{User: "alice", Verified: true}, "", proxies.Shape{}) {
		t.Errorf("%+v", key)
	}
}

func readHead(r io.Reader) {
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
	}
}
