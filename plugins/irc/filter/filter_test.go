package filter_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"clove.i2p/plugins/irc/filter"
)

const (
	own    = "owner2ypyhdzqy6gn2lgzfyc44kzkfjpf5syyhw6jcjsa7j5nb2q.b32.i2p"
	theirs = "theirs22pyhdzqy6gn2lgzfyc44kzkfjpf5syyhw6jcjsa7j5nb2.b32.i2p"
)

// counted collects what a session counts.
type counted struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counted) count(d filter.Direction, k filter.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[k.String()+" "+d.String()]++
}

func (c *counted) String() string {
	var all []string
	for k, n := range c.n {
		if n != 1 {
			k = fmt.Sprint(k, " x", n)
		}
		all = append(all, k)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// step is one line and what is to become of it, without the CR LF of each; counted is "" for a line that just passes.
type step struct {
	d                       filter.Direction
	line, want, back, count string
}

func play(t *testing.T, cfg filter.Config, steps []step) {
	t.Helper()
	var c counted
	cfg.Name, cfg.Count = "irc", c.count
	s := filter.New(cfg)
	for i, st := range steps {
		c.n = nil
		do := s.Outbound
		if st.d == filter.Inbound {
			do = s.Inbound
		}
		v := do(t.Context(), []byte(st.line))
		if got, want := string(v.Forward), ended(st.want); got != want {
			t.Errorf("%d. %s %q:\n gave %q\n want %q", i, st.d, st.line, got, want)
		}
		if got, want := string(v.Reply), ended(st.back); got != want {
			t.Errorf("%d. %s %q:\n answered %q\n     want %q", i, st.d, st.line, got, want)
		}
		if got := c.String(); got != st.count {
			t.Errorf("%d. %s %q: counted %q, want %q", i, st.d, st.line, got, st.count)
		}
	}
}

func ended(line string) string {
	if line == "" {
		return ""
	}
	return line + "\r\n"
}

const (
	out = filter.Outbound
	in  = filter.Inbound
)

func same(d filter.Direction, lines ...string) []step {
	var all []step
	for _, l := range lines {
		all = append(all, step{d, l, l, "", ""})
	}
	return all
}

func dropped(d filter.Direction, count string, lines ...string) []step {
	var all []step
	for _, l := range lines {
		all = append(all, step{d, l, "", "", count})
	}
	return all
}

func TestWhatUsersWritePasses(t *testing.T) {
	play(t, filter.Config{}, same(out,
		"NICK someone", "JOIN #i2p,#two key", "JOIN :#i2p", "PRIVMSG #i2p :hello world", "PRIVMSG #i2p hello",
		"PRIVMSG #i2p :", "PRIVMSG #i2p ::)", "PRIVMSG bob :grüße \x02bold\x0f \x0304red", "NOTICE bob :not a DCC", "TOPIC #i2p :new",
		"MODE #i2p +ov a b", "WHOIS bob bob", "NS IDENTIFY secret", "NICKSERV :identify secret", "AWAY", "AWAY :out", "KICK #a b :why",
		"PASS secret", "OPER a b", "AUTHENTICATE PLAIN", "AUTHENTICATE +", "CAP LS 302", "CAP LS", "CAP LIST", "CAP END",
		"PRIVMSG #i2p :\x01ACTION waves\x01", "NOTICE #i2p :\x01ACTION \x01", "PING", "PROTOCTL NAMESX"))
	play(t, filter.Config{}, []step{
		{out, "privmsg #i2p :x", "PRIVMSG #i2p :x", "", ""},
		{out, "  JOIN   #i2p    key ", "JOIN #i2p key", "", ""},
		{out, "PRIVMSG a b c", "PRIVMSG a b c", "", ""},
		{out, "MODE #a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "MODE #a 1 2 3 4 5 6 7 8 9 10 11 12 13 :14 15", "", ""},
	})
}

func TestCommandsThatAreNotOnTheListAreDropped(t *testing.T) {
	play(t, filter.Config{}, dropped(out, "command_dropped out",
		"VERSION", "TIME irc.server", "INFO", "TRACE a", "TAGMSG #a", "WEBIRC pw gw host ip", "SERVER a 1 :b", "BATCH +a x",
		"SUMMON me", "RPING x", "433 a b", "XYZZY"))
	play(t, filter.Config{}, dropped(out, "malformed_dropped out",
		":nick PRIVMSG #a :x", "PRIV-MSG #a :x", "PRIVMSG\t#a :x", "@", "@a", ":x", "4x3 a", "PRIVMSG #a :x\x00y", "PRIVMSG #a :x\ry"))
	play(t, filter.Config{}, dropped(in, "command_dropped in", ":s BATCH +a x", ":s FAIL X Y :z", ":s TAGMSG #a", ":n KNOCK #a", "XYZZY"))
	play(t, filter.Config{}, dropped(in, "redirect_dropped in", ":s 010 me irc.clearnet.example 6667 :Please use this server"))
	play(t, filter.Config{}, dropped(in, "malformed_dropped in", ":", "::", ": NOTICE a :b", "x-y", "12 a", "PING", "PING :", "CAP", "CAP * LS"))
}

func TestWhatServersSayPasses(t *testing.T) {
	play(t, filter.Config{}, same(in,
		":s 001 me :Welcome", ":s 353 me = #a :@me bob", ":s 005 me A=1 B=2 :are supported", ":bob!u@h PRIVMSG #a :hello",
		":bob!u@h JOIN :#a", ":bob!u@h PART #a :gone", ":bob!u@h QUIT :gone", ":bob!u@h NICK :rob", ":bob!u@h KICK #a me :why",
		":bob!u@h INVITE me :#a", ":s MODE #a +o me", "ERROR :Closing link", "AUTHENTICATE +", ":bob!u@h ACCOUNT bob", ":bob!u@h AWAY",
		":bob!u@h CHGHOST x y", ":s WALLOPS :x", "NOTICE * :looking up", ":bob!u@h PRIVMSG me :\x01ACTION waves\x01"))
}

func TestUserTellsNoHosts(t *testing.T) {
	const count = "user_rewritten out"
	play(t, filter.Config{}, []step{
		{out, "USER me my-laptop.lan irc.server :My Name", "USER me hostname localhost :My Name", "", count},
		{out, "USER me 8 * real", "USER me hostname localhost :real", "", count},
		{out, "USER me", "USER user hostname localhost :realname", "", count},
	})
	play(t, filter.Config{User: "u", RealName: "r r"}, []step{
		{out, "USER me my-laptop.lan irc.server :My Name", "USER u hostname localhost :r r", "", count},
	})
}

func TestReasonsForLeavingAreReplaced(t *testing.T) {
	const count = "leaving_rewritten out"
	play(t, filter.Config{}, []step{
		{out, "QUIT :MyClient 1.2 http://example.org", "QUIT :leaving", "", count},
		{out, "QUIT", "QUIT :leaving", "", count},
		{out, "QUIT :leaving", "QUIT :leaving", "", ""},
		{out, "PART #a,#b :MyClient 1.2", "PART #a,#b :leaving", "", count},
		{out, "PART #a", "PART #a :leaving", "", count},
		{out, "PART :#a", "PART #a :leaving", "", count},
		{out, "PART", "", "", "malformed_dropped out"},
		{out, "PART :#a b", "", "", "malformed_dropped out"},
	})
}

func TestPingsCarryNothingOfTheClient(t *testing.T) {
	const count = "ping_rewritten out"
	play(t, filter.Config{}, []step{
		{out, "PING LAG1700000000", "PING localhost", "", count},
		{out, "PING nonce irc.server", "PING localhost", "", count},
		{out, "PING :two words", "PING localhost", "", count},
		{in, ":s PONG s :localhost", ":s PONG s :LAG1700000000", "", ""},
		{in, ":s PONG s :localhost", ":s PONG irc.server :nonce", "", ""},
		{in, ":s PONG s :localhost", ":s PONG s :two words", "", ""},
		{in, ":s PONG s :else", ":s PONG s :else", "", ""},
	})
}

func TestPongsAnswerWhatTheServerAsked(t *testing.T) {
	play(t, filter.Config{}, []step{
		{out, "PONG :unasked", "", "", "ping_rewritten out"},
		{in, "PING :abc", "PING :abc", "", ""},
		{in, "PING def other", "PING :def", "", ""},
		{out, "PONG my-laptop.lan", "", "", "ping_rewritten out"},
		{out, "PONG my-laptop.lan abc", "PONG :abc", "", "ping_rewritten out"},
		{out, "PONG :def", "PONG :def", "", ""},
		{out, "PONG :def", "", "", "ping_rewritten out"},
	})
}

func TestPingsAreRememberedWithinLimits(t *testing.T) {
	s := filter.New(filter.Config{})
	for i := range 1000 {
		s.Inbound(t.Context(), fmt.Appendf(nil, "PING :%d", i))
	}
	for i, want := range map[int]string{999: "PONG :999\r\n", 1: ""} {
		if got := string(s.Outbound(t.Context(), fmt.Appendf(nil, "PONG :%d", i)).Forward); got != want {
			t.Errorf("PONG %d: %q, want %q", i, got, want)
		}
	}
}

func TestCTCPIsDropped(t *testing.T) {
	for _, d := range filter.Directions {
		play(t, filter.Config{}, dropped(d, "ctcp_dropped "+d.String(),
			"PRIVMSG bob :\x01VERSION\x01", "NOTICE bob :\x01VERSION irssi 1.4\x01", "PRIVMSG bob :\x01PING 123\x01", "PRIVMSG bob \x01TIME\x01",
			"PRIVMSG bob :\x01ACTION waves", "PRIVMSG bob :x \x01ACTION waves\x01", "PRIVMSG bob :\x01ACTION waves\x01 x", "PRIVMSG bob :\x01",
			"PRIVMSG bob :\x01ACTION a\x01\x01VERSION\x01", "PRIVMSG \x01VERSION\x01 :x", "PRIVMSG bob x :\x01ACTION a\x01", "TOPIC #a :\x01VERSION\x01",
			"PRIVMSG bob :\x01\x01", "PRIVMSG bob :\x01ACTIONS x\x01", "PRIVMSG bob :\x01CLIENTINFO\x01", "NOTICE bob :\x01FINGER me\x01"))
		play(t, filter.Config{}, dropped(d, "dcc_dropped "+d.String(),
			"PRIVMSG bob :\x01DCC CHAT chat 2130706433 5000\x01", "PRIVMSG bob :\x01DCC SEND f 2130706433 5000 10\x01", "PRIVMSG bob :\x01XDCC SEND #1\x01",
			"NOTICE bob :\x01DCC REJECT SEND f\x01", "PRIVMSG bob :\x01DCC CHAT chat "+theirs+" 5000\x01"))
	}
	play(t, filter.Config{}, dropped(out, "dcc_dropped out", "NOTICE bob :DCC Send f (192.168.1.2)"))
	play(t, filter.Config{}, []step{{out, "PRIVMSG bob :\x01action waves\x01", "PRIVMSG bob :\x01ACTION waves\x01", "", ""}})
}

func TestCapabilitiesAreNegotiatedFromAList(t *testing.T) {
	const gone = "capability_dropped in"
	play(t, filter.Config{}, []step{
		{out, "cap ls 302", "CAP LS 302", "", ""},
		{out, "CAP LS 400", "CAP LS", "", ""},
		{in, ":s CAP * LS * :multi-prefix sts=port=6697 sasl=PLAIN,EXTERNAL tls", ":s CAP * LS * :multi-prefix sasl=PLAIN,EXTERNAL", "", gone},
		{in, ":s CAP * LS * :message-tags batch", ":s CAP * LS * :", "", gone},
		{in, ":s CAP * LS :server-time echo-message", ":s CAP * LS :server-time", "", gone},
		{in, ":s CAP * LS :", ":s CAP * LS :", "", ""},
		{out, "CAP REQ :multi-prefix sasl", "CAP REQ :multi-prefix sasl", "", ""},
		{out, "CAP REQ :-sasl", "CAP REQ :-sasl", "", ""},
		{out, "CAP REQ multi-prefix", "CAP REQ :multi-prefix", "", ""},
		{out, "CAP REQ :multi-prefix message-tags", "", ":irc CAP * NAK :multi-prefix message-tags", "capability_dropped out"},
		{out, "CAP REQ :sasl=my-laptop", "", ":irc CAP * NAK :sasl=my-laptop", "capability_dropped out"},
		{out, "CAP CLEAR", "", "", "capability_dropped out"},
		{in, ":s CAP me ACK :multi-prefix -sasl", ":s CAP me ACK :multi-prefix -sasl", "", ""},
		{in, ":s CAP me ACK :message-tags", "", "", gone},
		{in, ":s CAP me NAK :sasl", ":s CAP me NAK :sasl", "", ""},
		{in, ":s CAP me NEW :sts=port=6697 away-notify", ":s CAP me NEW :away-notify", "", gone},
		{in, ":s CAP me DEL :tls", "", "", gone},
		{in, ":s CAP me LIST * :sasl x", ":s CAP me LIST * :sasl", "", gone},
		{in, ":s CAP me WHAT :sasl", "", "", gone},
	})
}

func TestSTARTTLSIsRefused(t *testing.T) {
	play(t, filter.Config{}, []step{
		{out, "STARTTLS", "", ":irc 691 * :no STARTTLS here: I2P encrypts already", "starttls_dropped out"},
	})
}

func TestTagsAreStripped(t *testing.T) {
	play(t, filter.Config{}, []step{
		{out, "@+typing=active;label=1 PRIVMSG #a :x", "PRIVMSG #a :x", "", "tags_stripped out"},
		{out, "@a PRIVMSG bob :\x01VERSION\x01", "", "", "ctcp_dropped out, tags_stripped out"},
		{in, "@time=2026-01-01T00:00:00.000Z;account=bob :bob!u@h PRIVMSG #a :x", "@time=2026-01-01T00:00:00.000Z;account=bob :bob!u@h PRIVMSG #a :x", "", ""},
		{in, "@time=1;+typing=active;vendor/x=2 :b PRIVMSG #a :x", "@time=1 :b PRIVMSG #a :x", "", "tags_stripped in"},
		{in, "@+typing=active :b PRIVMSG #a :x", ":b PRIVMSG #a :x", "", "tags_stripped in"},
	})
}

func TestLongLinesAreDropped(t *testing.T) {
	fits := "PRIVMSG #a :" + strings.Repeat("x", 510-12)
	play(t, filter.Config{}, append(same(out, fits),
		step{out, fits + "x", "", ":irc 417 * :Input line was too long", "too_long_dropped out"},
		step{in, fits + "x", "", "", "too_long_dropped in"},
		step{in, "@time=" + strings.Repeat("1", 8191-7) + " " + fits, "@time=" + strings.Repeat("1", 8191-7) + " " + fits, "", ""},
		step{in, "@time=" + strings.Repeat("1", 8191-6) + " " + fits, "", "", "too_long_dropped in"},
		// The answer is cut to what fits.
		step{out, "CAP REQ :" + strings.Repeat("x", 500), "", ":irc CAP * NAK :" + strings.Repeat("x", 510-16), "capability_dropped out"}))
}

// ports stands for what opens connections: offers are at 1000 more than the client's port, what is taken at 2000 more.
type ports struct{ refuse bool }

func (p ports) Offer(_ context.Context, _ string, port uint16) (string, uint16, error) {
	if p.refuse {
		return "", 0, errors.New("no such port")
	}
	return own, port + 1000, nil
}

func (p ports) Take(_ context.Context, _, host string, port uint16) (netip.AddrPort, error) {
	if p.refuse || host != theirs {
		return netip.AddrPort{}, errors.New("too many")
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port+2000), nil
}

func (p ports) Port(peer string, port uint16, way filter.Way) (uint16, bool) {
	switch way {
	case filter.OfferedToPeer:
		return port + 1000, peer == "bob"
	case filter.OfferedToClient:
		return port - 1000, peer == "bob"
	case filter.TakenToPeer:
		return port - 2000, peer == "bob"
	}
	return port + 2000, peer == "bob"
}

func dcc(text string) string { return "PRIVMSG Bob :\x01DCC " + text + "\x01" }

func TestDCCLeadsThroughI2P(t *testing.T) {
	const mapped, gone = "dcc_mapped out", "dcc_dropped out"
	play(t, filter.Config{DCC: ports{}}, []step{
		{out, dcc("CHAT chat 3232235777 5000"), dcc("CHAT chat " + own + " 6000"), "", mapped},
		{out, dcc("send file.txt 3232235777 5000 1234"), dcc("SEND file.txt " + own + " 6000 1234"), "", mapped},
		{out, dcc(`SEND "/home/me/my file.txt" fe80::1 5000 1234`), dcc(`SEND "my file.txt" ` + own + " 6000 1234"), "", mapped},
		{out, dcc("SEND f 3232235777 5000"), dcc("SEND f " + own + " 6000"), "", mapped},
		{out, dcc("SEND f 3232235777 0 1234 7"), dcc("SEND f 0 0 1234 7"), "", mapped},
		{out, dcc("SEND f 3232235777 5000 1234 7"), dcc("SEND f " + own + " 6000 1234 7"), "", mapped},
		{out, dcc("CHAT chat 3232235777 0 7"), dcc("CHAT chat 0 0 7"), "", mapped},
		{out, dcc("RESUME f 7000 100"), dcc("RESUME f 5000 100"), "", mapped},
		{out, dcc("RESUME f 0 100 7"), dcc("RESUME f 0 100 7"), "", mapped},
		{out, dcc("ACCEPT f 5000 100"), dcc("ACCEPT f 6000 100"), "", mapped},
		{out, "PRIVMSG bob :\x01XDCC SEND #1\x01", "PRIVMSG bob :\x01XDCC SEND #1\x01", "", ""},
		{out, "PRIVMSG eve :\x01DCC RESUME f 7000 100\x01", "", ":irc NOTICE * :DCC RESUME: nothing was offered at port 7000", gone},
		{out, "PRIVMSG #a :\x01DCC CHAT chat 1 5000\x01", "", "", gone},
		{out, "PRIVMSG a,b :\x01DCC CHAT chat 1 5000\x01", "", "", gone},
		{out, "NOTICE bob :\x01DCC CHAT chat 1 5000\x01", "", "", gone},
		{out, "NOTICE bob :DCC Send f (192.168.1.2)", "", "", gone},
		{out, dcc("SCHAT chat 1 5000"), "", "", gone},
		{out, dcc("CHAT"), "", "", gone},
		{out, dcc("CHAT chat 1 65536"), "", "", gone},
		{out, dcc("CHAT chat 1 -1"), "", "", gone},
		{out, dcc("CHAT chat 1 0"), "", "", gone},
		{out, dcc("SEND f 1 0 10"), "", "", gone},
		{out, dcc("SEND f 1 5000 x"), "", "", gone},
		{out, dcc("SEND f 1 5000 10 7 8"), "", "", gone},
		{out, dcc("SEND .. 1 5000 10"), "", "", gone},
		{out, dcc(`SEND "f 1 5000 10`), "", "", gone},
		{out, dcc("SEND " + strings.Repeat("f", 256) + " 1 5000 10"), "", "", gone},
		// 510 bytes with the numbers of the client do not fit any more with a destination.
		{out, "PRIVMSG " + strings.Repeat("n", 260) + " :\x01DCC SEND " + strings.Repeat("f", 200) + " 1 5000 10\x01", "", ":irc 417 * :Input line was too long", "dcc_mapped out, too_long_dropped out"},
	})
	play(t, filter.Config{DCC: ports{refuse: true}}, []step{
		{out, dcc("CHAT chat 1 5000"), "", ":irc NOTICE * :DCC CHAT: no such port", gone},
	})
}

func TestDCCFromPeersStaysInI2P(t *testing.T) {
	const mapped, gone = "dcc_mapped in", "dcc_dropped in"
	from := func(text string) string { return ":Bob!u@h PRIVMSG me :\x01DCC " + text + "\x01" }
	note := func(text string) string { return ":irc NOTICE * :DCC " + text }
	play(t, filter.Config{DCC: ports{}}, []step{
		{in, from("CHAT chat " + theirs + " 5000"), from("CHAT chat 2130706433 7000"), "", mapped},
		{in, from("SEND f " + strings.ToUpper(theirs) + " 5000 10"), from("SEND f 2130706433 7000 10"), "", mapped},
		{in, from("SEND ../../.bashrc " + theirs + " 5000 10"), from("SEND .bashrc 2130706433 7000 10"), "", mapped},
		{in, from(`SEND "C:\my file" ` + theirs + " 5000 10 7"), from(`SEND "my file" 2130706433 7000 10 7`), "", mapped},
		{in, from("SEND f 0 0 10 7"), from("SEND f 0 0 10 7"), "", mapped},
		{in, from("SEND f 134744072 0 10 7"), from("SEND f 0 0 10 7"), "", mapped},
		{in, from("RESUME f 6000 10"), from("RESUME f 5000 10"), "", mapped},
		{in, from("ACCEPT f 5000 10"), from("ACCEPT f 7000 10"), "", mapped},
		{in, from("SEND f 134744072 5000 10"), note("SEND: the offer is not over I2P"), "", gone},
		{in, from("SEND f example.org 5000 10"), note("SEND: the offer is not over I2P"), "", gone},
		{in, from("SEND f stats.i2p 5000 10"), note("SEND: the offer is not over I2P"), "", gone},
		{in, ":eve!u@h PRIVMSG me :\x01DCC RESUME f 6000 10\x01", note("RESUME: nothing was offered at port 6000"), "", gone},
		{in, ":bob!u@h PRIVMSG #a :\x01DCC SEND f " + theirs + " 5000 10\x01", "", "", gone},
	})
}
