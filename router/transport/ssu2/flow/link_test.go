package flow_test

import (
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/flow"
)

const ms = time.Millisecond

// mixed sizes: mostly tunnel messages, some small ones, some of several fragments, a few of the largest.
func mixed(s *sim) func() int {
	return func() int {
		switch n := s.random.IntN(100); {
		case n < 60:
			return 1037
		case n < 75:
			return 9 + s.random.IntN(200)
		case n < 95:
			return 1200 + s.random.IntN(3000)
		case n < 99:
			return 4000 + s.random.IntN(20000)
		}
		return 60000 + s.random.IntN(5516)
	}
}

func tunnelData() int { return 1037 }

// TestEveryMessageArrivesOnce sends over bad links in both directions at once.
func TestEveryMessageArrivesOnce(t *testing.T) {
	cases := []struct {
		name string
		link link
		mtu  int
	}{
		{"perfect", link{delay: 25 * ms}, 0},
		{"fast", link{delay: 50 * time.Microsecond}, 0},
		{"no delay", link{}, 0},
		{"slow", link{delay: 300 * ms}, 0},
		{"loss 1 %", link{delay: 25 * ms, loss: .01}, 0},
		{"loss 5 %", link{delay: 25 * ms, loss: .05}, 1500},
		{"loss 10 %", link{delay: 25 * ms, loss: .10}, 0},
		{"loss 30 %", link{delay: 10 * ms, loss: .30}, 0},
		{"jitter", link{delay: 25 * ms, jitter: 10 * ms}, 0},
		{"reordering", link{delay: 25 * ms, reorder: .1, late: 20 * ms}, 1500},
		{"far reordering", link{delay: 10 * ms, reorder: .05, late: 60 * ms}, 0},
		{"duplication", link{delay: 25 * ms, duplicate: .3}, 0},
		{"bursts", link{delay: 25 * ms, burst: .002, burstLen: 20 * ms}, 0},
		{"bottleneck", link{delay: 25 * ms, rate: 1e6, queue: 60_000}, 0},
		{"bufferbloat", link{delay: 25 * ms, rate: 500e3, queue: 500_000}, 0},
		{"everything", link{delay: 30 * ms, jitter: 5 * ms, loss: .05, reorder: .02, late: 15 * ms, duplicate: .02, burst: .0005, burstLen: 10 * ms, rate: 2e6, queue: 100_000}, 1500},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSim(t, 3)
			ab, ba := c.link, c.link
			a, b := s.pair(&ab, &ba, func(f *flow.Config) { f.MTU, f.Discover = c.mtu, true })
			total := 4 << 20
			if race {
				total = 256 << 10
			}
			start := s.now
			a.feed(total, 300, mixed(s))
			b.feed(total, 300, mixed(s))
			if !s.run(300*time.Second, func() bool { return a.done() && b.done() && a.sentBytes >= total && b.sentBytes >= total }) {
				t.Error("not done")
			}
			check(t, a, b)
			check(t, b, a)
			st := a.f.Stats()
			t.Logf("%s, %s; lost %d of %d (%d by the link), spurious %d, resent %d, timeouts %d, window %d, mtu %d",
				rate(b.gotBytes, b.last.Sub(start)), rate(a.gotBytes, a.last.Sub(start)), st.Lost, st.PacketsOut, ab.dropped, st.Spurious, st.Resent, st.Probes, st.Window, st.MTU)
			if st.Spurious*10 > st.PacketsOut {
				t.Errorf("%d spurious losses in %d packets", st.Spurious, st.PacketsOut)
			}
		})
	}
}

// TestGoodputUnderLoss measures 20 MiB of tunnel messages with a round trip of 50 ms. NewReno has 1.22/sqrt(p) packets per round trip.
func TestGoodputUnderLoss(t *testing.T) {
	long(t)
	for _, c := range []struct{ loss, least float64 }{{0, 6e6}, {.01, 5e6}, {.05, 4e6}, {.10, 1e6}, {.30, 120e3}} {
		t.Run(fmt.Sprint(c.loss), func(t *testing.T) {
			s := newSim(t, 7)
			ab, ba := &link{delay: 25 * ms, loss: c.loss}, &link{delay: 25 * ms, loss: c.loss}
			a, b := s.pair(ab, ba, nil)
			const total = 20 << 20
			start := s.now
			a.feed(total, 900, tunnelData)
			s.run(300*time.Second, func() bool { return a.done() && a.sentBytes >= total })
			check(t, a, b)
			goodput := float64(b.gotBytes) / b.last.Sub(start).Seconds()
			t.Logf("%.0f KB/s; packets %d, resent %d, trains %d", goodput/1e3, a.packets, a.f.Stats().Resent, a.trains)
			if goodput < c.least {
				t.Errorf("%.0f bytes/s", goodput)
			}
		})
	}
}

