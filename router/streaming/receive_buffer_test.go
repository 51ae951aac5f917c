package streaming

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"clove.i2p/router/buf"
)

// TestReceiveBufferAgainstModel puts packets in at random and reads at random.
func TestReceiveBufferAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var r receiveBuffer
		here := map[uint32]bool{}
		read, next, high := uint32(0), uint32(0), uint32(0)
		for range 5000 {
			if rnd.IntN(4) == 0 {
				p := make([]byte, 4*rnd.IntN(20))
				n := r.take(p)
				for i := 0; i < n; i += 4 {
					for read%7 == 3 {
						read++ // had no payload
					}
					if got := binary.BigEndian.Uint32(p[i:]); got != read {
						t.Fatalf("seed %d: read %d, want %d", seed, got, read)
					}
					read++
				}
				continue
			}
			seq := next + uint32(rnd.IntN(40)) - uint32(min(int(next), rnd.IntN(5)))
			var b *buf.Buf
			if seq%7 != 3 {
				b = buf.From(binary.BigEndian.AppendUint32(nil, seq))
			}
			o := r.insert(seq, b)
			if dup := here[seq]; dup != (o == duplicate) {
				t.Fatalf("seed %d: %d was there: %v, outcome %d", seed, seq, dup, o)
			}
			if o == duplicate {
				if b != nil {
					b.Release()
				}
				continue
			}
			here[seq] = true
			high = max(high, seq+1)
			for here[next] {
				next++
			}
			checkNACKs(t, &r, here, next, high)
		}
		r.stopReading()
		r.dropHoles()
		if r.held != 0 || r.ready != 0 {
			t.Fatalf("seed %d: %d held, %d ready after all", seed, r.held, r.ready)
		}
	}
	if n := buf.InUse(); n != 0 {
		t.Errorf("%d buffers were not released", n)
	}
}

func checkNACKs(t *testing.T, r *receiveBuffer, here map[uint32]bool, next, high uint32) {
	t.Helper()
	list, through := r.nacks(nil)
	if r.next != next || r.high != high || through != high-1 {
		t.Fatalf("next %d high %d through %d, want %d %d", r.next, r.high, through, next, high)
	}
	for s := next; s < high; s++ {
		if here[s] {
			continue
		}
		if len(list) < 4 || binary.BigEndian.Uint32(list) != s {
			t.Fatalf("%d is missing in the NACKs", s)
		}
		list = list[4:]
	}
	if len(list) != 0 {
		t.Fatalf("%d NACKs too many", len(list)/4)
	}
}

func TestClosedStreamsAreForgottenInOrder(t *testing.T) {
	var s closedStreams
	for id := range StreamID(maxClosed + 10) {
		s.add(incomingKey{id: id}, 1)
	}
	if s.has(incomingKey{id: 9}, 2) || !s.has(incomingKey{id: 10}, 2) || len(s.at) != maxClosed {
		t.Errorf("%d remembered", len(s.at))
	}
	if s.has(incomingKey{id: 10}, 2+closedTime) {
		t.Error("remembered for too long")
	}
}
