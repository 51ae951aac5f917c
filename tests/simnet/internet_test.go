package simnet_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func port(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func listen(t *testing.T, h *simnet.Host, at string) *simnet.Socket {
	t.Helper()
	s, err := h.Listen(port(at), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDatagramArrivesAfterTheDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a := listen(t, n.Host("a", addr("192.0.2.1")), "0.0.0.0:1")
		hb := n.Host("b", addr("192.0.2.2"), addr("2001:db8::2"))
		hb.SetPath(simnet.Path{}, simnet.Path{Link: simnet.Link{Delay: 30 * time.Millisecond}})
		b := listen(t, hb, "[::]:2")
		start := time.Now()
		trains := []udp.Train{{To: port("192.0.2.2:2"), Data: []byte("onetwothr"), Segment: 3}}
		if err := a.Write(trains); err != nil || trains[0].Err != nil {
			t.Fatal(err, trains[0].Err)
		}
		ps := make([]udp.Packet, 8)
		k, err := b.Read(ps)
		if err != nil || k != 3 || string(ps[1].Data) != "two" || ps[1].From != port("192.0.2.1:1") || ps[1].Local != addr("192.0.2.2") {
			t.Fatal(k, err, ps[:k])
		}
		if d := time.Since(start); d != 30*time.Millisecond {
			t.Fatal("arrived after", d)
		}
	})
}
