package gate

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
)

// However the frames are cut into writes, the DATA in them is counted once.
func FuzzFramesOut(f *testing.F) {
	f.Add(5, 100, 3)
	f.Add(0, 16384, 1)
	f.Add(1, 1, 16384)
	f.Fuzz(func(t *testing.T, headers, data, cut int) {
		if headers < 0 || headers > 1<<14 || data < 0 || data > 1<<14 || cut < 1 {
			return
		}
		var b bytes.Buffer
		w := http2.NewFramer(&b, nil)
		for n := range 3 {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: make([]byte, headers), EndHeaders: true})
			_ = w.WriteData(uint32(2*n+1), false, make([]byte, data))
			_ = w.WritePing(false, [8]byte{})
		}
		var out frames
		got := 0
		for b.Len() > 0 {
			got += out.passed(b.Next(cut))
		}
		if got != 3*data {
			t.Errorf("%d bytes of DATA counted, want %d", got, 3*data)
		}
	})
}
