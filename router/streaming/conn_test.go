package streaming_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
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

// An abort is no end of the data: neither what waits to be sent nor an orderly CLOSE goes out.
func TestLingerZeroMakesCloseAnAbort(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		go func() { a.Write(pattern(1 << 20)) }()
		if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		a.SetLinger(0)
		a.Close()
		if _, err := io.Copy(io.Discard, b); !errors.Is(err, streaming.ErrReset) {
			t.Errorf("the peer reads %v", err)
		}
		if n := w.a.Stats().Conns; n != 0 {
			t.Errorf("%d streams are left", n)
		}
		c, d := w.connect()
		c.SetLinger(0)
		c.SetLinger(-1)
		c.Write([]byte("bye"))
		c.Close()
		if got := readAll(t, d); string(got) != "bye" {
			t.Errorf("%q", got)
		}
	})
}