// TestBottleneckIsFilled has a queue of one bandwidth-delay product.
func TestBottleneckIsFilled(t *testing.T) {
	long(t)
	for _, c := range []struct {
		loss  float64
		queue int
		least float64
	}{{0, 50_000, .85}, {.01, 50_000, .8}, {.05, 50_000, .7}, {0, 250_000, .85}, {0, 15_000, .7}} {
		t.Run(fmt.Sprintf("loss %v queue %d", c.loss, c.queue), func(t *testing.T) {
			s := newSim(t, 11)
			ab, ba := &link{delay: 25 * ms, rate: 1e6, queue: c.queue, loss: c.loss}, &link{delay: 25 * ms, loss: c.loss}
			a, b := s.pair(ab, ba, nil)
			a.feed(1<<30, 400, tunnelData)
			s.run(5*time.Second, nil)
			before, lost := b.gotBytes, ab.tail
			s.run(30*time.Second, nil)
			share := float64(b.gotBytes-before) / 30 / 1e6
			t.Logf("%.1f %% of the link, %d of %d lost at the queue, %+v", share*100, ab.tail-lost, ab.sent, a.f.Stats())
			if share < c.least {
				t.Errorf("%.1f %% of the link", share*100)
			}
			if ab.tail*5 > ab.sent {
				t.Errorf("%d of %d packets lost at the queue", ab.tail, ab.sent)
			}
		})
	}
}

// TestFlowsShareABottleneck starts one flow 10 s after the other.
func TestFlowsShareABottleneck(t *testing.T) {
	long(t)
	for _, queue := range []int{25_000, 100_000} {
		for _, loss := range []float64{0, .02} {
			t.Run(fmt.Sprintf("queue %d loss %v", queue, loss), func(t *testing.T) {
				s := newSim(t, 5)
				shared := &link{delay: 25 * ms, rate: 1e6, queue: queue, loss: loss}
				back := &link{delay: 25 * ms, loss: loss}
				a, b := s.pair(shared, back, nil)
				a.feed(1<<30, 400, tunnelData)
				s.run(10*time.Second, nil)
				c, d := s.pair(shared, back, nil)
				c.feed(1<<30, 400, tunnelData)
				s.run(10*time.Second, nil)
				b0, d0 := b.gotBytes, d.gotBytes
				s.run(40*time.Second, nil)
				x, y := float64(b.gotBytes-b0)/40, float64(d.gotBytes-d0)/40
				jain := (x + y) * (x + y) / (2 * (x*x + y*y))
				t.Logf("%.0f and %.0f KB/s, Jain %.3f, %v and %v", x/1e3, y/1e3, jain, a.f.Stats().MinRTT, c.f.Stats().MinRTT)
				if jain < .8 {
					t.Errorf("unfair: %.3f", jain)
				}
				if x+y < .75e6 {
					t.Errorf("%.0f bytes/s of 1 MB/s", x+y)
				}
			})
		}
	}
}

// TestManyFlowsShareABottleneck: flows that are all near their least windows leave it a queue, which none takes for the path.
func TestManyFlowsShareABottleneck(t *testing.T) {
	long(t)
	for _, seed := range []uint64{5, 6} {
		s := newSim(t, seed)
		shared, back := &link{delay: 25 * ms, rate: 4e6, queue: 200_000}, &link{delay: 25 * ms}
		var to []*end
		for range 12 {
			a, b := s.pair(shared, back, nil)
			a.feed(1<<30, 400, tunnelData)
			to = append(to, b)
		}
		s.run(5*time.Second, nil)
		sent, lost, got := shared.sent, shared.tail, 0
		for _, b := range to {
			got -= b.gotBytes
		}
		s.run(10*time.Second, nil)
		for _, b := range to {
			got += b.gotBytes
		}
		sent, lost = shared.sent-sent, shared.tail-lost
		t.Logf("%d KB/s, %d of %d lost at the queue", got/10_000, lost, sent)
		if lost*50 > sent {
			t.Errorf("%d of %d packets lost at the queue", lost, sent)
		}
		if got < 35_000_000 {
			t.Errorf("%d bytes in 10 s of 40 MB", got)
		}
	}
}

// TestPathThatGetsLonger loses packets at random after its round trip went from 1 to 20 ms, as when a route changes: the longer time is no queue.
func TestPathThatGetsLonger(t *testing.T) {
	s := newSim(t, 3)
	ab, ba := &link{delay: ms / 2}, &link{delay: ms / 2}
	a, b := s.pair(ab, ba, nil)
	a.feed(1<<30, 400, tunnelData)
	s.run(2*time.Second, nil)
	ab.delay, ba.delay, ab.loss, ba.loss = 10*ms, 10*ms, .01, .01
	s.run(3*time.Second, nil)
	before := b.gotBytes
	s.run(5*time.Second, nil)
	rate := float64(b.gotBytes-before) / 5
	t.Logf("%.0f KB/s", rate/1e3)
	if rate < 4e6 { // at the least window it is some 900 KB/s
		t.Errorf("%.0f bytes/s", rate)
	}
}
