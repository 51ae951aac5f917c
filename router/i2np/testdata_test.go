package i2np_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"clove.i2p/router/i2p"
)

// raw reads hex with spaces and line breaks; "nn*k" repeats a byte.
func raw(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for f := range strings.FieldsSeq(s) {
		part, count, ok := strings.Cut(f, "*")
		b, err := hex.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		n := 1
		if ok {
			n = 0
			for _, d := range count {
				n = n*10 + int(d-'0')
			}
		}
		out = append(out, bytes.Repeat(b, n)...)
	}
	return out
}

func hashOf(b byte) (h i2p.Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

func checksum(p []byte) byte { s := sha256.Sum256(p); return s[0] }

func hashes(bs ...byte) []i2p.Hash {
	var hs []i2p.Hash
	for _, b := range bs {
		hs = append(hs, hashOf(b))
	}
	return hs
}
