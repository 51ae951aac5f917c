package socks_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/socks"
)

// packets is a PacketDialer whose sockets send everything back, from the b32 name that stands for the host.
type packets struct {
	mu     sync.Mutex
	opened []proxies.Isolation
	sent   []string // host:port and data
	conns  []*echoConn
	err    error
}

func (p *packets) ListenPacket(_ context.Context, key proxies.Isolation) (proxies.PacketConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = append(p.opened, key)
	if p.err != nil {
		return nil, p.err
	}
	c := &echoConn{p: p, back: make(chan string, 64), done: make(chan struct{})}
	p.conns = append(p.conns, c)
	return c, nil
}

func (p *packets) state() (opened []proxies.Isolation, sent []string, conns []*echoConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(opened, p.opened...), append(sent, p.sent...), append(conns, p.conns...)
}

type echoConn struct {
	p    *packets
	back chan string
	once sync.Once
	done chan struct{}
}

func (c *echoConn) WriteTo(ctx context.Context, b []byte, to string) error {
	c.p.mu.Lock()
	c.p.sent = append(c.p.sent, to+" "+string(b))
	c.p.mu.Unlock()
	if strings.HasPrefix(to, "unknown.") {
		return proxies.ErrUnknownHost
	}
	if strings.HasPrefix(to, "slow.") {
		<-ctx.Done()
		return ctx.Err()
	}
	c.back <- string(b)
	return nil
}

var echoHost = strings.Repeat("b", 52) + ".b32.i2p"

func (c *echoConn) ReadFrom(b []byte) (int, string, error) {
	select {
	case s := <-c.back:
		return copy(b, s), echoHost + ":7", nil
	case <-c.done:
		return 0, "", net.ErrClosed
	}
}
func (c *echoConn) MaxPayload() int { return 1000 }
func (c *echoConn) Close() error    { c.once.Do(func() { close(c.done) }); return nil }
func (c *echoConn) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func withPackets(p *packets) func(*socks.Config) { return func(c *socks.Config) { c.Packets = p } }

// associated is a client with its TCP connection and its UDP socket.
type associated struct {
	tcp *net.TCPConn
	udp *net.UDPConn
	to  netip.AddrPort
}

func (f *fixture) associate(t *testing.T, hello, port string) associated {
	t.Helper()
	c := f.dial(t, hello+"\x05\x03\x00\x01\x00\x00\x00\x00"+port)
	skip := 2
	if hello != greet {
		skip = 4
	}
	reply := make([]byte, skip+10)
	if _, err := io.ReadFull(c, reply); err != nil || string(reply[skip:skip+8]) != "\x05\x00\x00\x01\x7f\x00\x00\x01" {
		t.Fatalf("%x, %v", reply, err)
	}
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), binary.BigEndian.Uint16(reply[skip+8:]))
	return associated{tcp: c, udp: listenUDP(t), to: to}
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	return u
}

func toHost(host string, port int, data string) []byte {
	b := append([]byte{0, 0, 0, 3, byte(len(host))}, host...)
	return append(binary.BigEndian.AppendUint16(b, uint16(port)), data...)
}

func (a associated) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := a.udp.WriteToUDPAddrPort(b, a.to); err != nil {
		t.Fatal(err)
	}
}

func (a associated) receive(t *testing.T) string {
	t.Helper()
	b := make([]byte, 64<<10)
	_ = a.udp.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := a.udp.ReadFromUDPAddrPort(b)
	if err != nil || from != a.to {
		t.Fatalf("from %v, %v", from, err)
	}
	want := toHost(echoHost, 7, "")
	if !bytes.HasPrefix(b[:n], want) {
		t.Fatalf("%x", b[:n])
	}
	return string(b[len(want):n])
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatalf("not within 20 s: %s", what)
}

