package udp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clove.i2p/router/udp"
)

var modes = map[string]udp.Mode{"plain": udp.Plain, "batched": udp.Batched, "offload": udp.Offload, "auto": udp.Auto}

func port(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// listen binds a socket, and skips the test where the system has no such mode or no such address.
func listen(t testing.TB, at string, mode udp.Mode) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(port(at), udp.Options{Mode: mode})
	if errors.Is(err, udp.ErrMode) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// to is the address at which another socket of this machine reaches s.
func to(s *udp.Socket, ip string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), s.LocalAddr().Port())
}

// receive reads n packets and returns copies. A watchdog closes the socket if they do not come.
func receive(t *testing.T, s *udp.Socket, n int) (out []udp.Packet) {
	t.Helper()
	watchdog := time.AfterFunc(time.Minute, func() { s.Close() })
	defer watchdog.Stop()
	ps := make([]udp.Packet, 7) // not a divisor of a row
	for len(out) < n {
		k, err := s.Read(ps)
		if err != nil {
			t.Fatalf("after %d of %d packets: %v", len(out), n, err)
		}
		for _, p := range ps[:k] {
			p.Data = bytes.Clone(p.Data)
			out = append(out, p)
		}
	}
	return out
}

// numbered is n packets of size bytes, the last one shorter, each with its number.
func numbered(n, size int) []byte {
	b := make([]byte, n*size-size/2)
	for i := range n {
		binary.BigEndian.PutUint32(b[i*size:], uint32(i))
	}
	return b
}

func eachMode(t *testing.T, f func(t *testing.T, mode udp.Mode)) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) { f(t, mode) })
	}
}

func TestTrainsArriveAsPackets(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		for _, family := range []string{"127.0.0.1:0", "[::1]:0"} {
			for _, size := range []int{20, 1280, 1472} {
				t.Run(fmt.Sprint(family, size), func(t *testing.T) {
					a, b := listen(t, family, mode), listen(t, family, mode)
					const n = 150 // beyond maxSegments and BatchSize
					trains := []udp.Train{
						{To: b.LocalAddr(), Data: numbered(n, size), Segment: size},
						{To: b.LocalAddr(), Data: []byte("single")},
					}
					if err := a.Write(trains); err != nil || trains[0].Err != nil || trains[1].Err != nil {
						t.Fatal(err, trains[0].Err, trains[1].Err)
					}
					got := receive(t, b, n+1)
					for i, p := range got[:n] {
						want := size
						if i == n-1 {
							want = size - size/2
						}
						if len(p.Data) != want || binary.BigEndian.Uint32(p.Data) != uint32(i) || p.From != a.LocalAddr() || p.Local.IsValid() {
							t.Fatalf("packet %d: %d bytes %x from %s to %s", i, len(p.Data), p.Data[:4], p.From, p.Local)
						}
					}
					if string(got[n].Data) != "single" {
						t.Fatalf("%q", got[n].Data)
					}
					if c := a.Counts(); c.Written != n+1 || c.OffloadRefused != 0 {
						t.Fatalf("%+v", c)
					}
					if c := b.Counts(); c.Read != n+1 || c.Truncated != 0 {
						t.Fatalf("%+v", c)
					}
				})
			}
		}
	})
}

func TestReaderMayChangePackets(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		a, b := listen(t, "127.0.0.1:0", mode), listen(t, "127.0.0.1:0", mode)
		if err := a.Write([]udp.Train{{To: b.LocalAddr(), Data: numbered(40, 100), Segment: 100}}); err != nil {
			t.Fatal(err)
		}
		ps := make([]udp.Packet, 3)
		for seen := 0; seen < 40; {
			k, err := b.Read(ps)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps[:k] {
				if n := binary.BigEndian.Uint32(p.Data); n != uint32(seen) {
					t.Fatalf("packet %d is %d", seen, n)
				}
				for i := range p.Data[:cap(p.Data)] { // all that a reader could reach
					p.Data[:cap(p.Data)][i] = 0xff
				}
				seen++
			}
		}
	})
}

