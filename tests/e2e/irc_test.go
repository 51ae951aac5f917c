package e2e_test

import (
	"bufio"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// An ircUser is a connection whose lines are read as they come, and kept.
type ircUser struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	nick string
	seen []string
}

// joinIRC connects, registers and joins #demo.
func joinIRC(t *testing.T, address, nick string) *ircUser {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	u := &ircUser{t: t, conn: conn, in: bufio.NewReader(conn), nick: nick}
	u.say("NICK " + nick)
	u.say("USER " + nick + " workstation.lan server :My Real Name")
	u.until(" 001 " + nick)
	u.say("JOIN #demo")
	u.until(" 366 " + nick)
	return u
}

func (u *ircUser) say(line string) {
	u.t.Helper()
	if _, err := u.conn.Write([]byte(line + "\r\n")); err != nil {
		u.t.Fatalf("%s: %v", u.nick, err)
	}
}

// until reads to the next line with a text, and answers pings on the way.
func (u *ircUser) until(text string) string {
	u.t.Helper()
	for {
		line, err := u.in.ReadString('\n')
		if err != nil {
			u.t.Fatalf("%s waits for %q: %v, after\n%s", u.nick, text, err, strings.Join(u.seen, ""))
		}
		u.seen = append(u.seen, line)
		if token, ok := strings.CutPrefix(line, "PING "); ok {
			u.say("PONG " + strings.TrimSpace(token))
		}
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
	}
}

// never fails if a text has been read.
func (u *ircUser) never(text string) {
	u.t.Helper()
	for _, line := range u.seen {
		if strings.Contains(line, text) {
			u.t.Errorf("%s got %q", u.nick, line)
		}
	}
}

// Two users talk through the demo's tunnel, with the real server and without it: what they say arrives, what would tell about them
// does not.
func TestIRCOfTheDemo(t *testing.T) {
	for name, path := range map[string]string{"ngircd": "", "built in": "/nowhere"} {
		t.Run(name, func(t *testing.T) {
			if path == "" {
				path = filepath.Dir(installed(t, "ngircd"))
			}
			temp, err := os.MkdirTemp(folder, "")
			if err != nil {
				t.Fatal(err)
			}
			c, r := startDemoIn(t, temp, "PATH="+path)
			if len(r.Missing) > 0 || r.IRC == "" {
				t.Fatalf("%+v", r)
			}
			rawIRC(t, c, r, name == "ngircd")
			if name == "ngircd" {
				irssi(t, c, r)
			}
			c.stop(t, os.Interrupt)
		})
	}
}

// rawIRC asserts on every line that clients get. Alice and bob are behind the filter, carol is on the server itself: who is not
// filtered, and sees what leaves alice's and bob's side.
func rawIRC(t *testing.T, c *clove, r ready, real bool) {
	var server struct{ Settings struct{ Target string } }
	c.query(t, &server, "tunnel", "show", "irc-server")
	before := c.tunnel(t, "irc", false).Metrics
	carol := joinIRC(t, server.Settings.Target, "carol")
	alice, bob := joinIRC(t, r.IRC, "alice"), joinIRC(t, r.IRC, "bob")
	if greeting := strings.Join(alice.seen, ""); strings.Contains(greeting, "ngircd") != real {
		t.Errorf("another server than expected: %s", greeting)
	}

	alice.say("PRIVMSG #demo :hello, this is alice")
	bob.until("PRIVMSG #demo :hello, this is alice")
	bob.say("PRIVMSG alice :hello alice")
	alice.until("PRIVMSG alice :hello alice")
	alice.say("PRIVMSG #demo :\x01ACTION waves\x01")
	bob.until("PRIVMSG #demo :\x01ACTION waves\x01")
	t.Log(carol.until("\x01ACTION waves\x01"))

	// Lines arrive in order: what was not there before the next one was dropped.
	alice.say("PRIVMSG bob :\x01VERSION\x01")
	alice.say("PRIVMSG #demo :\x01VERSION\x01")
	alice.say("PRIVMSG #demo :asked")
	bob.until("asked")
	carol.until("asked")
	carol.say("PRIVMSG bob :\x01VERSION\x01")
	carol.say("PRIVMSG bob :asked by carol")
	bob.until("asked by carol")
	bob.say("NOTICE carol :\x01VERSION a client that tells 1.0\x01") // as clients answer
	bob.say("NOTICE carol :answered")
	carol.until("answered")
	for _, u := range []*ircUser{alice, bob, carol} {
		u.never("\x01VERSION")
	}

	alice.say("PART #demo :alice is off to her secret place")
	left := carol.until("PART #demo")
	alice.say("JOIN #demo")
	bob.until("JOIN")
	alice.say("QUIT :alice runs client 7 from her secret place")
	quit := carol.until("QUIT")
	bob.until("QUIT")
	t.Log(left)
	t.Log(quit)
	for _, u := range []*ircUser{bob, carol} {
		u.never("secret place")
		u.never("workstation.lan")
		u.never("My Real Name")
	}
	carol.say("WHOIS bob")
	t.Log(carol.until(" 311 "))
	carol.until(" 318 ")
	carol.never("workstation.lan")

	counted := map[string]float64{}
	for name, value := range c.tunnel(t, "irc", false).Metrics {
		if d := value - before[name]; d != 0 && name != "clients" {
			counted[name] = d
		}
	}
	want := map[string]float64{"ctcp_dropped_out": 3, "ctcp_dropped_in": 1, "leaving_rewritten_out": 2, "user_rewritten_out": 2}
	if !maps.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	t.Logf("clove tunnel show irc counted %v", counted)
	bob.say("QUIT")
	bob.until("ERROR")
	carol.say("QUIT")
	carol.until("ERROR")
}

