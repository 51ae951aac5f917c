package i2np_test

import (
	"testing"
	"time"

	"clove.i2p/router/i2np"
)

func TestFilterRemembersForAsLongAsAReplayIsValid(t *testing.T) {
	now := time.Unix(1700000000, 0)
	f := i2np.NewFilter()
	h := i2np.Header{ID: 7, Expiration: now.Add(i2np.MaxEarly)}
	if f.Seen(h, now) {
		t.Fatal("a new message was seen")
	}
	for at := now; !h.Expired(at); at = at.Add(time.Second) {
		if !f.Seen(h, at) {
			t.Fatalf("forgotten after %v", at.Sub(now))
		}
	}
	other := h
	other.Expiration = other.Expiration.Add(time.Second)
	if f.Seen(other, now) {
		t.Fatal("another expiration is another message")
	}
}

func TestFilterForgets(t *testing.T) {
	now := time.Unix(1700000000, 0)
	f := i2np.NewFilter()
	for i := range 1000 {
		f.Seen(i2np.Header{ID: i2np.MessageID(i)}, now)
	}
	f.Seen(i2np.Header{ID: 1}, now.Add(5*time.Minute))
	f.Seen(i2np.Header{ID: 1}, now.Add(10*time.Minute))
	if n := f.Len(); n > 2 {
		t.Fatalf("%d entries after ten minutes", n)
	}
}

func TestFilterIsBounded(t *testing.T) {
	now := time.Unix(1700000000, 0)
	f := i2np.NewFilter()
	for i := range 1 << 18 {
		f.Seen(i2np.Header{ID: i2np.MessageID(i)}, now)
	}
	if n := f.Len(); n > 1<<17 {
		t.Fatalf("%d entries", n)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := i2np.NewFilter()
	now := time.Unix(1700000000, 0)
	b.ReportAllocs()
	id := i2np.MessageID(0)
	for b.Loop() {
		id++
		f.Seen(i2np.Header{ID: id}, now)
	}
}
