package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/irc/filter"
	"clove.i2p/plugins/irc/ircd"
	"clove.i2p/plugins/plugintest"
)

// dccPair is two users behind tunnels of their own, each with DCC, and a port where ann's client listens.
func dccPair(t *testing.T) (ann, bob *talker, annTunnel, bobTunnel *plugintest.Tunnel, offered net.Listener) {
	t.Helper()
	h := plugintest.NewHost(t)
	srv := startServer(h, irc(t, ircd.Config{}), nil)
	offered = loopback(t)
	annTunnel = startClient(h, srv.Address(), settings{"dcc": true, "dcc_client": []string{offered.Addr().String()}})
	bobTunnel = startClient(h, srv.Address(), settings{"dcc": true})
	if !annTunnel.Status().Published {
		t.Error("with dcc the destination is not published")
	}
	ann, bob = login(t, annTunnel.Status().Listeners[indexLocal(annTunnel)].Address, "ann"), login(t, bobTunnel.Status().Listeners[indexLocal(bobTunnel)].Address, "bob")
	return
}

// indexLocal is the listener for IRC clients: the one on 127.0.0.1.
func indexLocal(tun *plugintest.Tunnel) int {
	for i, l := range tun.Status().Listeners {
		if strings.HasPrefix(l.Address, "127.0.0.1:") {
			return i
		}
	}
	panic("no listener")
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

var dccForm = regexp.MustCompile(`\x01DCC (\w+) (\S+) (\d+) (\d+)( \d+)*\x01$`)

// target is the address in an offer as the client gets it.
func target(t *testing.T, line string) string {
	t.Helper()
	m := dccForm.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("no offer: %q", line)
	}
	n, err := strconv.ParseUint(m[3], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	if a := netip.AddrFrom4(b); !a.IsLoopback() {
		t.Fatalf("the offer leads to %v", a)
	}
	return netip.AddrFrom4(b).String() + ":" + m[4]
}

func TestDCCSendThroughI2P(t *testing.T) {
	ann, bob, annTunnel, bobTunnel, offered := dccPair(t)
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC SEND file.bin 3232235777 %d 5\x01", port(offered)))
	c := dial(t, target(t, bob.wait("DCC SEND file.bin")))
	s := accept(t, offered)
	s.say("bytes of the file")
	c.expect("bytes of the file")
	c.say("acknowledged")
	s.expect("acknowledged")
	_ = s.conn.(*net.TCPConn).CloseWrite()
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("the end of the file: %v", err)
	}
	_ = c.conn.Close()
	_ = s.conn.Close()
	// An offer is for one connection.
	if again, err := net.Dial("tcp", c.conn.RemoteAddr().String()); err == nil {
		talk(t, again, nil).ended()
	}
	for _, tun := range []*plugintest.Tunnel{annTunnel, bobTunnel} {
		eventually(t, "the counters tell", func() bool {
			m := tun.Metrics()
			return m["dcc_connections"] == 1 && m["dcc_sent_bytes"]+m["dcc_received_bytes"] > 30 && m["dcc_mapped_out"]+m["dcc_mapped_in"] == 1
		})
	}
	if m := bobTunnel.Metrics(); m["dcc_refused"] != 1 {
		t.Errorf("dcc_refused is %v", m["dcc_refused"])
	}
}

func TestDCCResumesWhereTheReceiverSays(t *testing.T) {
	ann, bob, _, _, offered := dccPair(t)
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC SEND file.bin 3232235777 %d 500\x01", port(offered)))
	address := target(t, bob.wait("DCC SEND file.bin"))
	_, local, _ := net.SplitHostPort(address)
	bob.say("PRIVMSG ann :\x01DCC RESUME file.bin " + local + " 100\x01")
	if got, want := ann.wait("RESUME"), fmt.Sprintf("\x01DCC RESUME file.bin %d 100\x01", port(offered)); !strings.HasSuffix(got, want) {
		t.Fatalf("came %q, want %q", got, want)
	}
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC ACCEPT file.bin %d 100\x01", port(offered)))
	if got, want := bob.wait("ACCEPT"), "\x01DCC ACCEPT file.bin "+local+" 100\x01"; !strings.HasSuffix(got, want) {
		t.Fatalf("came %q, want %q", got, want)
	}
	c := dial(t, address)
	accept(t, offered).say("the rest")
	c.expect("the rest")
}

// A passive offer: the receiver listens.
func TestDCCReverse(t *testing.T) {
	ann, bob, _, _, offered := dccPair(t)
	bob.say("PRIVMSG ann :\x01DCC SEND file.bin 3232235777 0 5 77\x01")
	if got := ann.wait("DCC SEND"); !strings.HasSuffix(got, "\x01DCC SEND file.bin 0 0 5 77\x01") {
		t.Fatalf("came %q", got)
	}
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC SEND file.bin 2130706433 %d 5 77\x01", port(offered)))
	line := bob.wait("DCC SEND")
	if !strings.HasSuffix(line, " 5 77\x01") {
		t.Fatalf("came %q", line)
	}
	c := dial(t, target(t, line))
	c.say("bytes")
	accept(t, offered).expect("bytes")
}

