package garlic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
)

func TestMemoryIsBoundedUnderFloods(t *testing.T) {
	b := newNode(t, "bob", garlic.Config{MaxPeers: 50, MaxTags: 5000, NewSessionRate: 1_000_000})
	friend := newNode(t, "friend", garlic.Config{})
	establish(friend, b, epoch)
	rnd := rand.New(rand.NewPCG(5, 6))
	garbage := make([]byte, 1024)
	for i := range 800 {
		for j := range garbage {
			garbage[j] = byte(rnd.Uint32())
		}
		b.open(garbage[:rnd.IntN(len(garbage))], epoch)
		if i%4 == 0 { // authentic strangers
			s := newNode(t, fmt.Sprint("stranger", i), garlic.Config{})
			b.mustOpen(s.seal(b, "spam", epoch), epoch)
			b.k.Bind(s.peer.Key, s.peer.Hash)
			for range 3 {
				b.seal(s, "reply", epoch)
			}
		}
	}
	s := b.k.Stats()
	if s.Peers > 50 || s.Tags > 5000 || s.Evicted == 0 {
		t.Errorf("%+v", s)
	}
	friend.say(b, "still established", garlic.KindExistingSession, epoch)
	for i := range 40_000 {
		b.k.AddOneTime([8]byte{byte(i), byte(i >> 8), byte(i >> 16)}, [32]byte{}, epoch.Add(time.Minute))
	}
	if s := b.k.Stats(); s.OneTime > 1<<14 {
		t.Errorf("%d one-time keys", s.OneTime)
	}
	b.k.Due(epoch.Add(2*time.Minute), nil)
	if s := b.k.Stats(); s.OneTime != 0 {
		t.Errorf("%d one-time keys after their time", s.OneTime)
	}
}

func TestGarbageIsRefusedBeforeMuchWork(t *testing.T) {
	b := newNode(t, "bob", garlic.Config{NewSessionRate: 10})
	garbage := bytes.Repeat([]byte{7}, 500)
	for i := range 100 {
		garbage[0] = byte(i)
		b.open(garbage, epoch)
	}
	if s := b.k.Stats(); s.Refused != 80 || s.Unopened != 20 {
		t.Errorf("%+v", s)
	}
	a := newNode(t, "alice", garlic.Config{})
	b.mustOpen(a.seal(b, "x", epoch.Add(time.Second)), epoch.Add(time.Second))
}

func TestSealNeedsRoomAndLeavesTheBufferAlone(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	m := message("x")
	defer m.Release()
	m.Prepend(m.HeadRoom() - 99)
	before := bytes.Clone(m.Bytes())
	if err := a.k.Seal(b.peer, m, epoch); err != garlic.ErrNoRoom || !bytes.Equal(m.Bytes(), before) {
		t.Errorf("%v", err)
	}
	m.Reset()
	m.Extend(m.TailRoom() - 15)
	if err := a.k.Seal(b.peer, m, epoch); err != garlic.ErrNoRoom {
		t.Errorf("%v", err)
	}
	m.Reset()
	m.Append([]byte("payload"))
	if err := a.k.Seal(garlic.Peer{Hash: b.peer.Hash, Key: keys.X25519Public{}}, m, epoch); err == nil || string(m.Bytes()) != "payload" {
		t.Errorf("sealed to a key of low order: %v, %q", err, m.Bytes())
	}
	large := buf.GetLarge()
	defer large.Release()
	large.Extend(63000)
	if err := a.k.Seal(b.peer, large, epoch); err != garlic.ErrNoRoom {
		t.Errorf("sealed what no I2NP message carries: %v", err)
	}
}

func TestPaddingMakesNoThirdTunnelMessage(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	establish(a, b, epoch)
	for size := 1800; size < 1920; size++ {
		m := message(string(make([]byte, size)))
		garlic.PrependClove(m, garlic.ToDestination(b.peer.Hash))
		plain := m.Len() + 8 + 16
		if err := a.k.Seal(b.peer, m, epoch); err != nil {
			t.Fatal(err)
		}
		if got := len(body(t, m.Bytes())); plain <= 1936 && got > 1936 || got < plain || got > plain+18 {
			t.Fatalf("%d bytes became %d", plain, got)
		}
		m.Release()
	}
}
