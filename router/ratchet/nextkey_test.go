package ratchet_test

import (
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

// nextKeys are the NextKey blocks that s would send now.
func nextKeys(t testing.TB, s *ratchet.Session, now time.Time) (list []ratchet.NextKey) {
	t.Helper()
	for p := s.Control(nil, 200, 0, now); len(p) > 0; {
		blk, rest, err := ratchet.ParseBlock(p)
		if err != nil {
			t.Fatal(err)
		}
		if p = rest; blk.Type == ratchet.BlockNextKey {
			k, err := ratchet.ParseNextKey(blk.Data)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, k)
		}
	}
	return list
}

// carry seals blocks in from and opens them at the side of to.
func carry(t testing.TB, from *ratchet.Session, to *side, now time.Time, blocks ...[]byte) {
	t.Helper()
	msg := frame(ratchet.ExistingHead, blocks...)
	if err := from.SealExisting(msg, now); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := to.open(msg, now); !ok {
		t.Fatal("no tag")
	}
}

// The table of the specification, section 4a, "Key and tag set IDs".
func TestKeyIDsFollowTheSpecification(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	now := epoch
	var last [2]keys.X25519Public
	for _, row := range []struct {
		set, sender, receiver  int
		newSender, newReceiver bool
	}{
		{1, 0, 0, true, true}, {2, 1, 0, true, false}, {3, 1, 1, false, true}, {4, 2, 1, true, false},
		{5, 2, 2, false, true}, {6, 3, 2, true, false},
	} {
		now = now.Add(time.Second)
		ratchet.Turn(sa, now)
		forward := nextKeys(t, sa, now)
		if len(forward) != 1 {
			t.Fatalf("set %d: %d keys", row.set, len(forward))
		}
		f := forward[0]
		if int(f.ID) != row.sender || f.Present != row.newSender || f.Request != row.newReceiver || f.Reverse {
			t.Fatalf("set %d: forward %+v", row.set, f)
		}
		carry(t, sa, b, now, f.Append(nil))
		carry(t, sa, b, now, f.Append(nil)) // repeated: no second step
		reverse := nextKeys(t, sb, now)
		if len(reverse) != 1 {
			t.Fatalf("set %d: %d answers", row.set, len(reverse))
		}
		r := reverse[0]
		if int(r.ID) != row.receiver || r.Present != row.newReceiver || r.Request || !r.Reverse {
			t.Fatalf("set %d: reverse %+v", row.set, r)
		}
		if row.newSender && f.Key == last[0] || row.newReceiver && r.Key == last[1] {
			t.Fatalf("set %d: an old key as a new one", row.set)
		}
		if last[0], last[1] = f.Key, r.Key; ratchet.SendTagSet(sa) != row.set-1 {
			t.Fatalf("set %d in use before the answer", row.set)
		}
		carry(t, sb, a, now, r.Append(nil))
		carry(t, sb, a, now, r.Append(nil))
		if ratchet.SendTagSet(sa) != row.set {
			t.Fatalf("tag set %d, want %d", ratchet.SendTagSet(sa), row.set)
		}
		if now = now.Add(time.Second); len(nextKeys(t, sb, now)) != 1 {
			t.Fatalf("set %d: the answer is not repeated", row.set)
		}
		carry(t, sa, b, now, clove("new set"))
		if now = now.Add(time.Second); len(nextKeys(t, sb, now)) != 0 {
			t.Fatalf("set %d: the answer is repeated after it was used", row.set)
		}
	}
}

func TestWrongKeysDoNotTurnTheRatchet(t *testing.T) {
	var some, low keys.X25519Public
	some[0] = 9 // the base point
	for _, k := range []ratchet.NextKey{
		{Present: true, ID: 0, Key: some},                                 // no request
		{Request: true, ID: 0},                                            // no key
		{Present: true, Request: true, ID: 1, Key: some},                  // not the first
		{Present: true, Request: true, ID: 32767, Key: some},              //
		{Present: true, Request: true, ID: 0, Key: low},                   // a key of low order
		{Present: true, Reverse: true, ID: 0, Key: some}, {Reverse: true}, // answers that nobody asked for
	} {
		a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
		sa, sb := pair(t, a, b, epoch)
		now := epoch.Add(time.Second)
		carry(t, sa, b, now, k.Append(nil))
		if got := nextKeys(t, sb, now); len(got) != 0 || ratchet.SendTagSet(sb) != 0 {
			t.Errorf("%+v is answered by %+v", k, got)
		}
		// And the right one still works.
		ratchet.Turn(sa, now)
		carry(t, sa, b, now, nextKeys(t, sa, now)[0].Append(nil))
		r := nextKeys(t, sb, now)
		if len(r) != 1 {
			t.Fatal("no answer")
		}
		wrong := r[0]
		wrong.Key = low
		carry(t, sb, a, now, wrong.Append(nil))
		wrong = r[0]
		wrong.ID++
		carry(t, sb, a, now, wrong.Append(nil))
		wrong = r[0]
		wrong.Present = false
		carry(t, sb, a, now, wrong.Append(nil))
		if ratchet.SendTagSet(sa) != 0 {
			t.Fatal("turned by a wrong answer")
		}
		carry(t, sb, a, now, r[0].Append(nil))
		b.mustOpen(existing(t, sa, "set 1", now), "set 1", now)
		if ratchet.SendTagSet(sa) != 1 {
			t.Fatal("not turned")
		}
	}
}

