package streaming_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

func TestDialTakesOneRoundTrip(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		start := time.Now()
		a, b := w.connect()
		if d := time.Since(start); d < 100*time.Millisecond || d > 102*time.Millisecond {
			t.Errorf("dial took %v", d)
		}
		if got := b.RemoteDestination().Hash(); got != w.ka.Destination.Hash() {
			t.Errorf("accepted from %v", got)
		}
		if got := a.RemoteDestination().Hash(); got != w.kb.Destination.Hash() {
			t.Errorf("connected to %v", got)
		}
		if got := b.LocalAddr().(streaming.Addr).Port; got != 80 {
			t.Errorf("local port %d", got)
		}
	})
}

func TestFirstDataTravelsWithSYN(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(80)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			req := make([]byte, 5000)
			n, _ := io.ReadFull(c, req)
			c.Write(req[:n])
			c.Close()
		}()
		start := time.Now()
		data := pattern(5000)
		c, err := w.a.DialData(w.ctx, 0, w.kb.Destination, 80, data)
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, c); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes came back", len(got))
		}
		if d := time.Since(start); d > 205*time.Millisecond {
			t.Errorf("request of 5000 bytes took %v, not two round trips", d)
		}
		c.Close()
	})
}

func TestLostSYNIsRepeated(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		n := 0
		w.sa.SetLink(simnet.Link{Delay: 50 * time.Millisecond, Drop: func([]byte) bool { n++; return n <= 1 }})
		start := time.Now()
		a, _ := w.connect()
		if d := time.Since(start); d > 2200*time.Millisecond {
			t.Errorf("one lost SYN cost %v", d)
		}
		a.Close()
	})
}

func TestLostSYNReplyIsRepeated(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		n := 0
		w.sb.SetLink(simnet.Link{Delay: 50 * time.Millisecond, Drop: func([]byte) bool { n++; return n <= 1 }})
		start := time.Now()
		a, _ := w.connect()
		if d := time.Since(start); d > 2200*time.Millisecond {
			t.Errorf("one lost SYN reply cost %v", d)
		}
		a.Close()
	})
}

func TestSilenceAsksForLeaseSetAndPathAgain(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(0)
		defer l.Close()
		w.sa.SetLink(simnet.Link{Loss: 1})
		go func() {
			time.Sleep(20 * time.Second)
			w.sa.SetLink(wan)
		}()
		a, err := w.a.Dial(w.ctx, w.kb.Destination, 80)
		if err != nil {
			t.Fatal(err)
		}
		c := w.sa.Count()
		if c.Fresh == 0 || c.Reroutes == 0 {
			t.Errorf("after 20 s without answer: %+v", c)
		}
		a.Close()
	})
}

func TestDialGivesUp(t *testing.T) {
	bubble(t, simnet.Link{Loss: 1}, func(t *testing.T, w *world) {
		start := time.Now()
		_, err := w.a.Dial(w.ctx, w.kb.Destination, 80)
		var ne net.Error
		if !errors.Is(err, streaming.ErrNoAnswer) || !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("dial: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("gave up after %v", d)
		}
		ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		if _, err := w.a.Dial(ctx, w.kb.Destination, 80); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial with a deadline: %v", err)
		}
		w.sb.SetReachable(false)
		if _, err := w.a.Dial(w.ctx, w.kb.Destination, 80); !errors.Is(err, simnet.ErrUnknown) {
			t.Errorf("dial without LeaseSet: %v", err)
		}
		time.Sleep(time.Minute)
		if n := w.a.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestDialWithoutListenerIsRefused(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		start := time.Now()
		_, err := w.a.Dial(w.ctx, w.kb.Destination, 80)
		if !errors.Is(err, streaming.ErrRefused) {
			t.Errorf("dial: %v", err)
		}
		if d := time.Since(start); d > 110*time.Millisecond {
			t.Errorf("took %v", d)
		}
	})
}

