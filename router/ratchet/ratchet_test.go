package ratchet_test

import (
	"bytes"
	"encoding/binary"
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
			const count = 20000
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
	for range 512 { // a whole window of the largest sender is lost
		existing(t, sa, "lost", epoch)
	}
	b.mustOpen(existing(t, sa, "back", epoch), "back", epoch)
	if n := b.index.Len(); n > 2000 {
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

func TestForgedReplyDoesNotBurnItsTag(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, ns := a.offer(b, "ns", epoch)
	sb := b.accept(ns, "ns", epoch)
	nsr := reply(t, sb, "nsr", epoch)
	for _, at := range []int{10, 45, 60} { // key, its MAC, payload
		forged := bytes.Clone(nsr)
		forged[at] ^= 1
		set, n, ok := a.index.Find(ratchet.Tag(forged[:ratchet.TagLen]))
		if !ok {
			t.Fatal("the tag is gone")
		}
		if _, _, err := sa.Open(set, n, forged, epoch); err == nil || sa.Established() {
			t.Fatal("forged reply opened")
		}
	}
	a.mustOpen(nsr, "nsr", epoch)
}

func TestAliceChoosesAmongReplies(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, ns := a.offer(b, "ns", epoch)
	sb := b.accept(ns, "ns", epoch)
	var replies [][]byte
	for i := range 10 {
		replies = append(replies, reply(t, sb, fmt.Sprint(i), epoch))
		for _, other := range replies[:i] {
			if bytes.Equal(other[8:40], replies[i][8:40]) {
				t.Fatal("two replies with one ephemeral key")
			}
		}
	}
	for _, i := range []int{7, 2, 9, 0} {
		a.mustOpen(replies[i], fmt.Sprint(i), epoch)
	}
	b.mustOpen(existing(t, sa, "es", epoch), "es", epoch)
	a.mustOpen(existing(t, sb, "back", epoch), "back", epoch)
	a.mustOpen(replies[5], "5", epoch) // a late one still gives its payload
	if err := sb.SealReply(frame(ratchet.ReplyHead), 0, epoch); err == nil {
		t.Error("replied after the session was established")
	}
}

func TestRepliesAreBounded(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	_, ns := a.offer(b, "ns", epoch)
	sb := b.accept(ns, "ns", epoch)
	for range ratchet.MaxReplies {
		reply(t, sb, "", epoch)
	}
	if sb.CanReply(epoch) || sb.SealReply(frame(ratchet.ReplyHead), 0, epoch) == nil {
		t.Error("no bound on replies")
	}
	tags := b.index.Len()
	sb.Close()
	b.index.Sweep()
	if b.index.Len() != 0 {
		t.Errorf("%d of %d tags left", b.index.Len(), tags)
	}
}

func TestNewSessionTime(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	for _, tc := range []struct {
		skew time.Duration
		ok   bool
	}{
		{-5 * time.Minute, true}, {-5*time.Minute - time.Second, false},
		{2 * time.Minute, true}, {2*time.Minute + time.Second, false}, {-time.Hour, false}, {time.Hour, false},
	} {
		_, ns := a.offer(b, "ns", epoch.Add(tc.skew))
		if _, _, err := ratchet.Accept(b.id, b.index, b.seen, ns, epoch); (err == nil) != tc.ok {
			t.Errorf("New Session of %v: %v", tc.skew, err)
		}
	}
}

func TestNewSessionWithoutDateTimeFirstIsRefused(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	for _, blocks := range [][]byte{nil, clove("x"), append(clove("x"), ratchet.AppendDateTime(nil, epoch)...)} {
		msg := frame(ratchet.NewSessionHead, blocks)
		if _, err := ratchet.Offer(a.id, b.remote(), a.index, msg, epoch); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ratchet.Accept(b.id, b.index, b.seen, msg, epoch); err == nil {
			t.Errorf("accepted %x", blocks)
		}
	}
}

func TestFilterOfReplaysIsBounded(t *testing.T) {
	f := ratchet.NewFilter()
	var key keys.X25519Public
	for i := range 300_000 {
		binary.LittleEndian.PutUint32(key[:], uint32(i))
		f.Add(key, epoch)
	}
	if f.Len() > 1<<17 {
		t.Errorf("%d keys", f.Len())
	}
	if !f.Has(key, epoch.Add(7*time.Minute)) {
		t.Error("forgotten within seven minutes")
	}
	for range 3 {
		epoch := epoch.Add(8 * time.Minute)
		f.Has(key, epoch)
	}
	f.Has(key, epoch.Add(20*time.Minute))
	f.Has(key, epoch.Add(40*time.Minute))
	if f.Len() != 0 {
		t.Errorf("%d keys after an hour", f.Len())
	}
}
