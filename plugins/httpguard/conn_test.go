package httpguard

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// slices is a connection that gives its bytes in steps.
type slices struct {
	net.Conn

	left []byte
	step int
}

func (s *slices) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left[:min(s.step, len(s.left))])
	s.left = s.left[n:]
	return n, nil
}
func (s *slices) SetReadDeadline(time.Time) error { return nil }
func (s *slices) Close() error                    { return nil }

// Whatever comes in whatever pieces, what http.Server sees is a beginning of it, and then perhaps one request of our own.
func FuzzConn(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\nx",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw\x00", "\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(3), uint8(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, in, out uint8) {
		server := New(Config{Limits: Strangers()})
		c := newConn(server, &slices{left: bytes.Clone(b), step: int(in) + 1}, nil, nil)
		var seen []byte
		p := make([]byte, int(out)+1)
		for {
			c.mu.Lock()
			c.serving = 0 // every request was answered at once
			c.mu.Unlock()
			n, err := c.Read(p)
			seen = append(seen, p[:n]...)
			if err != nil {
				break
			}
			if n == 0 {
				t.Fatal("nothing, and no error")
			}
			if len(seen) > len(b)+1000 {
				t.Fatalf("%d bytes become more than %d", len(b), len(seen))
			}
		}
		if i := bytes.Index(seen, []byte(markHeader+": "+server.mark)); i >= 0 {
			seen = seen[:bytes.LastIndex(seen[:i], []byte("GET / HTTP/1.1"))]
		}
		if !bytes.HasPrefix(b, seen) {
			t.Fatalf("%q becomes %q", b, seen)
		}
	})
}
