package streaming_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

var wan = simnet.Link{Delay: 50 * time.Millisecond}

// bubble runs f in a world of its own.
func bubble(t *testing.T, link simnet.Link, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, link)
		defer w.end()
		f(t, w)
	})
}

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

func TestEchoBothDirections(t *testing.T) {
	bubble(t, simnet.Link{Delay: 30 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.02}, func(t *testing.T, w *world) {
		a, b := w.connect()
		data := pattern(2 << 20)
		go func() {
			io.Copy(b, struct{ io.Reader }{b})
			b.Close()
		}()
		go func() {
			a.Write(data)
			a.CloseWrite()
		}()
		if got := readAll(t, a); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes came back", len(got))
		}
		a.Close()
	})
}

func TestHalfClose(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		a.Write([]byte("question"))
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after CloseWrite: %v", err)
		}
		if got := readAll(t, b); string(got) != "question" {
			t.Fatalf("got %q", got)
		}
		b.Write([]byte("answer"))
		b.Close()
		if got := readAll(t, a); string(got) != "answer" {
			t.Fatalf("got %q", got)
		}
		a.Close()
		time.Sleep(time.Minute)
		if n := w.a.Stats().Conns + w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestCloseDeliversWhatWasWritten(t *testing.T) {
	bubble(t, simnet.Link{Delay: 50 * time.Millisecond, Loss: 0.05}, func(t *testing.T, w *world) {
		a, b := w.connect()
		data := pattern(300 << 10)
		go func() {
			a.Write(data)
			a.Close()
		}()
		if got := readAll(t, b); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes", len(got))
		}
		b.Close()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after Close: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if n := w.a.Stats().Conns + w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestCloseStopsPeerThatKeepsSending(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		failed := make(chan error, 1)
		go func() {
			for {
				if _, err := b.Write(pattern(10 << 10)); err != nil {
					failed <- err
					return
				}
			}
		}()
		io.ReadFull(a, make([]byte, 1000))
		a.Close()
		select {
		case err := <-failed:
			if !errors.Is(err, streaming.ErrReset) {
				t.Errorf("write: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the peer still sends after 10 s")
		}
		b.Close()
	})
}

func TestDeadlines(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		start := time.Now()
		a.SetReadDeadline(start.Add(3 * time.Second))
		_, err := a.Read(make([]byte, 1))
		var ne net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("read returned after %v", d)
		}
		a.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			b.Write([]byte("x"))
		}()
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("read after the deadline was taken away: %v", err)
		}
		// Nobody reads at b, so a write of more than both buffers has to stop.
		a.SetWriteDeadline(time.Now().Add(20 * time.Second))
		n, err := a.Write(make([]byte, 20<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 20<<20 {
			t.Errorf("write: %d, %v", n, err)
		}
		a.SetWriteDeadline(time.Now().Add(-time.Second))
		if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write after the deadline: %v", err)
		}
		// A deadline set during a Read ends it.
		go func() {
			time.Sleep(time.Second)
			b.SetReadDeadline(time.Now())
		}()
		for err = nil; err == nil; {
			_, err = b.Read(make([]byte, 1<<20))
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read with a late deadline: %v", err)
		}
	})
}

func TestSlowReaderChokesSender(t *testing.T) {
	bubble(t, simnet.Link{Delay: 20 * time.Millisecond, Loss: 0.02}, func(t *testing.T, w *world) {
		a, b := w.connect()
		data := pattern(8 << 20)
		go func() {
			a.Write(data)
			a.Close()
		}()
		time.Sleep(30 * time.Second)
		held := w.b.Stats().Held
		if held == 0 || held > 1500 {
			t.Errorf("%d packets are held", held)
		}
		got := make([]byte, 0, len(data))
		p := make([]byte, 100<<10)
		for range 40 {
			n, err := b.Read(p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p[:n]...)
			time.Sleep(500 * time.Millisecond)
		}
		got = append(got, readAll(t, b)...)
		if !bytes.Equal(got, data) {
			t.Fatalf("%d of %d bytes", len(got), len(data))
		}
		s := w.b.Stats()
		if s.Chokes == 0 || w.a.Stats().Choked == 0 {
			t.Errorf("no choking: %+v", s)
		}
		t.Logf("chokes %d, dropped because full %d, sender sent again %d, probes %d", s.Chokes,
			s.Drops[streaming.DropFull], w.a.Stats().Retransmitted, w.a.Stats().Probes)
		b.Close()
	})
}

func TestChokedForHoursGoesOn(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		data := pattern(6 << 20)
		go func() {
			a.Write(data)
			a.Close()
		}()
		time.Sleep(3 * time.Hour)
		if got := readAll(t, b); !bytes.Equal(got, data) {
			t.Fatalf("%d of %d bytes", len(got), len(data))
		}
		b.Close()
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

func TestPeerThatVanishes(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		time.Sleep(time.Second)
		w.sb.SetLink(simnet.Link{Loss: 1})
		w.sa.SetLink(simnet.Link{Loss: 1})
		start := time.Now()
		a.Write([]byte("anybody?"))
		_, err := a.Read(make([]byte, 1))
		if !errors.Is(err, streaming.ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d < time.Minute || d > 3*time.Minute {
			t.Errorf("gave up after %v", d)
		}
		if w.sa.Count().Reroutes < 3 {
			t.Errorf("path was changed %d times", w.sa.Count().Reroutes)
		}
		_, err = b.Read(make([]byte, 1)) // b has nothing to say: it is idle
		if !errors.Is(err, streaming.ErrTimeout) || time.Since(start) < 55*time.Minute {
			t.Errorf("idle end: %v after %v", err, time.Since(start))
		}
	})
}

func TestKeepAliveHoldsIdleConnection(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		time.Sleep(12 * time.Hour)
		a.Write([]byte("still there"))
		got := make([]byte, 11)
		if _, err := io.ReadFull(b, got); err != nil {
			t.Fatal(err)
		}
		if n := w.sa.Count().Sent; n > 12*60*2 {
			t.Errorf("%d packets in 12 idle hours", n)
		}
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

func TestRunEndsEverything(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		l, _ := w.b.Listen(0)
		a, b := w.connectTo(l)
		errs := make(chan error, 3)
		go func() { _, err := a.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := b.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := l.Accept(); errs <- err }()
		synctest.Wait()
		w.end()
		for range 3 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) && !errors.Is(err, streaming.ErrReset) {
				t.Errorf("%v", err)
			}
		}
		if _, err := w.a.Dial(t.Context(), w.kb.Destination, 80); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial after the end: %v", err)
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

func TestCloseReadDiscards(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		b.Write(pattern(100 << 10))
		time.Sleep(time.Second)
		if err := a.CloseRead(); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := b.Write(pattern(4 << 20)); err != nil {
			t.Errorf("the writer is not to notice: %v", err)
		}
		a.Write([]byte("go on"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(b, got); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if n := w.a.Stats().Held; n != 0 {
			t.Errorf("%d packets held for nobody", n)
		}
		a.Close()
		if err := a.CloseRead(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("CloseRead after Close: %v", err)
		}
		if err := a.CloseWrite(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("CloseWrite after Close: %v", err)
		}
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
