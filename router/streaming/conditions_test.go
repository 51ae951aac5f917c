package streaming_test

import (
	"testing"
	"time"

	"clove.i2p/tests/simnet"
)

// TestTransferUnderConditions moves data through links as tunnels make them. The numbers are printed; what is
// asserted is that everything arrives, and a share of what the link could carry.
func TestTransferUnderConditions(t *testing.T) {
	const mb = 1e6
	ms := time.Millisecond
	size := 20 << 20
	if testing.Short() {
		size = 4 << 20
	}
	for _, c := range []struct {
		name  string
		link  simnet.Link
		least float64 // MB/s
		again float64 // most packets sent again, as a share
	}{
		{"round trip 5 ms", simnet.Link{Delay: 2500 * time.Microsecond}, 40, 0},
		{"round trip 20 ms", simnet.Link{Delay: 10 * ms}, 15, 0},
		{"round trip 1 s", simnet.Link{Delay: 500 * ms}, 0.15, 0},
		{"loss 5 % of everything", simnet.Link{Delay: 50 * ms, Loss: 0.05}, 1, 0.07},
		{"loss 10 % of everything", simnet.Link{Delay: 50 * ms, Loss: 0.10}, 0.3, 0.15},
		{"jitter of half the delay", simnet.Link{Delay: 50 * ms, Jitter: 25 * ms}, 1.5, 0.02},
		{"jitter in order", simnet.Link{Delay: 50 * ms, Jitter: 25 * ms, Ordered: true}, 1.5, 0.01},
		{"reordering", simnet.Link{Delay: 50 * ms, Reorder: 0.05, ReorderBy: 20 * ms}, 1.5, 0.02},
		{"reordering and duplicates", simnet.Link{Delay: 50 * ms, Reorder: 0.05, ReorderBy: 20 * ms, Duplicate: 0.05, Loss: 0.01}, 1.5, 0.05},
		{"2 MB/s, queue of a round trip", simnet.Link{Delay: 50 * ms, Rate: 2 * mb, Queue: 0.2 * mb}, 1.4, 0.05},
		{"500 kB/s, queue of 64 kB", simnet.Link{Delay: 50 * ms, Rate: 0.5 * mb, Queue: 64000}, 0.3, 0.1},
		{"500 kB/s, queue without end", simnet.Link{Delay: 50 * ms, Rate: 0.5 * mb, Queue: 1 << 30}, 0.4, 0.01},
		{"100 kB/s, a hard limit", simnet.Link{Delay: 100 * ms, Rate: 0.1 * mb, Queue: 8000}, 0.05, 0.25},
	} {
		n := size
		if c.least < 1 {
			n = size / 4
		}
		goodput, s := transfer(t, c.link, n)
		again := float64(s.Retransmitted) / float64(s.PacketsOut)
		t.Logf("%-32s %6.2f MB/s, again %5.2f %%, probes %d, timeouts %d, spurious %d", c.name, goodput/mb, again*100,
			s.Probes, s.Timeouts, s.Spurious)
		if !testing.Short() && goodput/mb < c.least {
			t.Errorf("%s: %.2f MB/s, want %.2f", c.name, goodput/mb, c.least)
		}
		if again > c.again {
			t.Errorf("%s: %.1f %% sent again", c.name, again*100)
		}
	}
}
