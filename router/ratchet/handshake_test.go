package ratchet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

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
