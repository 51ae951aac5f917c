package datagram_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

var allKinds = []datagram.Kind{datagram.KindDatagram1, datagram.KindRaw, datagram.KindDatagram2, datagram.KindDatagram3}

func TestEveryKindArrivesWithItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		for _, k := range allKinds {
			ca, cb := listen(t, a, datagram.ListenConfig{Kind: k, Port: 1000}), listen(t, b, datagram.ListenConfig{Kind: k, Port: 53})
			if err := ca.WritePacket([]byte("query"), datagram.Addr{Hash: b.Hash(), Port: 53}, i2p.Mapping{}); err != nil {
				t.Fatal(err)
			}
			got, text := read(t, cb)
			from := datagram.Addr{Hash: a.Hash(), Port: 1000}
			if k == datagram.KindRaw {
				from.Hash = i2p.Hash{}
			}
			if text != "query" || got.Kind != k || got.From != from || got.Port != 53 || got.Size != 5 {
				t.Errorf("%v: %q, %+v", k, text, got)
			}
			if (got.Sender != nil) != k.Proven() || got.Sender != nil && got.Sender.Hash() != a.Hash() {
				t.Errorf("%v: sender %v", k, got.Sender)
			}
			if k == datagram.KindRaw {
				continue
			}
			// The answer goes to what ReadFrom gives.
			if _, err := cb.WriteTo([]byte("answer"), got.From); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 100)
			n, addr, err := ca.ReadFrom(p)
			if err != nil || string(p[:n]) != "answer" || addr.String() != b.Hash().Base32()+":53" || addr.Network() != "i2p" {
				t.Errorf("%v: %q from %v, %v", k, p[:n], addr, err)
			}
		}
	})
}

func TestOptionsTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		options, err := i2p.NewMapping(map[string]string{"seqn": "1"})
		if err != nil {
			t.Fatal(err)
		}
		large, err := i2p.NewMapping(map[string]string{"a": strings.Repeat("x", 255), "b": strings.Repeat("x", 255), "c": strings.Repeat("x", 255), "d": strings.Repeat("x", 255)})
		if err != nil {
			t.Fatal(err)
		}
		to := datagram.Addr{Hash: b.Hash()}
		for _, k := range allKinds {
			ca, cb := listen(t, a, datagram.ListenConfig{Kind: k}), listen(t, b, datagram.ListenConfig{Kind: k})
			if k == datagram.KindRaw || k == datagram.KindDatagram1 {
				if err := ca.WritePacket(nil, to, options); err == nil {
					t.Errorf("%v takes options", k)
				}
				continue
			}
			if err := ca.WritePacket(nil, to, large); !errors.Is(err, datagram.ErrTooLarge) {
				t.Errorf("%v: large options: %v", k, err)
			}
			for range 2 {
				if err := ca.WritePacket(nil, to, options); err != nil {
					t.Fatal(err)
				}
			}
			if err := ca.WritePacket([]byte("x"), to, i2p.Mapping{}); err != nil {
				t.Fatal(err)
			}
			if got, text := read(t, cb); got.Options.Get("seqn") != "1" || text != "" {
				t.Errorf("%v: %q, %+v", k, text, got)
			}
			// ReadFrom is for those who know no options.
			p := make([]byte, 10)
			if n, _, err := cb.ReadFrom(p); n != 1 || err != nil {
				t.Errorf("%v: %d bytes, %v", k, n, err)
			}
		}
	})
}

func TestPortsChooseTheConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		from := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw})
		send := func(port uint16) {
			t.Helper()
			if err := from.WritePacket([]byte("x"), datagram.Addr{Hash: b.Hash(), Port: port}, i2p.Mapping{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		one := listen(t, b, datagram.ListenConfig{Kind: datagram.KindRaw, Port: 1})
		listen(t, b, datagram.ListenConfig{Kind: datagram.KindDatagram3, Port: 1}) // ports are those of a kind
		send(0)                                                                    // the only one of its kind gets what names no port
		if got, _ := read(t, one); got.Port != 0 {
			t.Errorf("%+v", got)
		}
		send(2)
		nothing(t, one)
		two := listen(t, b, datagram.ListenConfig{Kind: datagram.KindRaw, Port: 2})
		rest := listen(t, b, datagram.ListenConfig{Kind: datagram.KindRaw})
		for port, c := range map[uint16]*datagram.Conn{0: rest, 1: one, 2: two, 3: rest, 65535: rest} {
			send(port)
			if got, _ := read(t, c); got.Port != port {
				t.Errorf("port %d: %+v", port, got)
			}
		}
		rest.Close()
		send(0) // there are two now
		nothing(t, one)
		nothing(t, two)
		b.Deliver(datagram.Kind(77), datagram.Ports{To: 1}, []*buf.Buf{buf.From([]byte("unknown kind"))})
		if n := b.Stats().Drops[datagram.DropNobody]; n != 3 {
			t.Errorf("%d packets for nobody, want 3", n)
		}
	})
}

