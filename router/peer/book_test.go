package peer_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

var errRefused = errors.New("connection refused")

func book(private bool) *peer.Book {
	return peer.New(peer.Config{Private: private}, clock.New(), rand.New(rand.NewPCG(1, 2)))
}

func hash(i int) (h i2p.Hash) {
	binary.BigEndian.PutUint64(h[:], uint64(i)+1)
	return h
}

func TestBackOffGrowsAndEnds(t *testing.T) {
	for _, test := range []struct {
		name           string
		private        bool
		fail           func(*peer.Book)
		recover        func(*peer.Book)
		pauses         []time.Duration
		recoverPauseIs time.Duration
	}{
		{
			"dial", false, func(b *peer.Book) { b.Failed(hash(1), errRefused) }, func(b *peer.Book) { b.Connected(hash(1)) },
			[]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 8 * time.Minute}, 30 * time.Second,
		},
		{
			"refusal", false, func(b *peer.Book) { b.Replied(hash(1), 30) }, func(b *peer.Book) { b.Replied(hash(1), 0) },
			[]time.Duration{30 * time.Second, time.Minute}, 30 * time.Second,
		},
		{
			"silence", false, func(b *peer.Book) { b.TimedOut([]i2p.Hash{hash(1), hash(2)}) }, func(b *peer.Book) { b.Replied(hash(1), 0) },
			[]time.Duration{0, 30 * time.Second, time.Minute}, 0,
		},
		{
			"dial in a private network", true, func(b *peer.Book) { b.Failed(hash(1), errRefused) }, func(b *peer.Book) { b.Connected(hash(1)) },
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 20 * time.Second}, time.Second,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := book(test.private)
				check := func(want time.Duration) {
					t.Helper()
					if want > 0 {
						if b.Good(hash(1)) {
							t.Errorf("good during a pause of %v", want)
						}
						time.Sleep(want - time.Millisecond)
						if b.Good(hash(1)) {
							t.Errorf("good before %v", want)
						}
						time.Sleep(time.Millisecond)
					}
					if !b.Good(hash(1)) {
						t.Errorf("not good after %v", want)
					}
				}
				for _, p := range test.pauses {
					test.fail(b)
					check(p)
				}
				test.fail(b)
				test.recover(b)
				if !b.Good(hash(1)) {
					t.Error("success does not end the pause")
				}
				test.fail(b)
				check(test.recoverPauseIs)
			})
		})
	}
}

func TestRefusedTunnelsSayNothingOfReach(t *testing.T) {
	b := book(false)
	b.Replied(hash(1), 30)
	if b.Good(hash(1)) || !b.Reaches(hash(1)) {
		t.Error("a router that refuses a tunnel can be reached")
	}
	b.Failed(hash(1), errRefused)
	if b.Reaches(hash(1)) {
		t.Error("a router that refuses a connection cannot be reached")
	}
	b.Connected(hash(1))
	if b.Good(hash(1)) {
		t.Error("a connection is no agreement to a tunnel")
	}
}

func TestCountsDecay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := book(false)
		for range 4 {
			b.Replied(hash(1), 0)
			b.Tested([]i2p.Hash{hash(1)}, true)
		}
		b.Tested([]i2p.Hash{hash(1), hash(2)}, false)
		time.Sleep(20 * time.Minute)
		p, ok := b.Profile(hash(1))
		if !ok || p.Agreed != 2 || p.TestsPassed != 2 || p.TestsLost != 0.25 {
			t.Errorf("profile = %+v, want the halves", p)
		}
		if _, ok := b.Profile(hash(3)); ok {
			t.Error("a router that nothing is known of has a profile")
		}
	})
}

// Who is banned is not for the Book to say, and not to be used.
func TestBannedRoutersAreNotGood(t *testing.T) {
	b := peer.New(peer.Config{Banned: func(h i2p.Hash) bool { return h == hash(1) }}, clock.New(), rand.New(rand.NewPCG(1, 2)))
	if b.Good(hash(1)) || b.Reaches(hash(1)) || !b.Good(hash(2)) || !b.Reaches(hash(2)) {
		t.Error("a banned router is good, or another is not")
	}
}

func TestProfilesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := book(false)
		b.Connected(hash(0))
		for i := range 25_000 {
			b.Failed(hash(i+1), errRefused)
			if i%1000 == 0 {
				time.Sleep(time.Second)
				b.Connected(hash(0)) // in use
			}
		}
		if s := b.Stats(); s.Profiles != 20_000 {
			t.Errorf("%d profiles, want the bound", s.Profiles)
		}
		if _, ok := b.Profile(hash(0)); !ok {
			t.Error("a profile in use was evicted")
		}
	})
}
