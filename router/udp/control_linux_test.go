package udp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func unsafeBytes(p *byte, n int) []byte { return unsafe.Slice(p, n) }

func appendGRO(b []byte, n uint32) []byte {
	b, data := appendHeader(b, unix.SOL_UDP, unix.UDP_GRO, 4)
	binary.NativeEndian.PutUint32(data, n)
	return b
}

func TestControlMessages(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	buf := func() []byte { return make([]byte, 0, 512) }
	other, _ := appendHeader(buf(), unix.SOL_SOCKET, unix.SO_TIMESTAMP, 16)
	short, _ := appendHeader(buf(), unix.SOL_UDP, unix.UDP_GRO, 2)
	huge := appendGRO(buf(), 1400)
	binary.NativeEndian.PutUint32(huge, 1<<30) // length
	tests := map[string]struct {
		in   []byte
		want control
	}{
		"nothing":          {nil, control{}},
		"gro":              {appendGRO(buf(), 1400), control{segment: 1400}},
		"gro and address":  {appendSource(appendGRO(buf(), 1400), six, true), control{segment: 1400, local: six}},
		"address and gro":  {appendGRO(appendSource(buf(), four, false), 1400), control{segment: 1400, local: four}},
		"IPv4 in IPv6":     {appendSource(buf(), four, true), control{local: four}},
		"unknown":          {appendGRO(other, 7), control{segment: 7}},
		"too short":        {appendSource(short, four, false), control{local: four}},
		"not positive":     {appendGRO(buf(), 0), control{}},
		"negative":         {appendGRO(buf(), 1<<31), control{}},
		"length too large": {huge, control{}},
		"cut":              {appendGRO(buf(), 1400)[:unix.SizeofCmsghdr-1], control{}},
	}
	for name, c := range tests {
		if got := parseControl(c.in); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// The kernel of this machine must read what we write as golang.org/x/sys does.
func TestControlHeaderIsThatOfTheSystem(t *testing.T) {
	b := appendSegment(appendSource(make([]byte, 0, controlOut), netip.MustParseAddr("2001:db8::1"), true), 1400)
	h, data, rest, err := unix.ParseOneSocketControlMessage(b)
	if err != nil || h.Level != unix.IPPROTO_IPV6 || h.Type != unix.IPV6_PKTINFO || len(data) != unix.SizeofInet6Pktinfo {
		t.Fatal(h, len(data), err)
	}
	h, data, rest, err = unix.ParseOneSocketControlMessage(rest)
	if err != nil || h.Level != unix.SOL_UDP || h.Type != unix.UDP_SEGMENT || binary.NativeEndian.Uint16(data) != 1400 || len(data) != 2 || len(rest) != 0 {
		t.Fatal(h, data, len(rest), err)
	}
	if len(b) > controlOut {
		t.Fatal(len(b))
	}
}

// Whatever control messages come with a row: no panic, and its packets are the row, in order, none longer than told.
func FuzzRow(f *testing.F) {
	f.Add(appendGRO(make([]byte, 0, 64), 1400), []byte("some data"), 5000)
	f.Add(appendSource(make([]byte, 0, 64), netip.MustParseAddr("192.0.2.1"), false), []byte("x"), 0)
	f.Add(appendGRO(appendSource(make([]byte, 0, 96), netip.MustParseAddr("2001:db8::1"), true), 3), []byte("abcdefgh"), 3)
	f.Add([]byte{16, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 104, 0, 0, 0}, []byte("abc"), 1)
	f.Fuzz(func(t *testing.T, ctl, data []byte, repeat int) {
		c := parseControl(ctl)
		if c.segment < 0 {
			t.Fatal(c.segment)
		}
		if repeat = repeat % 8; repeat > 1 {
			data = bytes.Repeat(data, repeat)
		}
		r := row{data: data, segment: c.segment}
		var out []byte
		for short := false; ; {
			p, ok := r.take()
			if !ok {
				break
			}
			if len(p.Data) == 0 || c.segment > 0 && len(p.Data) > c.segment || short || cap(p.Data) != len(p.Data) {
				t.Fatalf("%d bytes of a segment of %d", len(p.Data), c.segment)
			}
			short = c.segment == 0 || len(p.Data) < c.segment
			out = append(out, p.Data...)
		}
		if !bytes.Equal(out, data) {
			t.Fatal("the packets are not the row")
		}
	})
}
