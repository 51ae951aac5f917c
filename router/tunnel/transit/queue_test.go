package transit

import (
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

func TestPeersTakeTurns(t *testing.T) {
	q := newQueue(100)
	defer q.clear()
	at := time.Unix(0, 0)
	for _, peer := range []byte{1, 1, 1, 1, 2, 2, 3} {
		if out := q.push(i2p.Hash{peer}, buf.Get(), at); out != nil {
			t.Fatal("no room")
		}
	}
	want := []byte{1, 2, 3, 1, 2, 1, 1}
	for i, p := range want {
		from, w, ok := q.pop()
		if !ok || from[0] != p {
			t.Fatalf("turn %d: peer %d, want %d", i, from[0], p)
		}
		w.msg.Release()
	}
	if _, _, ok := q.pop(); ok || q.len() != 0 {
		t.Fatal("not empty")
	}
}

func TestLongestMakesRoom(t *testing.T) {
	q := newQueue(4)
	defer q.clear()
	at := time.Unix(0, 0)
	oldest := buf.Get()
	q.push(i2p.Hash{1}, oldest, at)
	for range 3 {
		q.push(i2p.Hash{1}, buf.Get(), at)
	}
	out := q.push(i2p.Hash{2}, buf.Get(), at)
	if out != oldest {
		t.Fatal("not the oldest of the longest went")
	}
	out.Release()
	for peer := byte(3); peer < 5; peer++ {
		q.push(i2p.Hash{peer}, buf.Get(), at).Release()
	}
	late := buf.Get()
	if out := q.push(i2p.Hash{9}, late, at); out != late {
		t.Fatal("room for more peers than places")
	}
	late.Release()
}

func TestQueueKeepsItsBooks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	before := buf.InUse()
	q := newQueue(20)
	n := 0
	for range 10000 {
		if rng.IntN(3) > 0 {
			n++
			if out := q.push(i2p.Hash{byte(rng.IntN(6))}, buf.Get(), time.Now()); out != nil {
				out.Release()
				n--
			}
		} else if _, w, ok := q.pop(); ok {
			w.msg.Release()
			n--
		}
		if q.len() != n || n > 20 || len(q.turns) != len(q.peers) {
			t.Fatalf("%d waiting, %d expected, %d turns, %d peers", q.len(), n, len(q.turns), len(q.peers))
		}
	}
	q.clear()
	if got := buf.InUse(); got != before {
		t.Fatalf("%d buffers lost", got-before)
	}
}

func TestBucketsRefillAndAreForgotten(t *testing.T) {
	b := newBuckets(2, 3)
	now := time.Unix(1000, 0)
	peer := i2p.Hash{1}
	for i, want := range []bool{true, true, true, false} {
		if b.allow(peer, now) != want {
			t.Fatalf("request %d", i)
		}
	}
	if !b.allow(i2p.Hash{2}, now) {
		t.Fatal("another peer pays")
	}
	now = now.Add(time.Second)
	for i, want := range []bool{true, true, false} {
		if b.allow(peer, now) != want {
			t.Fatalf("request %d of a second: want %v", i, want)
		}
	}
	b.sweep(now)
	if len(b.peers) != 1 {
		t.Fatalf("%d peers", len(b.peers))
	}
	b.sweep(now.Add(time.Minute))
	if len(b.peers) != 0 {
		t.Fatalf("%d peers", len(b.peers))
	}
	for i := range 3 * maxPeers {
		b.allow(i2p.Hash{byte(i), byte(i >> 8), byte(i >> 16)}, now)
	}
	if len(b.peers) > maxPeers {
		t.Fatalf("%d peers", len(b.peers))
	}
}
