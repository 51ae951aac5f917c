package ratchet_test

import (
	"math/rand/v2"
	"testing"

	"clove.i2p/router/ratchet"
)

// The flat table against a map, through growth, removal and sweeps.
func TestIndexAgainstAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	x := ratchet.NewIndex(5000)
	type entry struct {
		set *ratchet.ReceiveSet
		n   uint16
	}
	want := map[ratchet.Tag]entry{}
	var sets []*ratchet.ReceiveSet
	var tags []ratchet.Tag
	for i := range 200_000 {
		switch op := rnd.IntN(100); {
		case op < 1 || len(sets) == 0:
			sets = append(sets, ratchet.AttachSet(x))
		case op < 2 && len(sets) > 3:
			j := rnd.IntN(len(sets))
			dead := sets[j]
			ratchet.CloseSet(dead)
			sets = append(sets[:j], sets[j+1:]...)
			for tag, e := range want {
				if e.set == dead {
					delete(want, tag)
				}
			}
		case op < 50:
			var tag ratchet.Tag
			tag[0], tag[1], tag[2] = byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()&15)
			if _, ok := want[tag]; ok || x.Len() >= 5000 {
				continue
			}
			if _, _, ok := x.Find(tag); ok {
				t.Fatal("found what was not added")
			}
			e := entry{sets[rnd.IntN(len(sets))], uint16(i)}
			if ratchet.AddTag(x, e.set, tag, e.n) {
				if set, n, ok := x.Find(tag); ok && set == e.set && n == e.n { // else: a stale tag is in the way
					want[tag] = e
					tags = append(tags, tag)
				}
			}
		case op < 90 && len(tags) > 0:
			j := rnd.IntN(len(tags))
			if _, ok := want[tags[j]]; ok {
				ratchet.RemoveTag(x, tags[j])
				delete(want, tags[j])
			}
			tags[j] = tags[len(tags)-1]
			tags = tags[:len(tags)-1]
		case op < 91:
			x.Sweep()
		}
		if i%2000 == 0 {
			for tag, e := range want {
				if set, n, ok := x.Find(tag); !ok || set != e.set || n != e.n {
					t.Fatalf("step %d: tag %x lost", i, tag)
				}
			}
		}
	}
}

func TestIndexIsBounded(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	b.index = ratchet.NewIndex(100)
	for range 20 {
		_, ns := a.offer(b, "x", epoch)
		sb := b.accept(ns, "x", epoch)
		reply(t, sb, "x", epoch)
	}
	if b.index.Len() > 100 {
		t.Errorf("%d tags", b.index.Len())
	}
}
