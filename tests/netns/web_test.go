//go:build linux

package netns_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"clove.i2p/tests/netns"
)

func TestBytesAreTheSameInAnyPiecesAndDoNotCompress(t *testing.T) {
	const size = 3<<16 + 5
	want, err := io.ReadAll(netns.Bytes(size))
	if err != nil || len(want) != size {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	if got, _ := io.ReadAll(iotest.OneByteReader(netns.Bytes(size))); !bytes.Equal(got, want) {
		t.Error("read one by one the bytes differ")
	}
	if bytes.Equal(want[:1<<16], want[1<<16:2<<16]) {
		t.Error("two blocks in the wrong order would not be seen")
	}
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	z.Write(want)
	z.Close()
	if small.Len() < size {
		t.Errorf("gzip makes %d of %d bytes", small.Len(), size)
	}
}

func TestChildrenGetNoSettings(t *testing.T) {
	t.Setenv("CLOVE_LOG_LEVEL", "debug")
	for _, v := range netns.Environ() {
		if strings.HasPrefix(v, "CLOVE_") {
			t.Errorf("%s is passed on", v)
		}
	}
}