func TestAssociateCarriesPackets(t *testing.T) {
	p := &packets{}
	f := start(t, withPackets(p))
	a := f.associate(t, greetBoth+login("u", "p"), "\x00\x00")
	for i := range 50 {
		want := fmt.Sprint("packet ", i)
		a.send(t, toHost("Echo.i2p", 7, want))
		if got := a.receive(t); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	a.send(t, toHost("echo.i2p", 7, "")) // empty ones exist
	if got := a.receive(t); got != "" {
		t.Errorf("%q", got)
	}
	opened, sent, conns := p.state()
	if len(opened) != 1 || opened[0] != proxies.NewIsolation("socks", "u", "p") || sent[0] != "echo.i2p:7 packet 0" {
		t.Errorf("%+v %q", opened, sent)
	}
	eventually(t, "all are counted", func() bool {
		s := f.server.Stats()
		return s.PacketsSent == 51 && s.PacketsReceived == 51 && s.PacketsDropped == 0 && s.Sent == s.Received && s.Requests == 1
	})
	_ = a.tcp.CloseWrite() // what ends it
	eventually(t, "the socket in I2P is closed", conns[0].closed)
	eventually(t, "nothing is left", func() bool { return f.server.Stats().Active == 0 })
}

func TestAssociateDropsWhatIsNotForI2P(t *testing.T) {
	p := &packets{}
	policy := proxies.NewPolicy(mustRules(t, proxies.Rule{Name: "no", Match: []string{"bad.i2p"}, Methods: []string{"UDP"}, Action: proxies.Block},
		proxies.Rule{Name: "all", Action: proxies.ToOutproxy, Via: "exit"}))
	f := start(t, withPackets(p), func(c *socks.Config) { c.Policy = policy })
	a := f.associate(t, greet, "\x00\x00")
	bad := [][]byte{
		nil, {0}, []byte("\x00\x00\x00"), []byte("\x00\x00\x00\x03"), []byte("\x00\x00\x00\x03\x05ab"), toHost("", 7, "x"), toHost("echo.i2p", 0, "x"),
		append([]byte{1, 0}, toHost("echo.i2p", 7, "reserved")[2:]...), append([]byte{0, 0, 1}, toHost("echo.i2p", 7, "fragment")[3:]...),
		[]byte("\x00\x00\x00\x02\x05ab.i2p\x00\x07"), toHost("a b.i2p", 7, "x"), toHost("bad.i2p", 7, "x"), toHost("unknown.i2p", 7, "x"),
		toHost("echo.i2p", 7, strings.Repeat("x", 1001)), toHost("echo.i2p", 7, strings.Repeat("x", 40000)), toHost("proxy.i2p", 7, "x"),
		[]byte("\x00\x00\x00\x01\x09\x09\x09\x09\x00\x35x"), []byte("\x00\x00\x00\x01\x7f\x00\x00\x01\x00\x35x"), toHost("clear.example", 53, "x"),
		append([]byte("\x00\x00\x00\x04"), append(netip.MustParseAddr("2a00::1").AsSlice(), 0, 53, 'x')...),
	}
	for _, b := range bad {
		a.send(t, b)
	}
	stranger := listenUDP(t)
	eventually(t, "all are dropped", func() bool { return f.server.Stats().PacketsDropped == uint64(len(bad)) })
	if _, err := stranger.WriteToUDPAddrPort(toHost("echo.i2p", 7, "stranger"), a.to); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stranger's is dropped", func() bool { return f.server.Stats().PacketsDropped == uint64(len(bad)+1) })
	a.send(t, toHost("echo.i2p", 7, "good"))
	if got := a.receive(t); got != "good" {
		t.Errorf("%q", got)
	}
	if _, sent, _ := p.state(); len(sent) != 2 || sent[0] != "unknown.i2p:7 x" || sent[1] != "echo.i2p:7 good" {
		t.Errorf("%q", sent)
	}
	var counted []string
	for _, e := range policy.Audit().Entries {
		counted = append(counted, fmt.Sprint(e.Rule, " ", e.Action, " ", e.Reason, " ", e.Count))
	}
	if got := fmt.Sprint(counted); got != "[always block UDP outside of I2P 3 always block local address 1]" {
		t.Error(got)
	}
	if len(f.targets()) > 0 {
		t.Errorf("streams %v", f.targets())
	}
}

func TestAssociateHeedsThePortThatTheClientSays(t *testing.T) {
	f := start(t, withPackets(&packets{}))
	u := listenUDP(t)
	port := u.LocalAddr().(*net.UDPAddr).Port
	a := f.associate(t, greet, string(binary.BigEndian.AppendUint16(nil, uint16(port))))
	a.send(t, toHost("echo.i2p", 7, "from another port"))
	eventually(t, "it is dropped", func() bool { return f.server.Stats().PacketsDropped == 1 })
	a.udp = u
	a.send(t, toHost("echo.i2p", 7, "right"))
	if got := a.receive(t); got != "right" {
		t.Error(got)
	}
}

func TestAssociationsAreBoundedAndIdleOnesEnd(t *testing.T) {
	p := &packets{}
	f := start(t, withPackets(p), func(c *socks.Config) { c.MaxAssociations, c.PacketIdle = 2, 2*time.Second })
	f.associate(t, greet, "\x00\x00")
	second := f.associate(t, greet, "\x00\x00")
	got, _ := io.ReadAll(f.dial(t, greet+"\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"))
	if string(got) != "\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00" {
		t.Errorf("%x", got)
	}
	if n := f.server.Stats().Failed["refused"]; n != 1 {
		t.Errorf("%d refused", n)
	}
	if _, err := second.tcp.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("idle: %v", err)
	}
	eventually(t, "the idle ones ended", func() bool { return f.server.Stats().Active == 0 })
	_ = f.associate(t, greet, "\x00\x00").tcp.Close() // there is room again
	_, _, conns := p.state()
	if len(conns) != 3 {
		t.Fatalf("%d sockets", len(conns))
	}
	for _, c := range conns {
		eventually(t, "closed", c.closed)
	}
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

func TestAssociateTellsWhyNot(t *testing.T) {
	for err, code := range map[error]byte{
		fmt.Errorf("x: %w", proxies.ErrNotReady): 3, fmt.Errorf("x: %w", proxies.ErrRefused): 2, errors.New("x"): 1,
	} {
		f := start(t, withPackets(&packets{err: err}))
		got, _ := io.ReadAll(f.dial(t, greet+"\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"))
		if want := "\x05\x00\x05" + string([]byte{code}) + "\x00\x01\x00\x00\x00\x00\x00\x00"; string(got) != want {
			t.Errorf("%v: %x", err, got)
		}
	}
}

func TestAssociateIsolatesSites(t *testing.T) {
	p := &packets{}
	f := start(t, withPackets(p), func(c *socks.Config) { c.Isolation.Site = true })
	a := f.associate(t, greet, "\x00\x00")
	for i := range 20 {
		a.send(t, toHost(fmt.Sprintf("site%d.i2p", i), 7, "x"))
		if i < 8 {
			a.receive(t)
		}
	}
	eventually(t, "those beyond the limit are dropped", func() bool { return f.server.Stats().PacketsDropped == 12 })
	opened, _, conns := p.state()
	sites := map[string]bool{}
	for _, key := range opened {
		sites[key.Site] = true
	}
	if len(opened) != 8 || len(sites) != 8 {
		t.Errorf("%+v", opened)
	}
	// A socket that ends, with its destination, is opened again.
	_ = conns[0].Close()
	eventually(t, "its place is free", func() bool {
		a.send(t, toHost("site0.i2p", 7, "again"))
		again, _, _ := p.state()
		return len(again) == 9
	})
	if got := a.receive(t); got != "again" {
		t.Error(got)
	}
}

func TestSlowHostDelaysNoOther(t *testing.T) {
	f := start(t, withPackets(&packets{}))
	a := f.associate(t, greet, "\x00\x00")
	for range 40 { // one lane, its queue, and more
		a.send(t, toHost("slow.i2p", 7, "x"))
	}
	eventually(t, "what does not fit is dropped", func() bool { return f.server.Stats().PacketsDropped >= 40-17 })
	for i := range 16 { // names fall on lanes by chance; some are not the slow one's
		a.send(t, toHost(fmt.Sprintf("fast%d.i2p", i), 7, "x"))
	}
	_ = a.udp.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := a.udp.Read(make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	if err := f.stop(); err != nil {
		t.Error(err)
	}
}

func TestAssociateEndsWithTheServer(t *testing.T) {
	p := &packets{}
	f := start(t, withPackets(p))
	a := f.associate(t, greet, "\x00\x00")
	a.send(t, toHost("echo.i2p", 7, "x"))
	a.receive(t)
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	if _, _, conns := p.state(); !conns[0].closed() {
		t.Error("the socket in I2P is open")
	}
	if _, err := a.tcp.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}
