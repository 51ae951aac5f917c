package buf_test

import (
	"bytes"
	"testing"

	"clove.i2p/router/buf"
)

func TestHeadersGoInFrontWithoutCopy(t *testing.T) {
	b := buf.From([]byte("payload"))
	defer b.Release()
	first := &b.Bytes()[0]
	copy(b.Prepend(4), "head")
	b.Append([]byte("tag"))
	if got := string(b.Bytes()); got != "headpayloadtag" {
		t.Fatalf("content %q", got)
	}
	if &b.Bytes()[4] != first {
		t.Fatal("payload moved")
	}
	b.TrimFront(4)
	b.Truncate(7)
	if !bytes.Equal(b.Bytes(), []byte("payload")) {
		t.Fatalf("content %q", b.Bytes())
	}
}

func TestMisusePanics(t *testing.T) {
	for name, misuse := range map[string]func(*buf.Buf){
		"no head room":   func(b *buf.Buf) { b.Prepend(buf.Head + 1) },
		"no tail room":   func(b *buf.Buf) { b.Extend(buf.Small + buf.Tail + 1) },
		"trim beyond":    func(b *buf.Buf) { b.TrimFront(1) },
		"truncate":       func(b *buf.Buf) { b.Truncate(1) },
		"negative":       func(b *buf.Buf) { b.Extend(-1) },
		"double release": func(b *buf.Buf) { b.Release(); b.Release() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Fatal("did not panic")
				}
			}()
			misuse(buf.Get())
		})
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int]int{0: buf.Small, buf.Small: buf.Small, buf.Small + 1: buf.Large, buf.Large: buf.Large} {
		b := buf.GetFor(n)
		if got := b.TailRoom() - buf.Tail; got != want || b.HeadRoom() != buf.Head {
			t.Errorf("GetFor(%d): room %d, want %d", n, got, want)
		}
		b.Release()
	}
}

func TestGetReleaseDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	if n := testing.AllocsPerRun(1000, func() { buf.Get().Release() }); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}
