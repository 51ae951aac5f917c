package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/clock"
)

func TestNowFollowsOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		start := c.Now()
		time.Sleep(10 * time.Minute)
		if got := c.Now().Sub(start); got != 10*time.Minute {
			t.Fatalf("advanced %v", got)
		}
		if !c.SetOffset(-30 * time.Second) {
			t.Fatal("offset within the bound refused")
		}
		if got := c.Now().Sub(start); got != 10*time.Minute-30*time.Second {
			t.Fatalf("with offset: %v", got)
		}
		if c.SetOffset(2 * clock.MaxSkew) {
			t.Fatal("offset beyond the bound taken")
		}
		if c.Offset() != -30*time.Second {
			t.Fatalf("offset is now %v", c.Offset())
		}
	})
}
