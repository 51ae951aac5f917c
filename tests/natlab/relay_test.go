//go:build linux

package natlab_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clove.i2p/tests/natlab"
)

// newWire is a host with a relay, a host without, and a socket on each: the one behind the relay knows the other.
func newWire(t *testing.T) (h *natlab.Host, behind, far *natlab.Probe, farAt netip.AddrPort) {
	t.Helper()
	l := newLab(t)
	h = newHost(t, l, natlab.Spec{Name: "behind", Relay: true})
	other := newHost(t, l, natlab.Spec{Name: "far"})
	behind, far = newProbe(t, h, 9200), newProbe(t, other, 9200)
	return h, behind, far, netip.AddrPortFrom(other.Outside(), 9200)
}

// numbers sends words of a size that begin with 0, 1, 2 ..., and returns the numbers that arrive, in that order. It waits
// for some of them for as long as it takes, and then until there come no more.
func numbers(t *testing.T, from, to *natlab.Probe, at netip.AddrPort, count, size, some int) (got []int, words []string) {
	t.Helper()
	for i := range count {
		send(t, from, at, pad(i, size))
	}
	var all []natlab.Word
	for len(all) < some {
		w, err := to.Receive(10 * time.Second)
		if err != nil {
			t.Fatalf("after %d packets: %v", len(all), err)
		}
		all = append(all, w)
	}
	more, err := to.Drain(quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range append(all, more...) {
		number, _, _ := strings.Cut(w.Text, " ")
		n, _ := strconv.Atoi(number)
		got = append(got, n)
		words = append(words, w.Text)
	}
	return got, words
}

func pad(i, size int) string {
	s := strconv.Itoa(i) + " "
	return s + strings.Repeat("x", max(0, size-len(s)))
}

func TestRelayPassesEverythingInOrder(t *testing.T) {
	_, behind, far, at := newWire(t)
	got, _ := numbers(t, behind, far, at, 60, 1472, 60)
	if len(got) != 60 || !slices.IsSorted(got) {
		t.Errorf("%d of 60 arrive, in order: %t", len(got), slices.IsSorted(got))
	}
}

func TestLossIsThatOfItsSeed(t *testing.T) {
	h, behind, far, at := newWire(t)
	h.Uplink().SetOut(natlab.Impairment{Loss: 0.3})
	var runs [3][]int
	for i, seed := range []uint64{7, 7, 8} {
		h.Uplink().Seed(seed)
		runs[i], _ = numbers(t, behind, far, at, 200, 100, 100)
		if n := len(runs[i]); n > 180 {
			t.Errorf("%d of 200 arrive at a loss of 30 %%", n)
		}
	}
	if !slices.Equal(runs[0], runs[1]) {
		t.Error("another loss with the same seed")
	}
	if slices.Equal(runs[0], runs[2]) {
		t.Error("the same loss with another seed")
	}
	out, in := h.Uplink().Counts()
	if want := 600 - len(runs[0]) - len(runs[1]) - len(runs[2]); out.Lost != want || in.Lost != 0 {
		t.Errorf("counted %d and %d lost, want %d and none", out.Lost, in.Lost, want)
	}
}

func TestImpairmentsOfARelay(t *testing.T) {
	h, behind, far, at := newWire(t)
	const count, size = 60, 1000 // what a receive buffer of the usual size has room for
	for _, test := range []struct {
		name       string
		impairment natlab.Impairment
		some       int // of the packets arrive for sure
		check      func(t *testing.T, got []int, words []string, took time.Duration)
	}{
		{"nothing", natlab.Impairment{}, count, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) != count {
				t.Errorf("%d arrive", len(got))
			}
		}},
		{"delay", natlab.Impairment{Delay: 150 * time.Millisecond}, count, func(t *testing.T, got []int, _ []string, took time.Duration) {
			if len(got) != count || took < quiet+150*time.Millisecond {
				t.Errorf("%d arrive in %v", len(got), took-quiet)
			}
		}},
		{"jitter", natlab.Impairment{Jitter: 100 * time.Millisecond}, count, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) != count || slices.IsSorted(got) {
				t.Errorf("%d arrive, in order: %t", len(got), slices.IsSorted(got))
			}
		}},
		{"reorder", natlab.Impairment{Reorder: 0.1, ReorderBy: 100 * time.Millisecond}, count, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) != count || slices.IsSorted(got) {
				t.Errorf("%d arrive, in order: %t", len(got), slices.IsSorted(got))
			}
		}},
		{"duplicate", natlab.Impairment{Duplicate: 0.5}, count, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) < count*5/4 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != count {
				t.Errorf("%d arrive", len(got))
			}
		}},
		{"corrupt", natlab.Impairment{Corrupt: 0.5}, count, func(t *testing.T, got []int, words []string, _ time.Duration) {
			wrong := 0
			for i, w := range words {
				if w != pad(i, size) {
					wrong++
				}
			}
			// The kernel would have dropped those with a wrong checksum.
			if len(words) != count || wrong < count/4 || wrong > count*3/4 {
				t.Errorf("%d arrive, of which %d are changed", len(words), wrong)
			}
		}},
		{"black hole below", natlab.Impairment{MaxSize: size + 28}, count, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) != count {
				t.Errorf("%d arrive", len(got))
			}
		}},
		{"black hole above", natlab.Impairment{MaxSize: size + 27}, 0, func(t *testing.T, got []int, _ []string, _ time.Duration) {
			if len(got) != 0 {
				t.Errorf("%d arrive", len(got))
			}
		}},
		{"rate", natlab.Impairment{Rate: 120e3, Queue: 1 << 20}, count, func(t *testing.T, got []int, _ []string, took time.Duration) {
			if len(got) != count || took < quiet+450*time.Millisecond { // 62 kB
				t.Errorf("%d arrive in %v", len(got), took-quiet)
			}
		}},
		{"rate and a short queue", natlab.Impairment{Rate: 200e3, Queue: 20 << 10}, 15, func(t *testing.T, got []int, _ []string, took time.Duration) {
			if len(got) < 15 || len(got) >= count {
				t.Errorf("%d arrive", len(got))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.Uplink().Seed(3)
			h.Uplink().SetOut(test.impairment)
			began := time.Now()
			got, words := numbers(t, behind, far, at, count, size, test.some)
			test.check(t, got, words, time.Since(began))
		})
	}
}