func TestDCCChat(t *testing.T) {
	ann, bob, _, _, offered := dccPair(t)
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC CHAT chat 2130706433 %d\x01", port(offered)))
	c := dial(t, target(t, bob.wait("DCC CHAT chat")))
	s := accept(t, offered)
	c.say("hello")
	s.expect("hello")
}

func TestDCCFromAnUnknownPortIsRefusedWithTheRemedy(t *testing.T) {
	ann, _, _, _, _ := dccPair(t)
	ann.say("PRIVMSG bob :\x01DCC CHAT chat 2130706433 1\x01")
	ann.wait("NOTICE * :DCC CHAT: port 1 is not in the setting dcc_client")
}

func TestDCCSlotsAreBounded(t *testing.T) {
	ann, bob, _, _, offered := dccPair(t)
	for i := range 4 {
		ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC CHAT chat 2130706433 %d\x01", port(offered)))
		bob.wait(fmt.Sprintf("DCC CHAT chat %d ", 127<<24+2+i))
	}
	ann.say(fmt.Sprintf("PRIVMSG bob :\x01DCC CHAT chat 2130706433 %d\x01", port(offered)))
	bob.wait("NOTICE * :DCC CHAT: too many offers wait already")
}

func TestStrangersCannotUseOffers(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("irc.example.i2p", 6667)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	offered := loopback(t)
	tun := startClient(h, "irc.example.i2p", settings{"dcc": true, "dcc_client": []string{offered.Addr().String()}})
	c := dial(t, tun.Status().Listeners[indexLocal(tun)].Address)
	s := accept(t, l)
	offer := func() int {
		c.say(fmt.Sprintf("PRIVMSG bob :\x01DCC CHAT chat 1 %d\x01", port(offered)))
		line := s.next()
		var n int
		if _, err := fmt.Sscanf(line, "PRIVMSG bob :\x01DCC CHAT chat "+tun.Address()+" %d\x01", &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return n
	}
	n := offer()
	try := func(from string, port int) *talker {
		c, err := h.I2P.Dial(t.Context(), from, tun.Name(), port)
		return talk(t, c, err)
	}
	try("bob.i2p", n^1).ended() // nothing is offered there
	try("bob.i2p", n).say("x")
	accept(t, offered).expect("x")
	try("bob.i2p", n).ended()             // once only
	try("bob.i2p", offer()).ended()       // the fourth within a minute
	try("cyd.i2p", offer()).say("second") // somebody else's first, all together the fourth: what was refused does not count
	accept(t, offered).expect("second")
	if m := tun.Metrics(); m["dcc_refused"] != 3 || m["dcc_connections"] != 2 {
		t.Errorf("metrics: %v", m)
	}
}

func TestOffersEndInTime(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := &switchboard{
		clients: map[uint16]string{}, offers: map[uint16]*offer{}, now: func() time.Time { return now },
		slots: []*slot{{address: netip.MustParseAddrPort("127.0.0.2:4000")}},
	}
	for i := range 100 {
		b.forget(uint16(i))
		b.offers[uint16(2000+i)] = &offer{peer: "bob", client: uint16(i), until: now.Add(offerTime)}
		now = now.Add(time.Second)
	}
	if len(b.offers) != maxOffers || b.offers[2099] == nil || b.offers[2000] != nil {
		t.Errorf("%d offers wait; the oldest should have gone", len(b.offers))
	}
	if _, ok := b.Port("bob", 2099, filter.OfferedToClient); !ok {
		t.Error("an offer is not found")
	}
	if _, ok := b.Port("eve", 2099, filter.OfferedToClient); ok {
		t.Error("an offer to somebody else is found")
	}
	local, err := b.Take(t.Context(), "bob", "b32", 5000)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := b.Port("bob", local.Port(), filter.TakenToPeer); !ok || p != 5000 {
		t.Errorf("%d, %v", p, ok)
	}
	if _, err := b.Take(t.Context(), "bob", "b32", 5001); err == nil {
		t.Error("one slot takes two offers")
	}
	now = now.Add(offerTime + time.Second)
	if _, ok := b.Port("bob", 2099, filter.OfferedToClient); ok {
		t.Error("an offer has no end")
	}
	if _, ok := b.Port("bob", local.Port(), filter.TakenToPeer); ok {
		t.Error("a taken offer has no end")
	}
	if _, err := b.Take(t.Context(), "bob", "b32", 5001); err != nil {
		t.Error("a slot stays taken")
	}
	if b.forget(0); len(b.offers) != 0 {
		t.Errorf("%d offers wait for ever", len(b.offers))
	}
}
