package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/irc/ircd"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

func TestTwoClientsTalkThroughI2P(t *testing.T) {
	h := plugintest.NewHost(t)
	srv := startServer(h, irc(t, ircd.Config{Name: "irc.test"}), nil)
	tun := startClient(h, srv.Address(), nil)
	ann, bob := login(t, tun.LocalAddress(), "ann"), login(t, tun.LocalAddress(), "bob")
	ann.wait("JOIN", "bob")
	bob.say("PRIVMSG ann :\x01VERSION\x01", "@+typing=active PRIVMSG #i2p :hello", "PRIVMSG #i2p :\x01ACTION waves\x01")
	if line := ann.wait("PRIVMSG"); !strings.HasSuffix(line, "PRIVMSG #i2p :hello") {
		t.Errorf("came %q: the VERSION got through, or more", line)
	}
	ann.wait("PRIVMSG #i2p :\x01ACTION waves\x01")
	bob.say("QUIT :MyClient 1.2.3 on Linux")
	if line := ann.wait("QUIT"); !strings.HasSuffix(line, ":Quit: leaving") {
		t.Errorf("came %q", line)
	}
	bob.wait("ERROR")
	bob.ended()

	eventually(t, "bob is gone", func() bool { return tun.Metrics()["clients"] == 1 })
	m := tun.Metrics()
	for name, want := range map[string]float64{
		"ctcp_dropped_out": 1, "ctcp_dropped_in": 0, "tags_stripped_out": 1, "user_rewritten_out": 2, "leaving_rewritten_out": 1,
		"clients": 1, "connect_failed": 0,
	} {
		if m[name] != want {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	for _, line := range h.Logs() {
		if strings.Contains(line, "hello") || strings.Contains(line, srv.Address()) {
			t.Errorf("a log that tells: %s", line)
		}
	}
}

func TestWhatTheServerWouldLearn(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "irc.example.i2p", settings{"username": "u", "realname": "somebody"})
	c := dial(t, tun.LocalAddress())
	s := accept(t, l)
	c.say("CAP LS 302", "USER root my-laptop.lan irc.example.i2p :Jane Doe", "PING :LAG123456", "STARTTLS", "CAP REQ :message-tags", "TIME", "MOTD")
	s.expect("CAP LS 302", "USER u hostname localhost :somebody", "PING localhost", "MOTD")
	c.expect(":irc-client 691 * :no STARTTLS here: I2P encrypts already", ":irc-client CAP * NAK :message-tags")
	s.say(":irc PONG irc :localhost", "PING :cookie", ":x 010 you evil.example 6667 :go there", ":x NOTICE you :ok")
	c.expect(":irc PONG irc :LAG123456", "PING :cookie", ":x NOTICE you :ok")
	c.say("PONG my-laptop.lan :cookie")
	s.expect("PONG :cookie")
	// The end of one side is the end of the other, after what was said.
	s.say("ERROR :bye")
	_ = s.conn.Close()
	c.expect("ERROR :bye")
	c.ended()
}

func TestTheClientsLastWordsArrive(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "irc.example.i2p", nil)
	c := dial(t, tun.LocalAddress())
	s := accept(t, l)
	c.say("PRIVMSG #a :x", "QUIT")
	_ = c.conn.(*net.TCPConn).CloseWrite()
	s.expect("PRIVMSG #a :x", "QUIT :leaving")
	if line, err := s.r.ReadString('\n'); err != io.EOF {
		t.Fatalf("%q, %v instead of the end", line, err)
	}
	s.say("ERROR :Quit")
	_ = s.conn.Close()
	c.expect("ERROR :Quit")
	c.ended()
}

func TestTheNextServerIsTried(t *testing.T) {
	h := plugintest.NewHost(t)
	h.I2P.Offline("first.i2p")
	l, err := h.I2P.Listen("second.i2p", 7000)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "", settings{"destination": []string{"first.i2p", "second.i2p:7000"}, "order": "failover"})
	c := dial(t, tun.LocalAddress())
	s := accept(t, l)
	c.say("NICK a")
	s.expect("NICK a")
	if state, text := tun.Health(); state != sdk.Healthy {
		t.Errorf("%v: %s", state, text)
	}
}