func TestPortsInUse(t *testing.T) {
	l := newLAN()
	s := l.join(t, destinations()[0])
	one := listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw, Port: 9})
	refused := func(cfg datagram.ListenConfig, want error) {
		t.Helper()
		if c, err := s.Listen(cfg); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", cfg, err, want)
			if err == nil {
				c.Close()
			}
		}
	}
	refused(datagram.ListenConfig{Kind: datagram.KindRaw, Port: 9}, datagram.ErrInUse)
	refused(datagram.ListenConfig{Kind: datagram.KindDatagram1, Port: 9, Answers: true}, datagram.ErrInUse)
	one.Close()
	both := listen(t, s, datagram.ListenConfig{Kind: datagram.KindDatagram1, Port: 9, Answers: true})
	refused(datagram.ListenConfig{Kind: datagram.KindRaw, Port: 9}, datagram.ErrInUse)
	both.Close()
	listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw, Port: 9}).Close()
	if _, err := s.Listen(datagram.ListenConfig{Kind: 6}); err == nil {
		t.Error("streaming is no kind of datagram")
	}

	ports := map[uint16]bool{}
	for i := range 1024 {
		c := listen(t, s, datagram.ListenConfig{Kind: allKinds[i%4], AnyPort: true})
		p := c.LocalAddr().(datagram.Addr).Port
		if p < 1024 || ports[p] {
			t.Fatalf("port %d", p)
		}
		ports[p] = true
	}
	refused(datagram.ListenConfig{Kind: datagram.KindRaw, AnyPort: true}, datagram.ErrTooMany)
}

// What is not right is counted and skipped by the reader; nobody sees it.
func TestWhatIsNotRightIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := destinations()[0], l.join(t, destinations()[1])
		other := i2p.Hash{9}
		expired := vectors(t)["datagram2_expired"] // for another receiver as well, but that is found later
		for _, c := range []struct {
			kind datagram.Kind
			why  datagram.Drop
			b    []byte
		}{
			{datagram.KindDatagram1, datagram.DropMalformed, []byte("short")},
			{datagram.KindDatagram2, datagram.DropMalformed, []byte("short")},
			{datagram.KindDatagram3, datagram.DropMalformed, []byte("short")},
			{datagram.KindDatagram1, datagram.DropSignature, append(datagram.AppendDatagram1(nil, a, []byte("x")), 'y')},
			{datagram.KindDatagram2, datagram.DropSignature, datagram.AppendDatagram2(nil, a, other, i2p.Mapping{}, []byte("x"))},
			{datagram.KindDatagram2, datagram.DropExpired, expired},
			// One kind is no other, even if it is whole.
			{datagram.KindDatagram1, datagram.DropSignature, datagram.AppendDatagram2(nil, a, b.Hash(), i2p.Mapping{}, []byte("x"))},
			{datagram.KindDatagram2, datagram.DropMalformed, datagram.AppendDatagram1(nil, a, []byte("x"))},
		} {
			conn := listen(t, b, datagram.ListenConfig{Kind: c.kind})
			was := b.Stats().Drops[c.why]
			b.Deliver(c.kind, datagram.Ports{}, []*buf.Buf{buf.From(c.b)})
			good := datagram.AppendDatagram1(nil, a, []byte("good"))
			switch c.kind {
			case datagram.KindDatagram2:
				good = datagram.AppendDatagram2(nil, a, b.Hash(), i2p.Mapping{}, []byte("good"))
			case datagram.KindDatagram3:
				good = datagram.Datagram3{From: other, Payload: []byte("good")}.Append(nil)
			}
			b.Deliver(c.kind, datagram.Ports{}, []*buf.Buf{buf.From(good)})
			if _, text := read(t, conn); text != "good" {
				t.Errorf("%v: read %q", c.kind, text)
			}
			if n := b.Stats().Drops[c.why] - was; n != 1 {
				t.Errorf("%v: %d counted as %v", c.kind, n, c.why)
			}
			conn.Close()
		}
	})
}

