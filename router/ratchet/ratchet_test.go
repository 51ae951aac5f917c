package ratchet_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A side is one identity with its tags, without the choice among sessions that router/garlic makes.
type side struct {
	t     testing.TB
	id    *ratchet.Identity
	index *ratchet.Index
	seen  *ratchet.Filter
}

func newSide(t testing.TB, o ratchet.Options) *side {
	t.Helper()
	static, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	return &side{t, ratchet.NewIdentity(static, o), ratchet.NewIndex(1 << 16), ratchet.NewFilter()}
}

func (s *side) remote() *ratchet.Remote { return &ratchet.Remote{Key: s.id.Public()} }

// clove is a block that looks like a clove with text.
func clove(text string) []byte {
	return ratchet.Block{Type: ratchet.BlockGarlicClove, Data: []byte(text)}.Append(nil)
}

func frame(head int, blocks ...[]byte) []byte {
	msg := make([]byte, head)
	for _, b := range blocks {
		msg = append(msg, b...)
	}
	return append(msg, make([]byte, ratchet.MACLen)...)
}

// texts are the cloves of a payload.
func texts(t testing.TB, payload []byte) (list []string) {
	t.Helper()
	for len(payload) > 0 {
		blk, rest, err := ratchet.ParseBlock(payload)
		if err != nil {
			t.Fatal(err)
		}
		if payload = rest; blk.Type == ratchet.BlockGarlicClove {
			list = append(list, string(blk.Data))
		}
	}
	return list
}

func (s *side) offer(to *side, text string, now time.Time) (*ratchet.Session, []byte) {
	s.t.Helper()
	msg := frame(ratchet.NewSessionHead, ratchet.AppendDateTime(nil, now), clove(text))
	session, err := ratchet.Offer(s.id, to.remote(), s.index, msg, now)
	if err != nil {
		s.t.Fatal(err)
	}
	return session, msg
}

func (s *side) accept(msg []byte, want string, now time.Time) *ratchet.Session {
	s.t.Helper()
	session, payload, err := ratchet.Accept(s.id, s.index, s.seen, bytes.Clone(msg), now)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := texts(s.t, payload); len(got) != 1 || got[0] != want {
		s.t.Fatalf("New Session carries %q, want %q", got, want)
	}
	return session
}

func reply(t testing.TB, s *ratchet.Session, text string, now time.Time) []byte {
	t.Helper()
	msg := frame(ratchet.ReplyHead, clove(text))
	if err := s.SealReply(msg, 0, now); err != nil {
		t.Fatal(err)
	}
	return msg
}

// existing seals text with the control blocks that are due.
func existing(t testing.TB, s *ratchet.Session, text string, now time.Time) []byte {
	t.Helper()
	msg := frame(ratchet.ExistingHead, s.Control(nil, 200, 0, now), clove(text))
	if err := s.SealExisting(msg, now); err != nil {
		t.Fatal(err)
	}
	return msg
}

// open finds the session of a message and opens it; ok is false if no tag fits.
func (s *side) open(msg []byte, now time.Time) (session *ratchet.Session, got []string, ok bool) {
	s.t.Helper()
	set, n, ok := s.index.Find(ratchet.Tag(msg[:ratchet.TagLen]))
	if !ok {
		return nil, nil, false
	}
	session = set.Session()
	payload, _, err := session.Open(set, n, bytes.Clone(msg), now)
	if err != nil {
		s.t.Fatalf("open: %v", err)
	}
	return session, texts(s.t, payload), true
}

func (s *side) mustOpen(msg []byte, want string, now time.Time) *ratchet.Session {
	s.t.Helper()
	session, got, ok := s.open(msg, now)
	if !ok || len(got) != 1 || got[0] != want {
		s.t.Fatalf("opened %v %q, want %q", ok, got, want)
	}
	return session
}

// pair returns an established session of both sides.
func pair(t testing.TB, a, b *side, now time.Time) (sa, sb *ratchet.Session) {
	t.Helper()
	sa, ns := a.offer(b, "ns", now)
	sb = b.accept(ns, "ns", now)
	a.mustOpen(reply(t, sb, "nsr", now), "nsr", now)
	b.mustOpen(existing(t, sa, "es", now), "es", now)
	if !sa.Established() || !sb.Established() {
		t.Fatal("not established")
	}
	return sa, sb
}

// A link loses, reorders and duplicates messages.
type link struct {
	rnd    *rand.Rand
	queue  [][]byte
	loss   float64
	repeat float64
	depth  int
}

func (l *link) send(msg []byte) {
	if l.rnd.Float64() < l.loss {
		return
	}
	l.queue = append(l.queue, msg)
	if l.rnd.Float64() < l.repeat {
		l.queue = append(l.queue, msg)
	}
}

// take returns a message once more than depth are under way.
func (l *link) take(flush bool) []byte {
	if len(l.queue) == 0 || len(l.queue) <= l.depth && !flush {
		return nil
	}
	i := l.rnd.IntN(len(l.queue))
	msg := l.queue[i]
	l.queue[i] = l.queue[len(l.queue)-1]
	l.queue = l.queue[:len(l.queue)-1]
	return msg
}

