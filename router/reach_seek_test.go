package router

import (
	"testing"
	"time"

	"clove.i2p/router/i2p"
)

// While nothing comes of it, introducers are sought ever less often; one that goes is missed at once.
func TestIntroducersAreSoughtEverLessOften(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	var s seek
	count := func(missing int, from, to time.Duration) (n int) {
		for at := from; at < to; at += reachInterval {
			if s.due(start.Add(at), missing) {
				n++
			}
		}
		return n
	}
	if n := count(0, 0, time.Hour); n != 0 {
		t.Errorf("sought %d times without need", n)
	}
	if n := count(3, time.Hour, 2*time.Hour); n < 12 || n > 20 {
		t.Errorf("sought %d times in an hour", n)
	}
	if n := count(2, 2*time.Hour, 2*time.Hour+reachInterval); n != 1 {
		t.Error("one was found, and the others wait")
	}
	if count(0, 3*time.Hour, 3*time.Hour+1); count(3, 4*time.Hour, 4*time.Hour+1) != 1 {
		t.Error("all have gone, and nobody looks")
	}
}

func TestRoutersThatWereSoughtHaveARest(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := seek{sought: map[i2p.Hash]time.Time{}}
	for i := range maxSought {
		s.sought[i2p.Hash{byte(i), byte(i >> 8), 1}] = now
	}
	if s.room(now.Add(seekAgain-1)) || len(s.sought) != maxSought {
		t.Error("room for more than there may be")
	}
	if !s.room(now.Add(seekAgain)) || len(s.sought) != 0 {
		t.Error("they are remembered for ever")
	}
}
