package streaming_test

import (
	"io"
	"testing"
	"time"

	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

// flow writes without end from a to b and returns a function that counts what b read in the next d.
func flow(t *testing.T, w *world) func(d time.Duration) float64 {
	a, b := w.connect()
	t.Cleanup(func() { a.Close(); b.Close() })
	go func() {
		p := make([]byte, 64<<10)
		for {
			if _, err := a.Write(p); err != nil {
				return
			}
		}
	}()
	read := make(chan int, 1<<16)
	go func() {
		p := make([]byte, 64<<10)
		for {
			n, err := b.Read(p)
			if err != nil {
				close(read)
				return
			}
			read <- n
		}
	}()
	return func(d time.Duration) (sum float64) {
		end := time.After(d)
		for {
			select {
			case n, ok := <-read:
				if !ok {
					t.Fatal("the stream ended")
				}
				sum += float64(n)
			case <-end:
				return sum
			}
		}
	}
}

// TestOutageIsOvercome: a tunnel dies, and the next one is as good as the last.
func TestOutageIsOvercome(t *testing.T) {
	for _, gap := range []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second} {
		bubble(t, wan, func(t *testing.T, w *world) {
			count := flow(t, w)
			count(3 * time.Second)
			before := count(3 * time.Second)
			w.sa.SetLink(simnet.Link{Loss: 1})
			count(gap)
			w.sa.SetLink(wan)
			recovered := time.Duration(0)
			for recovered < time.Minute {
				if count(100*time.Millisecond) > before/30/2 {
					break
				}
				recovered += 100 * time.Millisecond
			}
			t.Logf("after %v without packets, half the pace is back after %v; %d timeouts", gap, recovered, w.a.Stats().Timeouts)
			if recovered > gap+3*time.Second {
				t.Errorf("took %v", recovered)
			}
		})
	}
}

// TestLongerPathKeepsTheWindow: the round trip changes when a tunnel is replaced; that is no reason to begin anew.
func TestLongerPathKeepsTheWindow(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		count := flow(t, w)
		count(5 * time.Second)
		slow := simnet.Link{Delay: 150 * time.Millisecond}
		w.sa.SetLink(slow)
		w.sb.SetLink(slow)
		count(2 * time.Second)
		got := count(6*time.Second) / 6
		full := 255 * 1812 / 0.3
		t.Logf("%.2f of a full window on the longer path, timeouts %d, spurious %d", got/full, w.a.Stats().Timeouts, w.a.Stats().Spurious)
		if got < 0.6*full {
			t.Errorf("%.2f of a full window", got/full)
		}
		w.sa.SetLink(wan)
		w.sb.SetLink(wan)
		count(2 * time.Second)
		if got := count(3*time.Second) / 3; got < 0.6*255*1812/0.1 {
			t.Errorf("back on the short path: %.2f MB/s", got/1e6)
		}
	})
}

// TestLostAcknowledgements: they are cumulative, so a third of them suffices.
func TestLostAcknowledgements(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		count := flow(t, w)
		count(5 * time.Second)
		w.sb.SetLink(simnet.Link{Delay: 50 * time.Millisecond, Loss: 0.3})
		before := w.a.Stats().Retransmitted
		got := count(5*time.Second) / 5
		if again := w.a.Stats().Retransmitted - before; got < 3e6 || again > 50 {
			t.Errorf("%.2f MB/s, %d packets sent again", got/1e6, again)
		}
	})
}

// TestLonelyPacketIsProbed: the last packet of an exchange is not followed by one that shows its loss.
func TestLonelyPacketIsProbed(t *testing.T) {
	bubble(t, wan, func(t *testing.T, w *world) {
		a, b := w.connect()
		go io.Copy(b, struct{ io.Reader }{b})
		p := make([]byte, 100)
		worst := time.Duration(0)
		for i := range 200 {
			if i == 10 {
				w.sa.SetLink(simnet.Link{Delay: 50 * time.Millisecond, LossOnce: 0.2})
			}
			start := time.Now()
			a.Write(p)
			if _, err := io.ReadFull(a, p); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(start))
		}
		t.Logf("worst exchange %v, probes %d, timeouts %d", worst, w.a.Stats().Probes, w.a.Stats().Timeouts)
		if worst > 600*time.Millisecond {
			t.Errorf("worst exchange %v", worst)
		}
	})
}

// TestBurstLossOnAPathThatGetsFaster: a queue overflowed, and is empty when the probe comes. Its answer is earlier than any
// before, and yet says that everything else is lost.
func TestBurstLossOnAPathThatGetsFaster(t *testing.T) {
	slow, fast := simnet.Link{Delay: 30 * time.Millisecond}, simnet.Link{Delay: time.Millisecond}
	bubble(t, slow, func(t *testing.T, w *world) {
		a, b := w.connect()
		defer a.Close()
		defer b.Close()
		pass := func(n int) time.Duration {
			start := time.Now()
			if _, err := io.ReadFull(b, make([]byte, n)); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		a.Write(pattern(400_000))
		pass(400_000)
		time.Sleep(time.Second)
		w.sa.SetLink(simnet.Link{Loss: 1})
		a.Write(pattern(40 * streaming.MTURatchet)) // fits the window, and is all that there is
		time.Sleep(20 * time.Millisecond)
		w.sa.SetLink(fast)
		w.sb.SetLink(fast)
		took := pass(40 * streaming.MTURatchet)
		s := w.a.Stats()
		t.Logf("%v; %d probes, %d timeouts, %d sent again", took, s.Probes, s.Timeouts, s.Retransmitted)
		if took > 300*time.Millisecond || s.Probes > 2 {
			t.Errorf("took %v and %d probes", took, s.Probes)
		}
	})
}
