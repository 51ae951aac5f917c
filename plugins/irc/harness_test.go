package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clove.i2p/plugins/irc/ircd"
	"clove.i2p/plugins/plugintest"
)

// patience is for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// irc runs the small server on loopback.
func irc(t *testing.T, cfg ircd.Config) (address string) {
	t.Helper()
	l := loopback(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ircd.New(cfg).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ircd: %v", err)
		}
	})
	return l.Addr().String()
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// settings for tests: all that listens does so on any port, and nothing is limited.
type settings map[string]any

func (s settings) with(more settings) settings {
	out := settings{}
	for _, m := range []settings{s, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func startServer(h *plugintest.Host, target string, more settings) *plugintest.Tunnel {
	return h.Start(plugin(), "irc-server", settings{"target": target}.with(more))
}

func startClient(h *plugintest.Host, destination string, more settings) *plugintest.Tunnel {
	return h.Start(plugin(), "irc-client", settings{"listen": "127.0.0.1:0", "destination": []string{destination}}.with(more))
}

// talker is one end of an IRC connection.
type talker struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func talk(t *testing.T, c net.Conn, err error) *talker {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &talker{t, c, bufio.NewReader(c)}
}

func dial(t *testing.T, address string) *talker {
	t.Helper()
	c, err := net.Dial("tcp", address)
	return talk(t, c, err)
}

func accept(t *testing.T, l net.Listener) *talker {
	t.Helper()
	c, err := l.Accept()
	return talk(t, c, err)
}

func (u *talker) say(lines ...string) {
	u.t.Helper()
	for _, line := range lines {
		if _, err := u.conn.Write([]byte(line + "\r\n")); err != nil {
			u.t.Fatal(err)
		}
	}
}

// next is the next line.
func (u *talker) next() string {
	u.t.Helper()
	line, err := u.r.ReadString('\n')
	if err != nil {
		u.t.Fatalf("%v after %q", err, line)
	}
	return strings.TrimRight(line, "\r\n")
}

// expect checks the next lines.
func (u *talker) expect(lines ...string) {
	u.t.Helper()
	for _, want := range lines {
		if got := u.next(); got != want {
			u.t.Fatalf("came %q, want %q", got, want)
		}
	}
}

// wait reads until a line contains all of this.
func (u *talker) wait(parts ...string) string {
	u.t.Helper()
	var seen []string
	for {
		line, err := u.r.ReadString('\n')
		if err != nil {
			u.t.Fatalf("%v while waiting for %q; came: %q", err, parts, seen)
		}
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			return strings.TrimRight(line, "\r\n")
		}
		seen = append(seen, line)
	}
}

// ended waits for the end of the connection, and closes it.
func (u *talker) ended() {
	u.t.Helper()
	for {
		line, err := u.r.ReadString('\n')
		if err == nil {
			u.t.Logf("before the end: %q", line)
			continue
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			u.t.Fatal("the connection does not end")
		}
		_ = u.conn.Close()
		return
	}
}

// login registers and joins #i2p.
func login(t *testing.T, address, nick string) *talker {
	t.Helper()
	u := dial(t, address)
	u.say("NICK "+nick, "USER "+nick+" laptop.lan x :"+nick+" Real")
	u.wait(" 001 " + nick)
	u.say("JOIN #i2p")
	u.wait(" 366 ")
	return u
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