// irssi has two of the real client talk.
func irssi(t *testing.T, c *clove, r ready) {
	tmux, program := installed(t, "tmux"), installed(t, "irssi")
	host, port, err := net.SplitHostPort(r.IRC)
	if err != nil {
		t.Fatal(err)
	}
	before := c.tunnel(t, "irc", false).Metrics
	dir, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	type user struct{ nick, raw string }
	control := func(args ...string) (string, error) {
		cmd := exec.Command(tmux, append([]string{"-S", filepath.Join(dir, "tmux"), "-f", "/dev/null"}, args...)...)
		cmd.Env = append(environ(), "HOME="+dir, "TMPDIR="+dir, "TERM=screen", "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := control(args...)
		if err != nil {
			t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	t.Cleanup(func() { control("kill-server") })
	users := []user{{"dora", filepath.Join(dir, "dora.raw")}, {"emil", filepath.Join(dir, "emil.raw")}}
	blank := regexp.MustCompile(`[ \n]*\n`)
	screen := func(u user) string {
		t.Helper()
		return blank.ReplaceAllString(must("capture-pane", "-p", "-J", "-t", u.nick), "\n")
	}
	wait := func(u user, text string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(screen(u), text); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not see %q:\n%s", u.nick, text, screen(u))
			}
		}
	}
	types := func(u user, line string) {
		t.Helper()
		must("send-keys", "-t", u.nick, "-l", line)
		must("send-keys", "-t", u.nick, "Enter")
	}
	for _, u := range users {
		must("new-session", "-d", "-s", u.nick, "-x", "150", "-y", "50",
			program, "--home="+filepath.Join(dir, u.nick), "--connect="+host, "--port="+port, "--nick="+u.nick)
		wait(u, "Welcome to the demo of clove")
		types(u, "/rawlog open "+u.raw)
		types(u, "/join #demo")
		wait(u, "Topic for #demo")
	}
	dora, emil := users[0], users[1]
	types(dora, "good evening emil")
	wait(emil, "dora> good evening emil")
	types(emil, "good evening dora")
	wait(dora, "emil> good evening dora")
	types(dora, "/ctcp emil VERSION")
	types(dora, "/ctcp #demo VERSION")
	types(dora, "did you hear me ask?")
	wait(emil, "dora> did you hear me ask?")
	types(emil, "/ctcp dora PING")
	types(emil, "no, not at all")
	wait(dora, "emil> no, not at all")
	shown := screen(dora) + screen(emil)
	types(dora, "/quit off to my secret place")
	wait(emil, "dora")
	wait(emil, "has quit")
	shown += screen(emil)
	for _, text := range []string{"CTCP VERSION requested", "CTCP VERSION reply", "CTCP PING requested"} {
		if strings.Contains(shown, text) {
			t.Errorf("irssi shows %q:\n%s", text, shown)
		}
	}
	if strings.Contains(screen(emil), "secret place") {
		t.Errorf("emil sees why dora left:\n%s", screen(emil))
	}
	types(emil, "/rawlog close") // its end is on the disk then
	types(emil, "/quit")
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if _, err := control("has-session", "-t", emil.nick); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("irssi does not end")
		}
	}
	for _, u := range users {
		b, err := os.ReadFile(u.raw)
		if err != nil || !strings.Contains(string(b), "good evening") {
			t.Fatalf("the raw log of %s: %v\n%s", u.nick, err, b)
		}
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, ">>") && strings.Contains(line, "\x01") { // what came
				t.Errorf("%s got %q", u.nick, line)
			}
		}
		if strings.Count(string(b), "\x01") == 0 {
			t.Errorf("%s asked nothing:\n%s", u.nick, b)
		}
	}
	t.Logf("what dora and emil saw:\n%s", strings.TrimSpace(shown))
	after := c.tunnel(t, "irc", false).Metrics
	if got := after["ctcp_dropped_out"] - before["ctcp_dropped_out"]; got != 3 {
		t.Errorf("%v CTCP requests were dropped, want 3", got)
	}
}
