package wire_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"runtime"
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

func TestRouterInfoBlock(t *testing.T) {
	ri := bytes.Repeat([]byte("caps=4;host=192.0.2.1;"), 60)
	for _, c := range []struct {
		name  string
		limit int
		gzip  bool
	}{
		{"as it is", len(ri) + wire.RouterInfoOverhead, false},
		{"with gzip", len(ri) + wire.RouterInfoOverhead - 1, true},
	} {
		block, err := wire.AppendRouterInfo([]byte{7}, ri, true, c.limit)
		if err != nil || block[0] != 7 || len(block)-1 > c.limit {
			t.Fatalf("%s: %d bytes, %v", c.name, len(block)-1, err)
		}
		wantFlag := byte(1)
		if c.gzip {
			wantFlag = 3
		}
		if block[1] != 2 || block[4] != wantFlag || block[5] != 1 {
			t.Fatalf("%s: %x", c.name, block[1:6])
		}
		got, flood, err := wire.ParseRouterInfo(block[4:])
		if err != nil || !flood || !bytes.Equal(got, ri) {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	if b, err := wire.AppendRouterInfo([]byte{7}, ri, false, 20); !errors.Is(err, wire.ErrTooLarge) || !bytes.Equal(b, []byte{7}) {
		t.Fatalf("%x, %v", b, err)
	}
}

// A block of a few KiB must not become 10 MB.
func TestInflationIsBounded(t *testing.T) {
	for _, c := range []struct {
		n    int
		want error
	}{{i2p.MaxRouterInfoLen, nil}, {i2p.MaxRouterInfoLen + 1, wire.ErrTooLarge}, {10 << 20, wire.ErrTooLarge}} {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(make([]byte, c.n)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		body := append([]byte{2, 1}, out.Bytes()...)
		ri, _, err := wire.ParseRouterInfo(body)
		if !errors.Is(err, c.want) || err == nil && len(ri) != c.n {
			t.Errorf("%d bytes: %d, %v", c.n, len(ri), err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			wire.ParseRouterInfo(body)
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) / 10; n > 1<<18 { // of which the window of gzip is 32 KiB
			t.Errorf("%d bytes: %d allocated", c.n, n)
		}
	}
	if _, _, err := wire.ParseRouterInfo(append([]byte{0, 1}, make([]byte, i2p.MaxRouterInfoLen+1)...)); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("without gzip: %v", err)
	}
}