func TestDualStackUnmapsIPv4(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		s := listen(t, "[::]:0", mode)
		a := listen(t, "127.0.0.1:0", mode)
		if err := a.Write([]udp.Train{{To: to(s, "127.0.0.1"), Data: []byte("four")}}); err != nil {
			t.Fatal(err)
		}
		p := receive(t, s, 1)[0]
		if p.From != a.LocalAddr() {
			t.Fatalf("from %s, not %s", p.From, a.LocalAddr())
		}
		reply := []udp.Train{{To: p.From, Local: p.Local, Data: numbered(5, 50), Segment: 50}}
		if err := s.Write(reply); err != nil || reply[0].Err != nil {
			t.Fatal(err, reply[0].Err)
		}
		if p := receive(t, a, 5)[4]; p.From != to(s, "127.0.0.1") {
			t.Fatal("reply from", p.From)
		}
	})
}

func TestIPv6OnlyLeavesIPv4ToAnother(t *testing.T) {
	four := listen(t, "0.0.0.0:0", udp.Auto)
	six, err := udp.Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), four.LocalAddr().Port()), udp.Options{IPv6Only: true})
	if errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer six.Close()
	trains := []udp.Train{{To: port("127.0.0.1:9"), Data: []byte("x")}, {To: to(six, "::1"), Data: []byte("six")}}
	if err := six.Write(trains); err != nil || trains[0].Err == nil || trains[1].Err != nil {
		t.Fatal(err, trains[0].Err, trains[1].Err)
	}
	if p := receive(t, six, 1)[0]; string(p.Data) != "six" {
		t.Fatalf("%q", p.Data)
	}
}

// A router that listens on all addresses must answer from the one that was asked: the peer takes nobody else's answer.
func TestReplyLeavesFromTheAddressAsked(t *testing.T) {
	for _, mode := range []udp.Mode{udp.Batched, udp.Offload} {
		for _, at := range []string{"0.0.0.0:0", "[::]:0"} {
			t.Run(fmt.Sprint(mode, at), func(t *testing.T) {
				s := listen(t, at, mode)
				a := listen(t, "127.0.0.1:0", mode)
				if err := a.Write([]udp.Train{{To: to(s, "127.0.0.77"), Data: []byte("ask")}}); err != nil {
					t.Fatal(err)
				}
				p := receive(t, s, 1)[0]
				if p.Local != netip.MustParseAddr("127.0.0.77") {
					t.Fatal("local address", p.Local)
				}
				reply := []udp.Train{{To: p.From, Local: p.Local, Data: numbered(3, 50), Segment: 50}}
				if err := s.Write(reply); err != nil || reply[0].Err != nil {
					t.Fatal(err, reply[0].Err)
				}
				for _, p := range receive(t, a, 3) {
					if p.From != to(s, "127.0.0.77") {
						t.Fatal("reply from", p.From)
					}
				}
			})
		}
	}
}

func TestSourceThatIsNoLongerOursIsPassedOver(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "[::]:0"} {
		t.Run(at, func(t *testing.T) {
			s, a := listen(t, at, udp.Offload), listen(t, "127.0.0.1:0", udp.Auto)
			gone := netip.MustParseAddr("192.0.2.9")
			trains := []udp.Train{
				{To: a.LocalAddr(), Local: gone, Data: []byte("one")},
				{To: a.LocalAddr(), Local: gone, Data: numbered(3, 50), Segment: 50},
				{To: a.LocalAddr(), Local: netip.MustParseAddr("2001:db8::1"), Data: []byte("other family")},
			}
			if err := s.Write(trains); err != nil {
				t.Fatal(err)
			}
			for i := range trains {
				if trains[i].Err != nil {
					t.Fatal(i, trains[i].Err)
				}
			}
			receive(t, a, 5)
			if c := s.Counts(); !strings.Contains(s.Features(), "gso") || c.OffloadRefused != 0 {
				t.Fatalf("offload off because of a wrong source: %s %+v", s.Features(), c)
			}
		})
	}
}

func TestTooLargeIsReportedInItsTrain(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		a, b := listen(t, "127.0.0.1:0", mode), listen(t, "127.0.0.1:0", mode)
		trains := []udp.Train{
			{To: b.LocalAddr(), Data: []byte("before")},
			{To: b.LocalAddr(), Data: make([]byte, 65520)},
			{To: b.LocalAddr(), Data: []byte("after")},
		}
		if err := a.Write(trains); err != nil {
			t.Fatal(err)
		}
		if trains[0].Err != nil || !errors.Is(trains[1].Err, udp.ErrTooLarge) || !errors.Is(trains[1].Err, syscall.EMSGSIZE) || trains[2].Err != nil {
			t.Fatal(trains[0].Err, trains[1].Err, trains[2].Err)
		}
		if got := receive(t, b, 2); string(got[1].Data) != "after" {
			t.Fatalf("%q", got[1].Data)
		}
	})
}

