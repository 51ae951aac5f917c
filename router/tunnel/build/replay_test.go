package build_test

import (
	"encoding/binary"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/tunnel/build"
)

func numbered(i int) (k keys.X25519Public) {
	binary.BigEndian.PutUint64(k[:], uint64(i))
	return k
}

func TestReplayRemembersForAsLongAsTheTimeIsGood(t *testing.T) {
	r := build.NewReplay()
	if !r.Add(numbered(1), now) || r.Add(numbered(1), now) {
		t.Fatal("a key twice at once")
	}
	for _, offset := range []time.Duration{time.Minute, 7 * time.Minute, 12*time.Minute + 59*time.Second} {
		if r.Add(numbered(1), now.Add(offset)) {
			t.Errorf("forgotten after %v", offset)
		}
	}
	late := now.Add(12 * time.Minute)
	if !r.Add(numbered(2), late) || r.Add(numbered(2), late.Add(12*time.Minute)) {
		t.Error("a key from the end of a generation was forgotten")
	}
	if !r.Add(numbered(1), now.Add(time.Hour)) {
		t.Error("remembered for an hour")
	}
}

func TestReplayIsBoundedAndRefusesNothingNew(t *testing.T) {
	r := build.NewReplay()
	const n = 400_000
	for i := range n {
		if !r.Add(numbered(i), now) {
			t.Fatalf("key %d refused", i)
		}
	}
	if r.Add(numbered(n-1), now) {
		t.Error("the last key was forgotten")
	}
	if !r.Add(numbered(0), now) {
		t.Error("the first key is remembered: not bounded")
	}
}
