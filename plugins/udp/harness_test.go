package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
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

type settings = map[string]any

// peer is a destination outside with one datagram port.
type peer struct {
	t      *testing.T
	conn   gate.PacketConn
	name   string // with .b32.i2p
	arrive chan got
}

type got struct{ text, from string }

// newPeer takes datagrams; they end with the test.
func newPeer(t *testing.T, h *plugintest.Host, name string, kind sdk.PacketKind, port int) *peer {
	t.Helper()
	c, err := h.I2P.ListenPacket(name, kind, port)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: c, name: h.I2P.Address(name).Base32, arrive: make(chan got, 1000)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			p.arrive <- got{string(b[:n]), from}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-over
	})
	return p
}

func (p *peer) send(text, to string) {
	p.t.Helper()
	if err := p.conn.WriteTo(p.t.Context(), []byte(text), to); err != nil {
		p.t.Fatal(err)
	}
}

// wants waits for a datagram and returns where it came from.
func (p *peer) wants(text string) (from string) {
	p.t.Helper()
	select {
	case g := <-p.arrive:
		if g.text != text {
			p.t.Fatalf("got %.80q, want %.80q", g.text, text)
		}
		return g.from
	case <-time.After(patience):
		p.t.Fatalf("no datagram, want %.80q", text)
	}
	return ""
}

// nothing fails if something has come. What could come has to have had its time: see settled.
func (p *peer) nothing() {
	p.t.Helper()
	select {
	case g := <-p.arrive:
		p.t.Fatalf("got %.80q", g.text)
	default:
	}
}

// app is a local UDP application: a client of a tunnel, or the server behind one.
type app struct {
	t    *testing.T
	conn *net.UDPConn
}

func newApp(t *testing.T) *app {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &app{t, c}
}

func (a *app) address() string { return a.conn.LocalAddr().String() }

func (a *app) send(text, to string) {
	a.t.Helper()
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.conn.WriteToUDP([]byte(text), addr); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) read() (text, from string, err error) {
	b := make([]byte, 1<<16)
	n, addr, err := a.conn.ReadFromUDP(b)
	if err != nil {
		return "", "", err
	}
	return string(b[:n]), addr.String(), nil
}

func (a *app) wants(text string) (from string) {
	a.t.Helper()
	a.conn.SetReadDeadline(time.Now().Add(patience))
	got, from, err := a.read()
	if err != nil || got != text {
		a.t.Fatalf("got %.80q, %v, want %.80q", got, err, text)
	}
	return from
}

func (a *app) nothing() {
	a.t.Helper()
	a.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if got, _, err := a.read(); err == nil {
		a.t.Fatalf("got %.80q", got)
	}
}

// local is the UDP address that a client tunnel has bound.
func local(t *testing.T, tun *plugintest.Tunnel) string {
	t.Helper()
	for _, l := range tun.Status().Listeners {
		if strings.HasPrefix(l.Address, "127.") {
			return l.Address
		}
	}
	t.Fatalf("no local address: %+v", tun.Status().Listeners)
	return ""
}

// counts waits until a metric has a value: what is dropped leaves no other trace.
func counts(t *testing.T, tun *plugintest.Tunnel, name string, want float64) {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		m := tun.Metrics()
		if m[name] == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %v, want %v: %v", name, m[name], want, m)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// hasProblem fails unless the settings have one problem, with this key and a text that has these words.
func hasProblem(t *testing.T, h *plugintest.Host, typ string, set settings, key, words string) {
	t.Helper()
	for _, p := range h.Problems(plugin(), typ, set) {
		if p.Key == key && strings.Contains(p.Text, words) {
			return
		}
	}
	t.Errorf("%v: no problem of %s with %q: %v", set, key, words, h.Problems(plugin(), typ, set))
}