// IPv6 has no NAT here: a host is public, or behind a firewall that lets answers in.
func TestIPv6(t *testing.T) {
	l := newLab(t)
	a := newHost(t, l, natlab.Spec{Name: "a"})
	for _, kind := range []natlab.Kind{natlab.Public, natlab.Firewalled} {
		t.Run(kind.String(), func(t *testing.T) {
			h := newHost(t, l, natlab.Spec{Kind: kind})
			from, err := a.NewProbe6(9201)
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			to, err := h.NewProbe6(9202)
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			send(t, from, netip.AddrPortFrom(h.Outside6(), 9202), "unsolicited")
			want := "unsolicited"
			if kind == natlab.Firewalled {
				want = ""
			}
			if got := words(t, to); got != want {
				t.Errorf("%q arrives, want %q", got, want)
			}
			if got := seen(t, to, from, netip.AddrPortFrom(a.Outside6(), 9201)); got != netip.AddrPortFrom(h.Outside6(), 9202) {
				t.Errorf("seen as %v", got)
			}
			send(t, from, netip.AddrPortFrom(h.Outside6(), 9202), "answer")
			if got := words(t, to); got != "answer" {
				t.Errorf("%q arrives instead of an answer", got)
			}
		})
	}
	if h := newHost(t, l, natlab.Spec{Kind: natlab.FullCone}); h.Outside6().IsValid() {
		t.Error("a host behind a NAT box has an address of IPv6")
	}
}
