package router

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// block takes a UDP port of 127.0.0.1 that is free for TCP.
func block(t *testing.T, port uint16) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func TestPortThatIsTaken(t *testing.T) {
	port := block(t, 0)
	cfg := Config{NetworkID: testNetwork, AllowPrivate: true, DataDir: t.TempDir(), NTCP2: Endpoint{Listen: fmt.Sprint("127.0.0.1:", port)}}
	says := func(what string, err error) {
		t.Helper()
		for _, part := range []string{fmt.Sprint("UDP port ", port), "router.ssu2.listen", "taken"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %q in it", what, err, part)
			}
		}
	}
	_, err := New(cfg, nil)
	says("configured", err)
	ports, err := TryPorts(cfg)
	if err != nil || len(ports) != 2 || ports[0].Err != nil || ports[0].Network() != "TCP" {
		t.Fatalf("%+v, %v", ports, err)
	}
	says("doctor", ports[1].Err)
}

// At the first start SSU2 has the number of NTCP2 where that is free, and any other where it is not. Both are kept, and a start that finds one
// taken says so.
func TestPortsAreKept(t *testing.T) {
	cfg := Config{NetworkID: testNetwork, AllowPrivate: true, DataDir: t.TempDir(), NTCP2: Endpoint{Listen: "127.0.0.1:0"}}
	numbers := func() (tcp, udp uint16) {
		t.Helper()
		r, err := New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return r.ntcp2.Bound()[0].Port(), r.ssu2.Bound()[0].Port()
	}
	tcp, udp := numbers()
	if tcp != udp {
		t.Skipf("UDP port %d was taken", tcp) // by somebody else
	}
	if tcp2, udp2 := numbers(); tcp2 != tcp || udp2 != udp {
		t.Errorf("%d and %d at the second start, %d and %d at the first", tcp2, udp2, tcp, udp)
	}
	block(t, udp)
	if _, err := New(cfg, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprint("UDP port ", udp)) {
		t.Errorf("%v", err)
	}
	if ports, err := TryPorts(cfg); err != nil || len(ports) != 2 || ports[0].Err != nil || ports[1].Err == nil {
		t.Errorf("%+v, %v", ports, err)
	}

	// The first start with SSU2 of a router that had NTCP2 only.
	cfg.DataDir, cfg.SSU2.Disabled = t.TempDir(), true
	r, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	tcp = r.ntcp2.Bound()[0].Port()
	r.Close()
	block(t, tcp)
	cfg.SSU2.Disabled = false
	tcp2, udp := numbers()
	if tcp2 != tcp || udp == tcp {
		t.Errorf("TCP %d, then %d; UDP %d, which is taken", tcp, tcp2, udp)
	}
	if _, again := numbers(); again != udp {
		t.Errorf("UDP %d, then %d", udp, again)
	}

	cfg = Config{NetworkID: testNetwork, AllowPrivate: true, DataDir: t.TempDir(), NTCP2: Endpoint{Disabled: true}, SSU2: Endpoint{Listen: "127.0.0.1:0"}}
	for range 2 {
		r, err := New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Status().Ports; len(got) != 1 || got[0].Style != "SSU2" || udp == got[0].At.Port() {
			t.Errorf("SSU2 alone: %+v", got)
		}
		tcp2 = r.ssu2.Bound()[0].Port()
		r.Close()
	}
	if tcp2 == 0 {
		t.Error("no port")
	}
}
