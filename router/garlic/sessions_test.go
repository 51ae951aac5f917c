package garlic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
)

// Until a reply comes, each message is a New Session of its own, and the one that is answered wins.
func TestManyNewSessionsBeforeTheReply(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	var early [][]byte
	for i := range 6 {
		early = append(early, a.seal(b, fmt.Sprint(i), epoch))
	}
	for _, i := range []int{2, 0, 5, 1} {
		b.mustOpen(early[i], epoch)
	}
	var replies [][]byte
	for i := range 4 {
		replies = append(replies, b.seal(a, fmt.Sprint("r", i), epoch))
	}
	for _, i := range []int{3, 0, 2, 1} {
		a.mustOpen(replies[i], epoch)
	}
	a.say(b, "es", garlic.KindExistingSession, epoch)
	b.say(a, "es", garlic.KindExistingSession, epoch)
	for _, i := range []int{3, 4} { // late ones: their data counts, and one reply is spent on them
		b.mustOpen(early[i], epoch.Add(time.Second))
	}
	b.say(a, "maybe you restarted", garlic.KindNewSessionReply, epoch.Add(time.Second))
	a.say(b, "no", garlic.KindExistingSession, epoch.Add(2*time.Second))
	b.say(a, "fine", garlic.KindExistingSession, epoch.Add(2*time.Second))
	if len(b.got) != 8 || len(a.got) != 7 {
		t.Errorf("bob got %q, alice %q", b.got, a.got)
	}
}

func TestBothSidesStartAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
		now := epoch
		var ab, ba [][]byte
		for i := range 12 {
			now = now.Add(50 * time.Millisecond)
			ab = append(ab, a.seal(b, fmt.Sprint(i), now))
			ba = append(ba, b.seal(a, fmt.Sprint(i), now))
			// The first two cross; afterwards they arrive as they like.
			if i < 1 {
				continue
			}
			for len(ab) > 0 && rnd.IntN(3) > 0 {
				b.mustOpen(ab[0], now)
				ab = ab[1:]
			}
			for len(ba) > 0 && rnd.IntN(3) > 0 {
				a.mustOpen(ba[0], now)
				ba = ba[1:]
			}
		}
		for _, c := range ab {
			b.mustOpen(c, now)
		}
		for _, c := range ba {
			a.mustOpen(c, now)
		}
		if len(a.got) != 12 || len(b.got) != 12 {
			t.Fatalf("seed %d: %d and %d of 12 messages", seed, len(a.got), len(b.got))
		}
		for range 3 {
			a.say(b, "settle", a.k.Next(b.peer, now), now)
			b.say(a, "settle", b.k.Next(a.peer, now), now)
		}
		for range 50 {
			now = now.Add(time.Second)
			a.say(b, "on", garlic.KindExistingSession, now)
			b.say(a, "on", garlic.KindExistingSession, now)
		}
	}
}

func TestPeerThatRestartedIsAnsweredInItsNewSession(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	establish(a, b, epoch)
	now := epoch.Add(10 * time.Second)
	a.k.Forget(b.peer.Key)
	a.say(b, "hello again", garlic.KindNewSession, now)
	b.say(a, "welcome", garlic.KindNewSessionReply, now)
	a.say(b, "es", garlic.KindExistingSession, now)
	b.say(a, "es", garlic.KindExistingSession, now)

	now = now.Add(10 * time.Second) // the responder restarts
	b.k.Forget(a.peer.Key)
	lost := a.seal(b, "lost", now)
	if b.open(lost, now) == nil {
		t.Fatal("opened without a session")
	}
	b.say(a, "hello from bob", garlic.KindNewSession, now)
	a.say(b, "welcome", garlic.KindNewSessionReply, now)
	b.say(a, "es", garlic.KindExistingSession, now)
	a.say(b, "es", garlic.KindExistingSession, now)
}

