package transport

import (
	"crypto/rand"
	"testing"
	"time"
)

func TestReplayCacheCoversTwiceTheSkew(t *testing.T) {
	const skew = time.Minute
	var c ReplayCache
	now := time.Unix(1e9, 0)
	if !c.Add([32]byte{1}, now) {
		t.Fatal("new key refused")
	}
	for range 50 { // other keys turn the windows
		now = now.Add(2 * skew / 50)
		k := [32]byte{2}
		rand.Read(k[1:])
		c.Add(k, now)
		if c.Add([32]byte{1}, now) {
			t.Fatal("replay accepted")
		}
	}
	if !c.Add([32]byte{1}, now.Add(2*replayWindow)) {
		t.Fatal("never forgotten")
	}
	for i := range 3 * maxReplayEntries {
		c.Add([32]byte{byte(i), byte(i >> 8), byte(i >> 16), 7}, now)
	}
	if n := len(c.now) + len(c.old); n > 2*maxReplayEntries {
		t.Fatalf("%d entries", n)
	}
}
