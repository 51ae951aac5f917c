package ntcp2

import "testing"

// The length of a frame is two bytes that cost a peer nothing.
func TestReaderTakesALargeBufferForBytesNotForALength(t *testing.T) {
	r := newReader(&session{}, &directionKeys{}, nil)
	r.end, r.length = lengthLen, maxFrame
	r.makeRoom()
	if r.large != nil {
		t.Fatal("a large buffer for an announced frame")
	}
	r.end = len(r.mem)
	r.mem[r.end-1] = 7
	r.makeRoom()
	if r.large == nil || len(r.mem)-r.start < lengthLen+maxFrame {
		t.Fatal("no room for the frame")
	}
	if r.end != idleRead || r.mem[r.end-1] != 7 {
		t.Fatal("bytes were lost")
	}
	r.free()
}
