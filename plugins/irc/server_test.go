package main

import (
	"encoding/base32"
	"net"
	"strings"
	"testing"

	"crypto/sha256"

	"clove.i2p/plugins/irc/ircd"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// visit connects a peer outside to a tunnel.
func visit(t *testing.T, h *plugintest.Host, from string, tun *plugintest.Tunnel) *talker {
	t.Helper()
	c, err := h.I2P.Dial(t.Context(), from, tun.Name(), 6667)
	return talk(t, c, err)
}

func peerOf(t *testing.T, h *plugintest.Host, name string) visitors.Peer {
	t.Helper()
	p, err := visitors.ParsePeer(h.I2P.Address(name).Base32)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestUSERGetsTheClientsHost(t *testing.T) {
	h := plugintest.NewHost(t)
	l := loopback(t)
	tun := startServer(h, l.Addr().String(), nil)
	c := visit(t, h, "ann.i2p", tun)
	s := accept(t, l)
	if got, want := s.conn.RemoteAddr().(*net.TCPAddr).IP.String(), peerOf(t, h, "ann.i2p").Source().String(); got != want {
		t.Errorf("came from %s, want %s", got, want)
	}
	host := h.I2P.Address("ann.i2p").Base32
	c.say("CAP LS 302")
	s.expect("CAP LS 302")
	s.say("CAP * LS :")
	c.expect("CAP * LS :") // both directions before USER
	c.say("NICK ann", "USER ann 127.0.0.1 x :Ann\r\nUSER again 1 2 :3\r\nSERVER later")
	s.expect("NICK ann", "USER ann "+host+" x :Ann", "USER again 1 2 :3", "SERVER later")
	s.say("\x01\x02 anything")
	c.expect("\x01\x02 anything")
	_ = s.conn.Close()
	c.ended()
}

func TestWEBIRCNamesTheHost(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := startServer(h, irc(t, ircd.Config{WebIRCPassword: "secret"}), settings{"method": "webirc", "webirc_password": "secret"})
	c := visit(t, h, "ann.i2p", tun)
	c.say("NICK ann", "USER me 0 * :Ann")
	c.wait(" 001 ")
	c.say("WHOIS ann")
	c.wait(" 311 ", h.I2P.Address("ann.i2p").Base32)

	l := loopback(t)
	raw := startServer(h, l.Addr().String(), settings{"method": "webirc", "webirc_password": "secret", "webirc_gateway": "i2p", "hostname": "%c.i2p"})
	c = visit(t, h, "ann.i2p", raw)
	s := accept(t, l)
	words := strings.Fields(s.next())
	p := peerOf(t, h, "ann.i2p")
	if len(words) != 5 || words[1] != "secret" || words[2] != "i2p" || len(words[3]) != 52+4 || words[4] != p.Source().String() {
		t.Errorf("WEBIRC says %q", words)
	}
	if strings.HasPrefix(p.Base32(), words[3][:52]) {
		t.Error("the cloaked host is the hash itself")
	}
	c.say("USER me 0 * :Ann")
	s.expect("USER me 0 * :Ann")
}

func TestCloakIsTheHashOfDestinationAndKey(t *testing.T) {
	p := visitors.Peer{1, 2, 3}
	key := []byte("a key of the tunnel")
	sum := sha256.Sum256(append(append([]byte{}, p[:]...), key...))
	want := strings.ToLower(strings.TrimRight(base32.StdEncoding.EncodeToString(sum[:]), "=")) + ".x"
	if got := hostOf("%c.x", p, key); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := hostOf("%f.b32.i2p", p, key); got != p.Base32() {
		t.Errorf("%s, want %s", got, p.Base32())
	}
	if hostOf("%c", p, key) == hostOf("%c", visitors.Peer{1, 2, 4}, key) || hostOf("%c", p, key) == hostOf("%c", p, []byte("b")) {
		t.Error("the cloak does not depend on both")
	}
}

func TestTheCloakStaysTheSame(t *testing.T) {
	h := plugintest.NewHost(t)
	l := loopback(t)
	set := settings{"target": l.Addr().String(), "hostname": "%c"}
	tun := h.Start(plugin(), "irc-server", set)
	host := func() string {
		t.Helper()
		c := visit(t, h, "ann.i2p", tun)
		s := accept(t, l)
		c.say("USER a b c :d")
		return strings.Fields(s.next())[2]
	}
	first := host()
	tun.Upgrade(plugin(), set, 0)
	if second := host(); first != second {
		t.Errorf("%s after an upgrade, %s before", second, first)
	}
	other := h.Start(plugin(), "irc-server", set)
	tun = other
	if third := host(); first == third {
		t.Error("two tunnels have the same cloak")
	}
}

func TestRegistrationIsBounded(t *testing.T) {
	h := plugintest.NewHost(t)
	l := loopback(t)
	tun := startServer(h, l.Addr().String(), nil)
	for why, lines := range map[string][]string{
		"too many lines before USER":  {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"},
		"SERVER is not for clients":   {"PASS x", "SERVER irc.evil 1 :x"},
		"WEBIRC is not for clients":   {"WEBIRC pw cgiirc host 1.2.3.4"},
		"too many lines before USER ": {"\x01", "\x02", strings.Repeat("x", 9000), "1", "2", "3", "4", "5", "6", "7", "8"},
	} {
		c := visit(t, h, "ann.i2p", tun)
		s := accept(t, l)
		c.say(lines...)
		c.expect("ERROR :" + strings.TrimSpace(why))
		c.ended()
		s.ended()
	}
	if m := tun.Metrics(); m["registration_failed"] != 4 {
		t.Errorf("registration_failed is %v", m["registration_failed"])
	}
}

func TestLimitsOfPeersAndOfAll(t *testing.T) {
	h := plugintest.NewHost(t)
	address := irc(t, ircd.Config{})
	tun := startServer(h, address, settings{"peer_connections": 1, "peer_minute": 3, "total_minute": 5})
	first := visit(t, h, "ann.i2p", tun)
	first.say("NICK ann", "USER a b c :d")
	first.wait(" 001 ")
	visit(t, h, "ann.i2p", tun).expect("ERROR :too many connections, try again later")
	first.say("QUIT")
	first.ended()
	eventually(t, "the first is gone", func() bool { return tun.Metrics()["clients"] == 0 })
	again := visit(t, h, "ann.i2p", tun)
	again.say("NICK ann", "USER a b c :d")
	again.wait(" 001 ")
	visit(t, h, "ann.i2p", tun).expect("ERROR :too many connections, try again later") // the fourth within a minute
	for _, name := range []string{"bob.i2p", "cyd.i2p"} {
		c := visit(t, h, name, tun)
		c.say("NICK "+name[:3], "USER a b c :d")
		c.wait(" 001 ")
	}
	visit(t, h, "dee.i2p", tun).expect("ERROR :too many connections, try again later")
	if m := tun.Metrics(); m["refused"] != 3 || m["clients"] != 3 {
		t.Errorf("metrics: %v", m)
	}
	if !tun.Reload(settings{"target": address, "total_minute": 0}) {
		t.Error("limits need a restart")
	}
	c := visit(t, h, "dee.i2p", tun)
	c.say("NICK dee", "USER a b c :d")
	c.wait(" 001 ")
}

func TestBackendDown(t *testing.T) {
	h := plugintest.NewHost(t)
	l := loopback(t)
	address := l.Addr().String()
	_ = l.Close()
	tun := startServer(h, address, nil)
	c := visit(t, h, "ann.i2p", tun)
	c.expect(":ircserver.i2p 499 you :the IRC server does not answer, try again later")
	c.ended()
	if state, text := tun.Health(); state != sdk.Degraded || text != "the local IRC server does not answer" {
		t.Errorf("health: %v %s", state, text)
	}
	if m := tun.Metrics(); m["backend_failed"] != 1 {
		t.Errorf("metrics: %v", m)
	}
}

func TestServerSettings(t *testing.T) {
	h := plugintest.NewHost(t)
	for _, c := range []struct {
		set  settings
		key  string
		text string
	}{
		{settings{"target": "x:y"}, "target", "write host:port"},
		{settings{"port": 70000}, "port", "from 0 to 65535"},
		{settings{"method": "webirc"}, "webirc_password", "write the password"},
		{settings{"method": "webirc", "webirc_password": "a b"}, "webirc_password", "one word"},
		{settings{"webirc_gateway": ""}, "webirc_gateway", "one word"},
		{settings{"hostname": "%f %c"}, "hostname", "no spaces"},
		{settings{"hostname": "%f.%c"}, "hostname", "at most 63"},
		{settings{"peer_minute": -1}, "peer_minute", "0 (none) or more"},
	} {
		if c.set["target"] == "x:y" {
			continue // refused by the host, which grants it
		}
		problems := h.Problems(plugin(), "irc-server", c.set)
		if len(problems) != 1 || problems[0].Key != c.key || !strings.Contains(problems[0].Text, c.text) {
			t.Errorf("%v: %v", c.set, problems)
		}
	}
	if p := h.Problems(plugin(), "irc-server", nil); len(p) > 0 {
		t.Error(p)
	}
}