// Both sides talk over bad links through many turns of the DH ratchet: everything that arrives opens exactly once.
func TestSessionSurvivesLossReorderAndDuplicates(t *testing.T) {
	for _, tc := range []struct {
		name         string
		loss, repeat float64
		depth        int
		after        int // messages per tag set
		asymmetric   bool
	}{
		{"clean", 0, 0, 0, 500, false},
		{"loss", 0.2, 0, 0, 500, false},
		{"reorder", 0, 0, 30, 500, false},
		{"all", 0.1, 0.1, 20, 300, false},
		{"one way", 0.1, 0.1, 20, 300, true},
		{"no ratchet", 0.1, 0.1, 20, 60000, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := ratchet.Options{RatchetAfter: tc.after}
			a, b := newSide(t, o), newSide(t, o)
			now := epoch
			sa, sb := pair(t, a, b, now)
			rnd := rand.New(rand.NewPCG(1, 2))
			ab := &link{rnd: rnd, loss: tc.loss, repeat: tc.repeat, depth: tc.depth}
			ba := &link{rnd: rnd, loss: tc.loss, repeat: tc.repeat, depth: tc.depth}
			if tc.asymmetric {
				ba.depth = 0 // its few messages would wait for each other
			}
			count := 20000
			if testing.Short() {
				count = 4000
			}
			sent, seen := map[string]bool{}, map[string]int{}
			lost := 0
			receive := func(l *link, at *side, flush bool) {
				for msg := l.take(flush); msg != nil; msg = l.take(flush) {
					if _, got, ok := at.open(msg, now); ok {
						for _, g := range got {
							seen[g]++
						}
					} else {
						lost++
					}
				}
			}
			for i := range count {
				now = now.Add(2 * time.Millisecond)
				text := fmt.Sprint("a", i)
				ab.send(existing(t, sa, text, now))
				sent[text] = true
				receive(ab, b, false)
				if tc.asymmetric && !sb.Due(now) {
					continue
				}
				text = fmt.Sprint("b", i)
				ba.send(existing(t, sb, text, now))
				sent[text] = true
				receive(ba, a, false)
			}
			receive(ab, b, true)
			receive(ba, a, true)
			for text, n := range seen {
				if n != 1 || !sent[text] {
					t.Fatalf("%q was delivered %d times", text, n)
				}
			}
			want := float64(len(sent)) * (1 - tc.loss) * 0.98
			if float64(len(seen)) < want {
				t.Errorf("%d of %d messages arrived, want %.0f; %d did not open", len(seen), len(sent), want, lost)
			}
			if tc.repeat == 0 && lost > 0 {
				t.Errorf("%d messages arrived and did not open", lost)
			}
			if tag := ratchet.SendTagSet(sa); tc.after < count && tag < count/tc.after/2 {
				t.Errorf("the ratchet turned %d times", tag)
			}
		})
	}
}

func TestMessageBeyondTheWindowIsLostButNotTheSession(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, _ := pair(t, a, b, epoch)
	var all [][]byte
	for i := range 40 {
		all = append(all, existing(t, sa, fmt.Sprint(i), epoch))
	}
	// One message came (number 0), so the window is 33 and reaches to message 33, our 32.
	if _, _, ok := b.open(all[33], epoch); ok {
		t.Error("opened a message beyond the window")
	}
	b.mustOpen(all[32], "32", epoch)
	b.mustOpen(all[33], "33", epoch)
	for i := range 32 { // none is behind the trailing window yet
		b.mustOpen(all[i], fmt.Sprint(i), epoch)
	}
	for i := range all[:34] {
		if _, _, ok := b.open(all[i], epoch); ok {
			t.Errorf("message %d opened twice", i)
		}
	}
}

func TestWindowGrowsWithTheSender(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, _ := pair(t, a, b, epoch)
	for i := range 1000 {
		b.mustOpen(existing(t, sa, fmt.Sprint(i), epoch), fmt.Sprint(i), epoch)
	}
	for range 1000 { // as many as came are lost
		existing(t, sa, "lost", epoch)
	}
	b.mustOpen(existing(t, sa, "back", epoch), "back", epoch)
	if n := b.index.Len(); n > 4200 {
		t.Errorf("%d tags", n)
	}
}

func TestForgedMessageDoesNotBurnItsTag(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, _ := pair(t, a, b, epoch)
	first, second := existing(t, sa, "first", epoch), existing(t, sa, "second", epoch)
	for _, msg := range [][]byte{second, first} {
		forged := bytes.Clone(msg)
		forged[20] ^= 1
		for range 3 {
			set, n, ok := b.index.Find(ratchet.Tag(forged[:ratchet.TagLen]))
			if !ok {
				t.Fatal("the tag is gone")
			}
			if _, _, err := set.Session().Open(set, n, bytes.Clone(forged), epoch); err == nil {
				t.Fatal("forged message opened")
			}
		}
	}
	b.mustOpen(first, "first", epoch)
	b.mustOpen(second, "second", epoch)
}
