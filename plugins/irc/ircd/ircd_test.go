package ircd_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/irc/ircd"
)

func start(t *testing.T, cfg ircd.Config) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ircd.New(cfg).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Serve does not end")
		}
	})
	return l.Addr().String()
}

// user is a client with as little sense as possible.
type user struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func connect(t *testing.T, address string, first ...string) *user {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	u := &user{t: t, conn: c, r: bufio.NewReader(c)}
	for _, line := range first {
		u.say("%s", line)
	}
	return u
}

func (u *user) say(format string, args ...any) {
	u.t.Helper()
	if _, err := fmt.Fprintf(u.conn, format+"\r\n", args...); err != nil {
		u.t.Fatal(err)
	}
}

// wait reads until a line contains all of this.
func (u *user) wait(parts ...string) string {
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

func login(t *testing.T, address, nick string) *user {
	t.Helper()
	u := connect(t, address, "NICK "+nick, "USER me 0 * :Some One")
	u.wait(" 422 ")
	return u
}

func TestTwoUsersTalk(t *testing.T) {
	address := start(t, ircd.Config{Name: "irc.test"})
	ann, bob := login(t, address, "ann"), login(t, address, "bob")
	ann.say("JOIN #i2p")
	ann.wait("JOIN :#i2p")
	bob.say("JOIN #i2p")
	bob.wait(" 353 ", "@ann bob")
	ann.wait(":bob!~me@127.0.0.1 JOIN :#i2p")
	bob.say("PRIVMSG #i2p :hello %s", "100%d")
	if got := ann.wait("PRIVMSG"); got != ":bob!~me@127.0.0.1 PRIVMSG #i2p :hello 100%d" {
		t.Errorf("came %q", got)
	}
	ann.say("PRIVMSG bob :\x01VERSION\x01")
	bob.wait("PRIVMSG bob :\x01VERSION\x01")
	ann.say("NICK anna")
	bob.wait(":ann!~me@127.0.0.1 NICK :anna")
	ann.say("QUIT :so long")
	bob.wait(":anna!~me@127.0.0.1 QUIT :Quit: so long")
	ann.wait("ERROR :Closing link")
}

func TestWebIRCNamesTheHost(t *testing.T) {
	address := start(t, ircd.Config{WebIRCPassword: "secret"})
	ann := connect(t, address, "WEBIRC secret gw abc.b32.i2p 127.1.2.3", "NICK ann", "USER me 0 * :x")
	ann.wait(" 422 ")
	ann.say("WHOIS ann")
	ann.wait(" 311 ", "abc.b32.i2p")
	connect(t, address, "WEBIRC wrong gw abc.b32.i2p 127.1.2.3").wait("ERROR", "Bad WEBIRC")
	connect(t, start(t, ircd.Config{}), "WEBIRC  gw abc.b32.i2p 127.1.2.3").wait("ERROR", "Bad WEBIRC")
}

func TestRegistrationWaitsForCapEnd(t *testing.T) {
	address := start(t, ircd.Config{})
	ann := connect(t, address, "CAP LS 302", "NICK ann", "USER me 0 * :x", "CAP REQ :multi-prefix", "CAP REQ :sasl")
	ann.wait("CAP", "LS", "sts=")
	ann.wait("CAP ann ACK :multi-prefix")
	ann.wait("CAP ann NAK :sasl")
	ann.say("JOIN #early")
	ann.wait(" 451 ")
	ann.say("CAP END")
	ann.wait(" 001 ")
}

func TestAnswersAndErrors(t *testing.T) {
	address := start(t, ircd.Config{MOTD: []string{"one", "two"}})
	ann := connect(t, address, "NICK ann", "USER me 0 * :Ann")
	ann.wait(" 376 ")
	ann.say("JOIN #a")
	ann.wait(" 366 ")
	for _, c := range []struct {
		say  string
		want []string
	}{
		{"PING :x", []string{"PONG", ":x"}},
		{"TOPIC #a :the topic", []string{"TOPIC #a :the topic"}},
		{"TOPIC #a", []string{" 332 ", "the topic"}},
		{"LIST", []string{" 322 ", "#a 1 :the topic"}},
		{"NAMES #a", []string{" 353 ", "@ann"}},
		{"WHO #a", []string{" 352 ", "ann"}},
		{"MODE #a", []string{" 324 "}},
		{"MODE ann", []string{" 221 "}},
		{"ISON ann bob", []string{" 303 ", ":ann"}},
		{"USERHOST ann", []string{" 302 ", "ann=+~me@"}},
		{"AWAY :out", []string{" 306 "}},
		{"PRIVMSG ann :x", []string{" 301 ", "out"}},
		{"PRIVMSG nobody :x", []string{" 401 "}},
		{"NICK #bad", []string{" 432 "}},
		{"NOSUCH", []string{" 421 ", "NOSUCH"}},
		{"JOIN", []string{" 461 ", "JOIN"}},
		{"JOIN bad", []string{" 403 "}},
		{"INVITE nobody #a", []string{" 401 "}},
		{"KICK #a ann :out", []string{"KICK #a ann :out"}},
		{"PART #a", []string{" 403 "}},
	} {
		ann.say("%s", c.say)
		ann.wait(c.want...)
	}
	bob := connect(t, address, "NICK Ann")
	bob.wait(" 433 ")
}

func TestAClientThatReadsNothingEnds(t *testing.T) {
	address := start(t, ircd.Config{})
	deaf, ann := login(t, address, "deaf"), login(t, address, "ann")
	deaf.say("JOIN #a")
	deaf.wait(" 366 ")
	ann.say("JOIN #a")
	ann.wait(" 366 ")
	go func() {
		for range 100_000 {
			if _, err := fmt.Fprintf(ann.conn, "PRIVMSG #a :%s\r\n", strings.Repeat("x", 300)); err != nil {
				return
			}
		}
	}()
	ann.wait("deaf", "QUIT")
}

func TestFull(t *testing.T) {
	address := start(t, ircd.Config{MaxClients: 1})
	login(t, address, "ann")
	connect(t, address).wait("ERROR :Too many clients")
}