func TestOverlongAndEmptyPacketsAreDropped(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		b := listen(t, "127.0.0.1:0", mode)
		c, err := net.Dial("udp4", b.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, n := range []int{udp.MaxPacket + 1, 0, 9000, udp.MaxPacket} {
			if _, err := c.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		if p := receive(t, b, 1)[0]; len(p.Data) != udp.MaxPacket {
			t.Fatal(len(p.Data))
		}
		if n := b.Counts().Truncated; n != 2 {
			t.Fatal("truncated", n)
		}
	})
}

func TestICMPErrorsDoNotStopTheSocket(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		a, b := listen(t, "127.0.0.1:0", mode), listen(t, "127.0.0.1:0", mode)
		gone := listen(t, "127.0.0.1:0", mode)
		dead := gone.LocalAddr()
		gone.Close()
		for range 20 {
			trains := []udp.Train{{To: dead, Data: []byte("x")}, {To: b.LocalAddr(), Data: []byte("y")}, {To: a.LocalAddr(), Data: []byte("z")}}
			if err := a.Write(trains); err != nil || trains[0].Err != nil || trains[1].Err != nil {
				t.Fatal(err, trains[0].Err, trains[1].Err)
			}
		}
		receive(t, b, 20)
		receive(t, a, 20)
	})
}

func TestUnusableAddressIsAnErrorOfItsTrain(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		a, b := listen(t, "127.0.0.1:0", mode), listen(t, "127.0.0.1:0", mode)
		trains := []udp.Train{
			{Data: []byte("nobody")},
			{To: port("[2001:db8::1]:9"), Data: []byte("other family")},
			{To: b.LocalAddr(), Data: []byte("ok")},
			{To: b.LocalAddr()},
		}
		if err := a.Write(trains); err != nil {
			t.Fatal(err)
		}
		if trains[0].Err == nil || trains[1].Err == nil || trains[2].Err != nil || trains[3].Err != nil {
			t.Fatal(trains)
		}
		receive(t, b, 1)
	})
}

func TestCloseEndsReadAndWrite(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		s := listen(t, "127.0.0.1:0", mode)
		ended := make(chan error)
		go func() {
			_, err := s.Read(make([]udp.Packet, 4))
			ended <- err
		}()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Read did not end")
		}
		if _, err := s.Read(make([]udp.Packet, 4)); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		if err := s.Write([]udp.Train{{To: port("127.0.0.1:9"), Data: []byte("x")}}); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestWritersAtTheSameTime(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		a, b := listen(t, "127.0.0.1:0", mode), listen(t, "127.0.0.1:0", mode)
		const writers, n, size = 8, 20, 200
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte(i)}, n*size)
				if err := a.Write([]udp.Train{{To: b.LocalAddr(), Data: data, Segment: size}}); err != nil {
					t.Error(err)
				}
			})
		}
		var count [writers]int
		for _, p := range receive(t, b, writers*n) {
			for _, c := range p.Data {
				if c != p.Data[0] {
					t.Fatal("packets of two writers in one")
				}
			}
			count[p.Data[0]]++
		}
		wg.Wait()
		for i, c := range count {
			if c != n {
				t.Fatal(i, c)
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	eachMode(t, func(t *testing.T, mode udp.Mode) {
		for _, at := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
			a, b := listen(t, at, mode), listen(t, at, mode)
			trains := []udp.Train{{To: to(b, "127.0.0.1"), Local: netip.MustParseAddr("127.0.0.1"), Data: numbered(10, 1400), Segment: 1400}}
			ps := make([]udp.Packet, udp.BatchSize)
			allocs := testing.AllocsPerRun(200, func() {
				if err := a.Write(trains); err != nil {
					t.Fatal(err)
				}
				for n := 0; n < 10; {
					k, err := b.Read(ps)
					if err != nil {
						t.Fatal(err)
					}
					n += k
				}
			})
			if allocs != 0 {
				t.Fatalf("%s: %v allocations for 10 packets", at, allocs)
			}
		}
	})
}

func TestFeatures(t *testing.T) {
	for mode, word := range map[udp.Mode]string{udp.Plain: "plain", udp.Batched: "batch", udp.Offload: "gso gro"} {
		s := listen(t, "127.0.0.1:0", mode)
		if f := s.Features(); !strings.Contains(f, word) || mode == udp.Batched && strings.Contains(f, "gso") {
			t.Errorf("mode %d: %q", mode, f)
		}
		t.Log(s.Features())
	}
}