func TestQueueIsBoundedAndKeepsTheOldest(t *testing.T) {
	l := newLAN()
	s := l.join(t, destinations()[0])
	for name, c := range map[string]struct{ size, want int }{"packets": {10, 512}, "memory": {10_000, 64}} {
		conn := listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw})
		was := s.Stats().Drops[datagram.DropQueueFull]
		for i := range 600 {
			p := bytes.Repeat([]byte{byte(i)}, c.size)
			s.Deliver(datagram.KindRaw, datagram.Ports{From: uint16(i)}, []*buf.Buf{buf.From(p)})
		}
		kept := 600 - int(s.Stats().Drops[datagram.DropQueueFull]-was)
		if kept < c.want || kept > c.want+1 {
			t.Errorf("%s: %d packets wait, want %d", name, kept, c.want)
		}
		for i := range kept {
			if got, _ := read(t, conn); int(got.From.Port) != i {
				t.Fatalf("%s: packet %d came as number %d", name, got.From.Port, i)
			}
		}
		// There is room again.
		s.Deliver(datagram.KindRaw, datagram.Ports{From: 7}, []*buf.Buf{buf.From(nil)})
		if got, _ := read(t, conn); got.From.Port != 7 {
			t.Errorf("%s: %+v", name, got)
		}
		conn.Close()
	}
}

func TestSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		to := datagram.Addr{Hash: b.Hash()}
		for _, k := range allKinds {
			ca, cb := listen(t, a, datagram.ListenConfig{Kind: k}), listen(t, b, datagram.ListenConfig{Kind: k})
			most := ca.MaxPayload()
			if most < 61_000 || ca.Comfortable() < 1300 || ca.Comfortable() > 1834 {
				t.Errorf("%v: %d, %d", k, most, ca.Comfortable())
			}
			for _, n := range []int{0, 1, ca.Comfortable(), 1834, most} {
				p := bytes.Repeat([]byte{byte(n)}, n)
				if err := ca.WritePacket(p, to, i2p.Mapping{}); err != nil {
					t.Fatalf("%v: %d bytes: %v", k, n, err)
				}
				if got, text := read(t, cb); text != string(p) || got.Size != n {
					t.Errorf("%v: %d bytes came as %d", k, n, got.Size)
				}
			}
			if err := ca.WritePacket(make([]byte, most+1), to, i2p.Mapping{}); !errors.Is(err, datagram.ErrTooLarge) {
				t.Errorf("%v: one byte more: %v", k, err)
			}
			// What the reader has no room for is lost, as with sockets.
			if err := ca.WritePacket([]byte("longer"), to, i2p.Mapping{}); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 4)
			if got, err := cb.ReadPacket(p); err != nil || got.N != 4 || got.Size != 6 || string(p) != "long" {
				t.Errorf("%v: %q, %+v, %v", k, p, got, err)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		s := l.join(t, destinations()[0])
		c := listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw})
		late := func(err error) bool {
			var n net.Error
			return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &n) && n.Timeout()
		}
		began := time.Now()
		c.SetDeadline(began.Add(time.Second))
		if _, _, err := c.ReadFrom(nil); !late(err) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, _, err := c.ReadFrom(nil); !late(err) {
			t.Errorf("read after the deadline: %v", err)
		}
		// A read that waits sees the deadline move, both ways.
		c.SetReadDeadline(time.Now().Add(time.Hour))
		began = time.Now()
		time.AfterFunc(time.Second, func() { c.SetReadDeadline(time.Now().Add(time.Second)) })
		if _, _, err := c.ReadFrom(nil); !late(err) || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		c.SetReadDeadline(time.Now().Add(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { c.SetReadDeadline(time.Time{}) })
		time.AfterFunc(time.Minute, func() { s.Deliver(datagram.KindRaw, datagram.Ports{}, []*buf.Buf{buf.From([]byte("x"))}) })
		if n, _, err := c.ReadFrom(make([]byte, 9)); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := c.SetWriteDeadline(time.Now()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		s := l.join(t, destinations()[0])
		c := listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw})
		time.AfterFunc(time.Second, func() { c.Close() })
		if _, _, err := c.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		closed := []error{
			c.WritePacket(nil, datagram.Addr{Hash: i2p.Hash{1}}, i2p.Mapping{}),
			c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}), c.SetDeadline(time.Time{}),
		}
		for i, err := range closed {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
		c.Close()
		if n := s.Stats().Conns; n != 0 {
			t.Errorf("%d Conns", n)
		}
	})
}

func TestNowhereToWriteTo(t *testing.T) {
	l := newLAN()
	s := l.join(t, destinations()[0])
	c := listen(t, s, datagram.ListenConfig{Kind: datagram.KindRaw})
	for _, to := range []net.Addr{datagram.Addr{Port: 7}, &net.UDPAddr{}} {
		if _, err := c.WriteTo(nil, to); !errors.Is(err, datagram.ErrNoAddress) {
			t.Errorf("%v: %v", to, err)
		}
	}
	l.known[i2p.Hash{1}], l.refuse = true, io.ErrNoProgress
	if _, err := c.WriteTo(nil, datagram.Addr{Hash: i2p.Hash{1}}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("what the Carrier says: %v", err)
	}
	if n := s.Stats().Drops[datagram.DropUnsent]; n != 1 {
		t.Errorf("%d counted", n)
	}
}
