package router

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// hear has n routers, from number first on, tell a time.
func hear(note func(i2p.Hash, time.Duration), clk *clock.Clock, first, n int, local time.Duration) {
	for i := range n {
		note(i2p.Hash{byte(first + i)}, local-clk.Offset())
	}
}

func TestSkewFollowsTheMedian(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s skew
		clk := clock.New()
		note := s.note(clk)
		hear(note, clk, 0, skewPeers-1, time.Minute)
		if clk.Offset() != 0 {
			t.Fatal("corrected too early")
		}
		hear(note, clk, skewPeers-1, 1, time.Minute)
		if clk.Offset() != time.Minute {
			t.Fatalf("offset %v", clk.Offset())
		}
		hear(note, clk, 100, skewPeers-1, time.Hour) // liars
		if clk.Offset() != time.Minute {
			t.Fatalf("a minority moved it to %v", clk.Offset())
		}
		hear(note, clk, 10, skewMost, time.Minute)
		hear(note, clk, 110, 140, time.Hour)
		if clk.Offset() != time.Minute {
			t.Fatalf("a crowd that came later moved it to %v", clk.Offset())
		}
	})
}

func TestSkewIsForgotten(t *testing.T) {
	for name, change := range map[string]func(*skew){
		"with age":                    func(*skew) { time.Sleep(skewAge) },
		"when the local clock is set": func(s *skew) { s.step -= 10 * time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s skew
				clk := clock.New()
				note := s.note(clk)
				hear(note, clk, 0, skewMost, 10*time.Minute)
				change(&s)
				hear(note, clk, 100, skewPeers, 0) // the local clock is right by now
				if clk.Offset() != 0 {
					t.Fatalf("offset is still %v", clk.Offset())
				}
			})
		})
	}
}