// A hostile peer cannot make us do a DH per message.
func TestRatchetTurnsAreRateLimited(t *testing.T) {
	drawn := 0
	o := ratchet.Options{Entropy: ratchet.Entropy{X25519: func() (keys.X25519Private, error) {
		drawn++
		return keys.GenerateX25519()
	}}}
	a, b := newSide(t, ratchet.Options{}), newSide(t, o)
	sa, sb := pair(t, a, b, epoch)
	for i := range 300 {
		now := epoch.Add(time.Second + time.Duration(i)*time.Millisecond)
		ratchet.Turn(sa, now)
		for _, k := range append(nextKeys(t, sa, now), nextKeys(t, sb, now)...) {
			if k.Reverse {
				carry(t, sb, a, now, k.Append(nil))
			} else {
				carry(t, sa, b, now, k.Append(nil))
			}
		}
	}
	if drawn > 3 {
		t.Errorf("%d keys drawn in 300 ms", drawn)
	}
}

func TestPreviousTagSetIsReadForAWhile(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	now := epoch.Add(time.Second)
	var late [][]byte
	for i := range 5 {
		late = append(late, existing(t, sa, fmt.Sprint(i), now))
	}
	ratchet.Turn(sa, now)
	carry(t, sa, b, now, nextKeys(t, sa, now)[0].Append(nil))
	carry(t, sb, a, now, nextKeys(t, sb, now)[0].Append(nil))
	b.mustOpen(existing(t, sa, "set 1", now), "set 1", now)
	b.mustOpen(late[3], "3", now.Add(2*time.Minute))
	sb.Expire(now.Add(2 * time.Minute))
	b.mustOpen(late[1], "1", now.Add(2*time.Minute))
	sb.Expire(now.Add(4 * time.Minute))
	if _, _, ok := b.open(late[0], now.Add(4*time.Minute)); ok {
		t.Error("opened a message of a tag set replaced four minutes ago")
	}
	b.index.Sweep()
}

// A sender whose next key is never answered stops at the end of the tag set.
func TestTagSetEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("65,533 messages")
	}
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, _ := pair(t, a, b, epoch)
	n := 1
	for ; sa.CanSend(epoch); n++ {
		if err := sa.SealExisting(frame(ratchet.ExistingHead), epoch); err != nil {
			t.Fatal(err)
		}
	}
	if n != 65533 {
		t.Errorf("%d messages", n)
	}
	if err := sa.SealExisting(frame(ratchet.ExistingHead), epoch); err != ratchet.ErrClosed {
		t.Errorf("after the last: %v", err)
	}
}

func TestTerminationClosesTheSession(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	after := existing(t, sa, "after", epoch)
	carry(t, sa, b, epoch, ratchet.AppendTermination(nil, 0))
	if sb.Established() || sb.CanSend(epoch) || !sb.Expire(epoch) {
		t.Error("still established")
	}
	if _, _, ok := b.open(after, epoch); ok {
		t.Error("opened a message after the end")
	}
}

// The ratchet turns in the middle of a transfer: what is on its way then is as much as before.
func TestWindowOutlivesTheRatchet(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	for i := range 600 {
		b.mustOpen(existing(t, sa, fmt.Sprint(i), epoch), fmt.Sprint(i), epoch)
	}
	now := epoch.Add(time.Second)
	for set := 1; set <= 2; set++ {
		ratchet.Turn(sa, now)
		carry(t, sa, b, now, nextKeys(t, sa, now)[0].Append(nil))
		carry(t, sb, a, now, nextKeys(t, sb, now)[0].Append(nil))
		if got := ratchet.SendTagSet(sa); got != set {
			t.Fatalf("tag set %d in use, want %d", got, set)
		}
		for range 600 {
			existing(t, sa, "lost", now)
		}
		b.mustOpen(existing(t, sa, "back", now), "back", now)
		now = now.Add(time.Minute)
	}
}
