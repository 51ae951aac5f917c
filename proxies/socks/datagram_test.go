package socks

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

func TestParseDatagram(t *testing.T) {
	for in, want := range map[string]struct {
		host string
		port int
		data string
	}{
		"\x00\x00\x00\x03\x05a.i2p\x00\x50data": {"a.i2p", 80, "data"}, "\x00\x00\x00\x03\x01a\xff\xff": {"a", 65535, ""},
		"\x00\x00\x00\x01\x09\x09\x09\x09\x00\x35x":                                          {"9.9.9.9", 53, "x"},
		"\x00\x00\x00\x04\x2a\x00" + strings.Repeat("\x00", 13) + "\x01\x00\x35":             {"2a00::1", 53, ""},
		"\x00\x00\x00\x04" + strings.Repeat("\x00", 10) + "\xff\xff\x7f\x00\x00\x01\x00\x35": {"::ffff:127.0.0.1", 53, ""},
	} {
		host, port, data, err := parseDatagram([]byte(in))
		if host != want.host || port != want.port || string(data) != want.data || err != nil {
			t.Errorf("%x: %q %d %q %v", in, host, port, data, err)
		}
	}
}

func FuzzParseDatagram(f *testing.F) {
	for _, s := range []string{
		"", "\x00\x00\x00\x03\x05a.i2p\x00\x50data", "\x00\x00\x00\x01\x09\x09\x09\x09\x00\x35x", "\x00\x00\x01\x03\x00", "\x00\x00\x00\x03\xff",
		"\x00\x00\x00\x04" + strings.Repeat("\x00", 18),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		host, port, data, err := parseDatagram(b)
		if err != nil {
			return
		}
		var again []byte
		if b[3] == typeName {
			again = appendHeader(nil, host, port)
		} else {
			again = appendAddress([]byte{0, 0, 0}, netip.AddrPortFrom(netip.MustParseAddr(host), uint16(port)))
		}
		if len(again) > maxHeader || !bytes.Equal(append(again, data...), b) {
			t.Fatalf("%x is parsed to %q %d %x, which is %x", b, host, port, data, again)
		}
	})
}
