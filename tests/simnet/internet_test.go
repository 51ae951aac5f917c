package simnet_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
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

// pair is two hosts and what goes from a to b.
func pair(t *testing.T, seed uint64, p simnet.Path) (n *simnet.Internet, a, b *simnet.Socket) {
	n = simnet.NewInternet(seed)
	ha := n.Host("a", addr("192.0.2.1"))
	ha.SetPath(p, simnet.Path{})
	return n, listen(t, ha, "0.0.0.0:1"), listen(t, n.Host("b", addr("192.0.2.2")), "0.0.0.0:2")
}

// arrivals sends n packets of size bytes every interval and returns their numbers and when they arrived.
func arrivals(t *testing.T, a, b *simnet.Socket, n, size int, every time.Duration) (out []arrival) {
	t.Helper()
	start := time.Now()
	for i := range n {
		data := make([]byte, size)
		data[0], data[1] = byte(i>>8), byte(i)
		if err := a.Write([]udp.Train{{To: port("192.0.2.2:2"), Data: data}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(every)
	}
	time.AfterFunc(time.Minute, func() { b.Close() })
	ps := make([]udp.Packet, 16)
	for {
		k, err := b.Read(ps)
		if err != nil {
			return out
		}
		for _, p := range ps[:k] {
			bad := false
			for _, c := range p.Data[2:] {
				bad = bad || c != 0
			}
			out = append(out, arrival{int(p.Data[0])<<8 | int(p.Data[1]), bad, time.Since(start)})
		}
	}
}

type arrival struct {
	n   int
	bad bool
	at  time.Duration
}

func TestPathChances(t *testing.T) {
	const n = 2000
	share := func(k int, want float64) bool { return float64(k) > n*want*0.8 && float64(k) < n*want*1.2 }
	tests := map[string]struct {
		path simnet.Path
		ok   func(net *simnet.Internet, got []arrival) bool
	}{
		"loss": {simnet.Path{Link: simnet.Link{Loss: 0.2}}, func(net *simnet.Internet, got []arrival) bool {
			return share(n-len(got), 0.2) && net.Count(simnet.Lost) == n-len(got)
		}},
		"duplication": {simnet.Path{Link: simnet.Link{Duplicate: 0.2}}, func(_ *simnet.Internet, got []arrival) bool {
			return share(len(got)-n, 0.2)
		}},
		"corruption": {simnet.Path{Corrupt: 0.2}, func(_ *simnet.Internet, got []arrival) bool {
			bad := 0
			for _, a := range got {
				if a.bad {
					bad++
				}
			}
			return len(got) == n && share(bad, 0.2)
		}},
		"reordering": {simnet.Path{Link: simnet.Link{Reorder: 0.2, ReorderBy: 5 * time.Millisecond}}, func(_ *simnet.Internet, got []arrival) bool {
			late := 0
			for i := range got[1:] {
				if got[i+1].n < got[i].n {
					late++
				}
			}
			return len(got) == n && late > n/10
		}},
		"jitter in order": {simnet.Path{Link: simnet.Link{Jitter: 5 * time.Millisecond, Ordered: true}}, func(_ *simnet.Internet, got []arrival) bool {
			for i := range got[1:] {
				if got[i+1].n != got[i].n+1 {
					return false
				}
			}
			return len(got) == n
		}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net, a, b := pair(t, 5, c.path)
				if got := arrivals(t, a, b, n, 1000, time.Millisecond); !c.ok(net, got) {
					t.Errorf("%d arrived", len(got))
				}
			})
		})
	}
}

func TestSameSeedSameHistory(t *testing.T) {
	run := func(seed uint64) (out []arrival) {
		synctest.Test(t, func(t *testing.T) {
			p := simnet.Path{Link: simnet.Link{Loss: 0.1, Jitter: 9 * time.Millisecond, Duplicate: 0.1}, Corrupt: 0.1}
			_, a, b := pair(t, seed, p)
			out = arrivals(t, a, b, 500, 100, time.Millisecond)
		})
		return out
	}
	if !slices.Equal(run(1), run(1)) {
		t.Error("two histories of one seed")
	}
	if slices.Equal(run(1), run(2)) {
		t.Error("one history of two seeds")
	}
}

func TestRateAndQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 1,028 bytes with their header in 10.28 ms; 10 wait, one is on its way.
		n, a, b := pair(t, 1, simnet.Path{Link: simnet.Link{Rate: 100_000, Queue: 10 * 1028}})
		got := arrivals(t, a, b, 50, 1000, 0)
		if len(got) < 10 || len(got) > 12 || n.Count(simnet.QueueFull) != 50-len(got) {
			t.Fatal(len(got), "arrived", n.Count(simnet.QueueFull))
		}
		if d := got[9].at - got[8].at; d < 10*time.Millisecond || d > 11*time.Millisecond {
			t.Fatal("distance", d)
		}
	})
}

func TestPathMTU(t *testing.T) {
	for _, c := range []struct {
		name      string
		out, in   simnet.Path
		reported  bool
		tooLarges int
	}{
		{"of the interface", simnet.Path{MTU: 1400}, simnet.Path{}, true, 0},
		{"of the interface, silent", simnet.Path{MTU: 1400, BlackHole: true}, simnet.Path{}, false, 1},
		{"beyond", simnet.Path{}, simnet.Path{MTU: 1400}, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(1)
				ha, hb := n.Host("a", addr("2001:db8::1")), n.Host("b", addr("2001:db8::2"))
				ha.SetPath(c.out, simnet.Path{})
				hb.SetPath(simnet.Path{}, c.in)
				a, b := listen(t, ha, "[::]:1"), listen(t, hb, "[::]:2")
				trains := []udp.Train{
					{To: port("[2001:db8::2]:2"), Data: make([]byte, 1400-48+1)},
					{To: port("[2001:db8::2]:2"), Data: make([]byte, 1400-48)},
				}
				if err := a.Write(trains); err != nil || errors.Is(trains[0].Err, udp.ErrTooLarge) != c.reported || trains[1].Err != nil {
					t.Fatal(err, trains[0].Err, trains[1].Err)
				}
				ps := make([]udp.Packet, 4)
				if k, err := b.Read(ps); err != nil || k != 1 || len(ps[0].Data) != 1352 || n.Count(simnet.TooLarge) != c.tooLarges {
					t.Fatal(k, err, n.Count(simnet.TooLarge))
				}
			})
		})
	}
}

func TestHostThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		ha := n.Host("a", addr("192.0.2.1"))
		a, b := listen(t, ha, "0.0.0.0:1"), listen(t, n.Host("b", addr("192.0.2.2")), "0.0.0.0:2")
		ha.Move(addr("198.51.100.7"))
		if err := a.Write([]udp.Train{{To: port("192.0.2.2:2"), Local: addr("192.0.2.1"), Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		ps := make([]udp.Packet, 4)
		if k, err := b.Read(ps); err != nil || k != 1 || ps[0].From != port("198.51.100.7:1") {
			t.Fatal(k, err, ps[0].From)
		}
		if err := b.Write([]udp.Train{{To: port("192.0.2.1:1"), Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(time.Millisecond)
		if n.Count(simnet.NoRoute) != 1 {
			t.Fatal("the old address still answers")
		}
	})
}

func TestSocketRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		h := n.Host("h", addr("192.0.2.1"), addr("2001:db8::1"))
		dual := listen(t, h, "[::]:1")
		if _, err := h.Listen(port("0.0.0.0:1"), udp.Options{}); !errors.Is(err, syscall.EADDRINUSE) {
			t.Error(err)
		}
		if _, err := h.Listen(port("192.0.2.9:1"), udp.Options{}); !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Error(err)
		}
		exact := listen(t, h, "192.0.2.1:1")
		other := listen(t, h, "192.0.2.1:0")
		ps := make([]udp.Packet, 4)
		send := func(to string, want *simnet.Socket) {
			t.Helper()
			if err := dual.Write([]udp.Train{{To: port(to), Data: []byte("first")}, {To: port(to), Data: []byte("second")}}); err != nil {
				t.Fatal(err)
			}
			if _, err := want.Read(ps[:1]); err != nil || string(ps[0].Data) != "first" {
				t.Fatal(err)
			}
			kept := ps[0].Data
			if _, err := want.Read(ps[:1]); err != nil || string(ps[0].Data) != "second" {
				t.Fatal(err)
			}
			if string(kept) == "first" {
				t.Error("a packet outlives the next Read")
			}
		}
		send("192.0.2.1:1", exact)
		send("[2001:db8::1]:1", dual)
		send(other.LocalAddr().String(), other)
		exact.Close()
		send("192.0.2.1:1", dual)

		ended := make(chan error)
		go func() { _, err := dual.Read(ps); ended <- err }()
		synctest.Wait()
		dual.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := dual.Write(nil); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