func TestSilentPeerGetsANewSession(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	establish(a, b, epoch)
	for s := 0; s <= 90; s += 10 {
		a.seal(b, "into the void", epoch.Add(time.Duration(s)*time.Second))
	}
	now := epoch.Add(95 * time.Second)
	a.say(b, "anybody?", garlic.KindNewSession, now)
	b.say(a, "yes", garlic.KindNewSessionReply, now)
	a.say(b, "es", garlic.KindExistingSession, now)
	b.say(a, "es", garlic.KindExistingSession, now)
}

func TestIdleSessionsExpire(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	establish(a, b, epoch)
	a.flush(b, epoch)
	now := epoch.Add(7 * time.Minute)
	a.say(b, "still there", garlic.KindExistingSession, now)
	now = now.Add(8*time.Minute + time.Second)
	if k := a.k.Next(b.peer, now); k != garlic.KindNewSession {
		t.Errorf("after 8 minutes: kind %d", k)
	}
	a.k.Due(now, nil)
	if s := a.k.Stats(); s.Peers != 0 && s.Tags == 0 {
		t.Errorf("tags dropped too early: %+v", s)
	}
	now = now.Add(3 * time.Minute)
	for _, n := range []*node{a, b} {
		n.k.Due(now, nil)
		if s := n.k.Stats(); s.Peers != 0 || s.Tags != 0 {
			t.Errorf("%s: %d peers and %d tags left", n.name, s.Peers, s.Tags)
		}
	}
}