func TestDialThatWasCancelledEndsAtPeer(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(0)
		ctx, cancel := context.WithTimeout(w.ctx, 70*time.Millisecond)
		defer cancel()
		if _, err := w.a.Dial(ctx, w.kb.Destination, 80); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("dial: %v", err)
		}
		time.Sleep(time.Second)
		if n := w.b.Stats().Conns + w.a.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
		l.Close()
	})
}

func TestPortsChooseListener(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		web, _ := w.b.Listen(80)
		if _, err := w.b.Listen(80); err == nil {
			t.Error("port 80 was given twice")
		}
		if c, err := w.a.Dial(w.ctx, w.kb.Destination, 0); err != nil {
			t.Errorf("to the only listener without a port: %v", err)
		} else {
			c.Close()
		}
		irc, _ := w.b.Listen(6667)
		if _, err := w.a.Dial(w.ctx, w.kb.Destination, 0); !errors.Is(err, streaming.ErrRefused) {
			t.Errorf("port 0 with two listeners: %v", err)
		}
		c, err := w.a.DialFrom(w.ctx, 1234, w.kb.Destination, 6667)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := irc.AcceptStream()
		if p := got.RemoteAddr().(streaming.Addr).Port; p != 1234 {
			t.Errorf("remote port %d", p)
		}
		c.Close()
		got.Close()
		irc.Close()
		web.Close()
		if _, err := web.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after Close: %v", err)
		}
	})
}

func TestPing(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		d, err := w.a.Ping(w.ctx, w.kb.Destination)
		if err != nil || d < 100*time.Millisecond || d > 101*time.Millisecond {
			t.Errorf("ping: %v, %v", d, err)
		}
	})
}

func TestLeaseSetThatComesLater(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(0)
		w.sa.SetReachable(false) // b cannot answer
		go func() {
			time.Sleep(3 * time.Second)
			w.sa.SetReachable(true)
		}()
		start := time.Now()
		a, err := w.a.Dial(w.ctx, w.kb.Destination, 80)
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("took %v", d)
		}
		if w.sb.Count().Reaches == 0 {
			t.Error("nobody looked for the LeaseSet")
		}
		b, err := l.AcceptStream()
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		b.Close()
	})
}

func TestManyShortStreams(t *testing.T) {
	bubble(t, simnet.Link{Delay: 10 * time.Millisecond, Loss: 0.01}, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(80)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					p := make([]byte, 100)
					n, _ := c.Read(p)
					c.Write(bytes.Repeat(p[:n], 300))
					c.Close()
				}()
			}
		}()
		var all sync.WaitGroup
		var mu sync.Mutex
		var times []time.Duration
		for range 20 {
			all.Go(func() {
				for range 50 {
					start := time.Now()
					c, err := w.a.DialData(w.ctx, 0, w.kb.Destination, 80, []byte("GET / HTTP/1.0"))
					if err != nil {
						t.Error(err)
						return
					}
					if got := readAll(t, c); len(got) != 300*14 {
						t.Errorf("%d bytes", len(got))
					}
					c.Close()
					mu.Lock()
					times = append(times, time.Since(start))
					mu.Unlock()
				}
			})
		}
		all.Wait()
		slices.Sort(times)
		t.Logf("a stream of 1000: median %v, 99 %% %v, worst %v", times[500], times[990], times[999])
		if times[500] > 50*time.Millisecond || times[990] > time.Second {
			t.Error("too slow")
		}
		l.Close()
		time.Sleep(2 * time.Minute)
		if n := w.a.Stats().Conns + w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestAddrNamesDestinationAndPort(t *testing.T) {
	a := streaming.Addr{Hash: destinations()[0].Destination.Hash(), Port: 443}
	if want := destinations()[0].Destination.Base32() + ":443"; a.String() != want || a.Network() != "i2p" {
		t.Errorf("%s %s", a.Network(), a)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for i, change := range []func(*streaming.Config){
		func(c *streaming.Config) { c.MaxWindow = 256 },
		func(c *streaming.Config) { c.Backlog = 0 },
		func(c *streaming.Config) { c.OpensPerSecond = 0 },
		func(c *streaming.Config) { c.KeepAlive = -1 },
	} {
		c := streaming.DefaultConfig()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%d: taken", i)
		}
	}
}
