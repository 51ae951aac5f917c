package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"testing"

	"clove.i2p/router/buf"
)

// member is a gzip member as another router makes it, with the fields of I2CP in its header.
func member(t testing.TB, payload []byte, level int, proto Protocol, ports Ports) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(payload)
	w.Close()
	m := b.Bytes()
	binary.BigEndian.PutUint16(m[4:], ports.From)
	binary.BigEndian.PutUint16(m[6:], ports.To)
	m[9] = byte(proto)
	return m
}

func TestWrapIsAGzipMember(t *testing.T) {
	for _, n := range []int{0, 1, 1730, 1812, 2000} {
		payload := bytes.Repeat([]byte("i2p "), n/4+1)[:n]
		b := buf.From(payload)
		wrap(b, Datagram, Ports{From: 0x1234, To: 0x5678})
		got := b.Bytes()
		if len(got) != n+payloadHead+payloadTail {
			t.Errorf("%d bytes became %d", n, len(got))
		}
		if binary.BigEndian.Uint16(got[4:]) != 0x1234 || binary.BigEndian.Uint16(got[6:]) != 0x5678 || got[9] != 17 {
			t.Errorf("header %x", got[:10])
		}
		r, err := gzip.NewReader(bytes.NewReader(got)) // it compares the checksum and the size
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := out.ReadFrom(r); err != nil || !bytes.Equal(out.Bytes(), payload) {
			t.Errorf("%d bytes: %d come back, %v", n, out.Len(), err)
		}
		b.Release()
	}
}

func TestUnwrapTakesStoredAndDeflated(t *testing.T) {
	for _, n := range []int{0, 1, 1812, buf.Small, buf.Small + 1, 60_000, maxInflated} {
		for _, level := range []int{gzip.NoCompression, gzip.BestSpeed, gzip.BestCompression, gzip.HuffmanOnly} {
			payload := bytes.Repeat([]byte("i2p "), n/4+1)[:n]
			b, proto, ports, err := unwrap(member(t, payload, level, Streaming, Ports{From: 1, To: 2}))
			if err != nil {
				t.Fatalf("%d bytes, level %d: %v", n, level, err)
			}
			if !bytes.Equal(b.Bytes(), payload) || proto != Streaming || ports != (Ports{1, 2}) {
				t.Errorf("%d bytes, level %d: %d bytes, protocol %d, ports %v", n, level, b.Len(), proto, ports)
			}
			if b.HeadRoom() < buf.Head {
				t.Errorf("%d bytes of head room", b.HeadRoom())
			}
			b.Release()
		}
	}
}

// A bomb inflates to a thousand times its size.
func TestUnwrapRefusesBombs(t *testing.T) {
	for _, n := range []int{maxInflated + 1, 1 << 20, 8 << 20} {
		before := buf.InUse()
		if b, _, _, err := unwrap(member(t, make([]byte, n), gzip.BestCompression, Streaming, Ports{})); err == nil {
			t.Errorf("%d bytes were inflated to %d", n, b.Len())
			b.Release()
		}
		if left := buf.InUse() - before; left != 0 {
			t.Errorf("%d buffers left", left)
		}
	}
}

func TestUnwrapRefusesWhatIsNoMember(t *testing.T) {
	good := member(t, []byte("packet"), gzip.BestSpeed, Streaming, Ports{})
	for name, bad := range map[string][]byte{
		"nothing":         nil,
		"header only":     good[:10],
		"no trailer":      good[:17],
		"other magic":     append([]byte{0x1f, 0x8c}, good[2:]...),
		"other method":    append([]byte{0x1f, 0x8b, 9}, good[3:]...),
		"flags":           append([]byte{0x1f, 0x8b, 8, 4}, good[4:]...),
		"cut stream":      append(bytes.Clone(good[:12]), make([]byte, 8)...),
		"reserved block":  append(append(bytes.Clone(good[:10]), 0x07), make([]byte, 8)...),
		"stored too long": append(append(bytes.Clone(good[:10]), 1, 0xff, 0x00, 0x00, 0xff, 'x'), make([]byte, 8)...),
	} {
		if b, _, _, err := unwrap(bad); err == nil {
			t.Errorf("%s: accepted, %q", name, b.Bytes())
			b.Release()
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(member(f, []byte("packet"), gzip.NoCompression, Streaming, Ports{1, 2}))
	f.Add(member(f, []byte(strings.Repeat("packet", 1000)), gzip.BestCompression, Raw, Ports{}))
	f.Add(member(f, make([]byte, maxInflated+1), gzip.BestCompression, Datagram, Ports{}))
	f.Add(member(f, nil, flate.HuffmanOnly, 0, Ports{}))
	f.Fuzz(func(t *testing.T, m []byte) {
		before := bytes.Clone(m)
		b, proto, ports, err := unwrap(m)
		if !bytes.Equal(m, before) {
			t.Fatal("the member was changed")
		}
		if err != nil {
			return
		}
		defer b.Release()
		if b.Len() > maxInflated {
			t.Fatalf("%d bytes", b.Len())
		}
		if b.Len() > buf.Small {
			return
		}
		again := buf.From(b.Bytes())
		defer again.Release()
		wrap(again, proto, ports)
		c, p2, ports2, err := unwrap(again.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		if !bytes.Equal(c.Bytes(), b.Bytes()) || p2 != proto || ports2 != ports {
			t.Fatal("wrap and unwrap change it")
		}
	})
}
