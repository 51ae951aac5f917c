package tunnel

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// messages gives the first 32 bytes of random messages, the same for the same seed.
func messages(seed uint64) func() []byte {
	rng := rand.NewChaCha8([32]byte{byte(seed)})
	b := make([]byte, 32)
	return func() []byte { rng.Read(b); return b }
}

func TestFilterKnowsEachMessageAndNoOther(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	var f filter
	next := messages(1)
	for i := range n {
		if f.add(next()) {
			t.Fatalf("message %d of %d taken for a duplicate", i, n)
		}
	}
	next = messages(1)
	for i := range 10_000 {
		if !f.add(next()) {
			t.Fatalf("replay of message %d not seen", i)
		}
	}
	if per := float64(f.bytes()) / float64(n); per > 20 {
		t.Errorf("%.1f bytes a message", per)
	}
}

func TestFilterStartsEmptyAndIsBounded(t *testing.T) {
	var f filter
	if f.bytes() != 0 {
		t.Fatal("memory before the first message")
	}
	next := messages(2)
	f.add(next())
	if f.bytes() != 4*firstLayer {
		t.Fatalf("%d bytes for one message", f.bytes())
	}
	for range 100 {
		f.grow()
	}
	if most := maxLayers * largestLayer * 4; f.bytes() != most {
		t.Fatalf("%d bytes, bound %d", f.bytes(), most)
	}
}

// A previous hop chooses the bytes. Messages that it makes for one pair of buckets must not make the filter grow.
func TestFilterGrowsByTrafficNotByChoiceOfBytes(t *testing.T) {
	var f filter
	b := make([]byte, 32)
	for i := range 2000 {
		binary.LittleEndian.PutUint32(b, uint32(i+1))
		if f.add(b) {
			t.Fatalf("message %d taken for a duplicate", i)
		}
	}
	if most := 20 * 2000; f.bytes() > most {
		t.Fatalf("%d bytes for 2000 messages", f.bytes())
	}
}

func BenchmarkFilter(b *testing.B) {
	var f filter
	next := messages(3)
	for range 500_000 {
		f.add(next())
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n++; n == 100_000 {
			b.StopTimer()
			f = filter{}
			for range 500_000 {
				f.add(next())
			}
			n = 0
			b.StartTimer()
		}
		f.add(next())
	}
}
