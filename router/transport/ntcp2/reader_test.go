package ntcp2

import "testing"

// The block is passed over, and those after it are taken.
func TestReaderIgnoresLongRouterInfo(t *testing.T) {
	r := newReader(&session{}, &directionKeys{}, nil)
	n := 1 + maxRouterInfo + 1
	payload := append(appendBlockHeader(nil, blockRouterInfo, n), make([]byte, n)...)
	payload = append(appendBlockHeader(payload, blockI2NP, shortHeaderLen), make([]byte, shortHeaderLen)...)
	if err := r.payload(payload); err != nil || len(r.batch) != 1 {
		t.Errorf("%v, %d messages", err, len(r.batch))
	}
	r.batch[0].Release()
}

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
