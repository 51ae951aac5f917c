package ssu2

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/tests/simnet"
)

// A long session leaves both sides a token that is good.
func TestLongSessionsGiveTokensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, theirs := a.dial(b)
		for range 6 {
			time.Sleep(newTokenLife / 2)
			b.sign(nil)
			a.sign(nil)
			for _, s := range []*session{ours.(*session), theirs.(*session)} {
				s.s.purse.mu.Lock()
				e, ok := s.s.purse.got.entries[s.remoteNow()]
				s.s.purse.mu.Unlock()
				if !ok || time.Until(e.expires) < 8*time.Minute {
					t.Fatalf("after %v: a token for %v", time.Since(s.since), time.Until(e.expires))
				}
			}
		}
	})
}