func TestUnansweredNewSessionsExpire(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	for range 20 {
		b.mustOpen(a.seal(b, "x", epoch), epoch)
	}
	if s := a.k.Stats(); s.Tags > 8*16*2 {
		t.Errorf("%d tags of unanswered sessions", s.Tags)
	}
	for _, n := range []*node{a, b} {
		n.k.Due(epoch.Add(4*time.Minute), nil)
		if s := n.k.Stats(); s.Peers != 0 || s.Tags != 0 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// Nobody has anything to say but Alice: the handshake completes all the same.
func TestDueCompletesTheHandshake(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	a.say(b, "ns", garlic.KindNewSession, epoch)
	now := epoch.Add(1100 * time.Millisecond)
	if n := b.flush(a, now); n != 0 {
		t.Fatalf("%d replies to a destination that nobody knows", n)
	}
	b.k.Bind(a.peer.Key, a.peer.Hash)
	if n := b.flush(a, now); n != 1 {
		t.Fatalf("%d replies", n)
	}
	if n := b.flush(a, now.Add(time.Minute)); n != 0 {
		t.Fatal("replied twice without data")
	}
	if n := a.flush(b, now); n != 0 {
		t.Fatal("did not wait for data")
	}
	now = now.Add(1100 * time.Millisecond)
	if n := a.flush(b, now); n != 1 {
		t.Fatal("Bob does not hear that the session is established")
	}
	b.say(a, "es", garlic.KindExistingSession, now)
}

func TestConfirmation(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	confirm := func(from, to *node, token uint64, now time.Time) {
		t.Helper()
		m := message("lease set")
		defer m.Release()
		garlic.PrependClove(m, garlic.Local())
		if err := from.k.SealConfirmed(to.peer, m, token, now); err != nil {
			t.Fatal(err)
		}
		to.mustOpen(body(t, m.Bytes()), now)
	}
	want := func(n, peer *node, token uint64) {
		t.Helper()
		if got := n.k.Confirmed(peer.peer); got != token {
			t.Errorf("%s: confirmed %d, want %d", n.name, got, token)
		}
	}
	now := epoch
	confirm(a, b, 7, now) // with the New Session: its reply confirms
	want(a, b, 0)
	b.k.Bind(a.peer.Key, a.peer.Hash)
	confirm(b, a, 3, now) // with the reply: the first message confirms
	want(a, b, 7)
	want(b, a, 0)
	a.say(b, "es", garlic.KindExistingSession, now)
	want(b, a, 3)
	confirm(a, b, 8, now)
	confirm(a, b, 9, now)
	want(a, b, 7)
	if b.flush(a, now) != 0 {
		t.Error("acknowledged without waiting for data")
	}
	now = now.Add(time.Second)
	if b.flush(a, now) != 1 || b.flush(a, now) != 0 {
		t.Error("not one explicit acknowledgement")
	}
	want(a, b, 9)
	confirm(b, a, 10, now)
	a.say(b, "data carries the acknowledgement", garlic.KindExistingSession, now)
	want(b, a, 10)
	if a.flush(b, now.Add(time.Second)) != 0 {
		t.Error("acknowledged twice")
	}
}

// Two keepers over bad links, many tag sets, timers running: every message opens at most once, few are lost to the
// protocol, and control messages are few.
func TestKeepersOverBadLinks(t *testing.T) {
	cfg := garlic.Config{RatchetAfter: 400}
	a, b := newNode(t, "alice", cfg), newNode(t, "bob", cfg)
	rnd := rand.New(rand.NewPCG(3, 4))
	var ab, ba [][]byte
	arrived := 0
	pass := func(queue *[][]byte, to *node, now time.Time, depth int) {
		for len(*queue) > depth {
			i := rnd.IntN(min(len(*queue), 20))
			c := (*queue)[i]
			*queue = append((*queue)[:i], (*queue)[i+1:]...)
			if rnd.IntN(10) > 0 {
				if to.open(c, now) == nil {
					arrived++
				}
			}
			if rnd.IntN(10) == 0 && to.open(c, now) == nil {
				arrived++
			}
		}
	}
	control := 0
	now := epoch
	count := 20000
	if testing.Short() {
		count = 4000
	}
	for i := range count {
		now = now.Add(3 * time.Millisecond)
		ab = append(ab, a.seal(b, fmt.Sprint(i), now))
		if i%3 == 0 {
			ba = append(ba, b.seal(a, fmt.Sprint(i), now))
		}
		pass(&ab, b, now, 15)
		pass(&ba, a, now, 5)
		if i == 100 {
			b.k.Bind(a.peer.Key, a.peer.Hash)
		}
		if i%80 == 0 {
			for _, n := range []*node{a, b} {
				to, queue := b, &ab
				if n == b {
					to, queue = a, &ba
				}
				for _, p := range n.k.Due(now, nil) {
					e := buf.Get()
					if err := n.k.Seal(p, e, now); err != nil {
						t.Fatal(err)
					}
					*queue = append(*queue, bytes.Clone(body(t, e.Bytes())))
					e.Release()
					_ = to
					control++
				}
			}
		}
	}
	pass(&ab, b, now, 0)
	pass(&ba, a, now, 0)
	for _, n := range []*node{a, b} {
		seen := map[string]bool{}
		for _, g := range n.got {
			if seen[g] {
				t.Fatalf("%s got %q twice", n.name, g)
			}
			seen[g] = true
		}
	}
	if len(b.got) < count*89/100 || len(a.got) < count/3*89/100 {
		t.Errorf("bob got %d of %d, alice %d of %d", len(b.got), count, len(a.got), count/3)
	}
	t.Logf("control messages: %d; alice %+v", control, a.k.Stats())
	if s := a.k.Stats(); s.Tags > 5*2048 || s.Peers != 1 { // windows ahead of and behind the newest message, of up to three sets
		t.Errorf("%+v", s)
	}
}

func TestKeepersAreSafeForConcurrentUse(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{RatchetAfter: 50}), newNode(t, "bob", garlic.Config{RatchetAfter: 50})
	establish(a, b, epoch)
	wire := make(chan []byte, 64)
	var senders, readers sync.WaitGroup
	var got atomic.Int32
	for range 3 {
		senders.Go(func() {
			for range 200 {
				wire <- a.seal(b, "x", epoch)
				a.k.Due(epoch, nil)
			}
		})
		readers.Go(func() {
			for c := range wire {
				b.k.Open(c, epoch, func(c garlic.Clove) {
					got.Add(1)
					b.k.Bind(c.From.Static, a.peer.Hash)
					if back := b.seal(a, "y", epoch); a.k.Open(back, epoch, discard) != nil {
						b.k.Stats()
					}
				})
			}
		})
	}
	senders.Wait()
	close(wire)
	readers.Wait()
	if got.Load() != 600 {
		t.Errorf("%d messages", got.Load())
	}
}