func TestWhyNoServerIsReached(t *testing.T) {
	h := plugintest.NewHost(t)
	h.I2P.Offline("off.i2p")
	for destination, want := range map[string]string{
		"off.i2p":     "the server is offline: it has no LeaseSet",
		"unknown.i2p": "the server's name is in no address book",
	} {
		tun := startClient(h, destination, nil)
		c := dial(t, tun.LocalAddress())
		c.say("NICK a", "USER a b c :d")
		c.expect(":" + tun.Name() + " 499 you :" + want)
		c.ended()
		if state, text := tun.Health(); state != sdk.Degraded || text != "no IRC server could be reached" {
			t.Errorf("health: %v %s", state, text)
		}
		if m := tun.Metrics(); m["connect_failed"] != 1 {
			t.Errorf("metrics: %v", m)
		}
	}
}

func TestTLSToTheLocalPortIsExplained(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "irc.example.i2p", nil)
	c := dial(t, tun.LocalAddress())
	if _, err := c.conn.Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc")); err != nil {
		t.Fatal(err)
	}
	accept(t, l).ended()
	c.expect("ERROR :this port is without TLS: I2P encrypts already")
	c.ended()
}

func TestManyLinesKeepTheirOrder(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "irc.example.i2p", nil)
	c := dial(t, tun.LocalAddress())
	s := accept(t, l)
	const n = 5000
	for _, way := range []struct{ from, to *talker }{{c, s}, {s, c}} {
		go func() {
			var all strings.Builder
			for i := range n {
				all.WriteString("PRIVMSG #a :" + strings.Repeat("x", i%400) + "\r\nXYZZY dropped\r\n")
			}
			_, _ = way.from.conn.Write([]byte(all.String()))
		}()
	}
	for i := range n {
		want := "PRIVMSG #a :" + strings.Repeat("x", i%400)
		s.expect(want)
		c.expect(want)
	}
}

func TestClientSettings(t *testing.T) {
	h := plugintest.NewHost(t)
	for _, c := range []struct {
		set  settings
		key  string
		text string
	}{
		{settings{"destination": []string{"a b"}}, "destination", "write name.i2p or name.i2p:port"},
		{settings{"destination": []string{"a.i2p:x"}}, "destination", "write name.i2p or name.i2p:port"},
		{settings{"read_timeout": "1s"}, "read_timeout", "1m or more"},
		{settings{"connect_timeout": "0s"}, "connect_timeout", "longer"},
		{settings{"username": "a b"}, "username", "one word"},
		{settings{"realname": "a\nb"}, "realname", "one line"},
		{settings{"dcc_listen": []string{"0.0.0.0:0"}}, "dcc_listen", "IP address that the IRC client can reach"},
		{settings{"dcc_client": []string{"127.0.0.1:5000", "127.0.0.2:5000"}}, "dcc_client", "twice"},
		{settings{"dcc_client": []string{"127.0.0.1:0"}}, "dcc_client", "write an address and a port"},
		{settings{"dcc": true, "dcc_listen": []string{}}, "dcc", "needs dcc_listen"},
	} {
		problems := h.Problems(plugin(), "irc-client", settings{"destination": []string{"a.i2p"}}.with(c.set))
		if len(problems) != 1 || problems[0].Key != c.key || !strings.Contains(problems[0].Text, c.text) {
			t.Errorf("%v: %v", c.set, problems)
		}
	}
	if p := h.Problems(plugin(), "irc-client", settings{"destination": []string{"a.i2p", "b.i2p:6668", strings.Repeat("A", 516) + ":6667"}}); len(p) > 0 {
		t.Error(p)
	}
}

func TestClientSettingsChangeWithoutDroppingAnybody(t *testing.T) {
	h := plugintest.NewHost(t)
	one, err := h.I2P.Listen("one.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := h.I2P.Listen("two.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	set := settings{"listen": "127.0.0.1:0", "destination": []string{"one.i2p"}}
	tun := h.Start(plugin(), "irc-client", set)
	c := dial(t, tun.LocalAddress())
	s := accept(t, one)
	if !tun.Reload(set.with(settings{"destination": []string{"two.i2p"}})) {
		t.Error("another destination needs a restart")
	}
	c.say("NICK still")
	s.expect("NICK still")
	dial(t, tun.LocalAddress()).say("NICK new")
	accept(t, two).expect("NICK new")
	if tun.Reload(set.with(settings{"listen": "127.0.0.2:0"})) {
		t.Error("another port needs no restart")
	}
}

func TestDrainWaitsForTheClients(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tun := startClient(h, "irc.example.i2p", settings{"dcc": true})
	c := dial(t, tun.LocalAddress())
	s := accept(t, l)
	c.say("NICK a")
	s.expect("NICK a")
	if left := tun.Drain(100 * time.Millisecond); left == 0 {
		t.Error("nothing is open")
	}
}
