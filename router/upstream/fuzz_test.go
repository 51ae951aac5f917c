package upstream

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"
)

// A script is a connection to a proxy that says fixed bytes.
type script struct {
	net.Conn
	io.Reader
}

func (s *script) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s *script) Write(b []byte) (int, error) { return len(b), nil }

// FuzzAnswers: whatever a proxy says, no more is read than belongs to its answer, and no more than the bound.
func FuzzAnswers(f *testing.F) {
	f.Add(true, false, []byte("\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01rest"))
	f.Add(true, true, []byte("\x05\x02\x01\x00\x05\x00\x00\x03\x01a\x00\x01rest"))
	f.Add(true, false, []byte("\x05\x00\x05\x05\x00\x01"))
	f.Add(false, false, []byte("HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"))
	f.Add(false, false, []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest"))
	f.Add(false, true, []byte("HTTP/1.0 407 x\n\n"))
	to := netip.MustParseAddrPort("[2001:db8::1]:80")
	f.Fuzz(func(t *testing.T, socks, password bool, answer []byte) {
		d := &Dialer{scheme: "http"}
		if password {
			d.user, d.password = "u", "p"
		}
		r := bytes.NewReader(answer)
		c := &script{Reader: r}
		var err error
		if !socks {
			err = d.httpConnect(c, to)
		} else if err = d.socksGreet(c); err == nil {
			err = d.socksConnect(c, to)
		}
		read := answer[:len(answer)-r.Len()]
		if len(read) > maxHeader {
			t.Fatalf("%d bytes were read", len(read))
		}
		if err == nil && !socks && !bytes.HasSuffix(read, []byte("\n\n")) && !bytes.HasSuffix(read, []byte("\r\n\r\n")) {
			t.Fatalf("read %q", read)
		}
		if err == nil && socks && (len(read) < 2+4+2 || read[0] != socksVersion) {
			t.Fatalf("read %q", read)
		}
	})
}
