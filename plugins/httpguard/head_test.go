package httpguard

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestParseHead(t *testing.T) {
	for _, c := range []struct {
		head   string // without the end of the last line and the empty line
		status int
		want   Head
	}{
		{"GET / HTTP/1.1\r\nHost: a", 0, Head{}},
		{"GET / HTTP/1.0", 0, Head{}},
		{"GET /\xff HTTP/1.1", 0, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 12", 0, Head{Length: 12}},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked", 0, Head{Chunked: true}},
		{"GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket", 0, Head{Upgrade: true}},
		{"GET / HTTP/1.1\r\nConnection: upgradex\r\nUpgrade: websocket", 0, Head{}},
		{"CONNECT a:1 HTTP/1.1", 0, Head{Upgrade: true}},
		{"GET / HTTP/1.1\nHost: a", 0, Head{}}, // RFC 9112 section 2.2 lets a server take a bare LF

		{"GET /", 400, Head{}},
		{"GET  / HTTP/1.1", 400, Head{}},
		{"GET / HTTP/1.1 ", 400, Head{}},
		{" GET / HTTP/1.1", 400, Head{}},
		{"G(T / HTTP/1.1", 400, Head{}},
		{"GET /\x01 HTTP/1.1", 400, Head{}},
		{"GET / HTTP/2.0", 505, Head{}},
		{"PRI * HTTP/2.0", 505, Head{}},
		{"GET / http/1.1", 400, Head{}},
		{"GET / HTTP/1.1\r\nHost", 400, Head{}},
		{"GET / HTTP/1.1\r\nHost : a", 400, Head{}},
		{"GET / HTTP/1.1\r\n: a", 400, Head{}},
		{"GET / HTTP/1.1\r\nA: b\r\n c: d", 400, Head{}},
		{"GET / HTTP/1.1\r\nA: b\x00", 400, Head{}},
		{"GET / HTTP/1.1\r\nA: b\rc: d", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 1, 1", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: +1", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: -1", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 0x1", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length:", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", 400, Head{}},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400, Head{}},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, Head{}},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 400, Head{}},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: identity", 400, Head{}},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked", 400, Head{}},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400, Head{}},
		{"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 5", 400, Head{}},
	} {
		h, refusal := ParseHead([]byte(c.head + "\r\n\r\n"))
		status := 0
		if refusal != nil {
			status = refusal.Status
		}
		if status != c.status || h != c.want {
			t.Errorf("%q: %d %+v, want %d %+v", c.head, status, h, c.status, c.want)
		}
	}
}

func TestScanTellsWhichLimit(t *testing.T) {
	l := Limits{LineBytes: 40, HeadLines: 3, HeadBytes: 100}
	for _, c := range []struct {
		name, head string
		status     int
	}{
		{"fine", "GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", 0},
		{"long address", "GET /" + strings.Repeat("x", 40), 414},
		{"long line", "GET / HTTP/1.1\r\na: " + strings.Repeat("x", 40), 431},
		{"lines", "GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n", 431},
		{"size", "GET / HTTP/1.1\r\na: " + strings.Repeat("x", 35) + "\r\nb: " + strings.Repeat("x", 35) + "\r\nc: xxxxxxxxxxxxx", 431},
	} {
		var s scanner
		n, status := 0, 0
		for i := range len(c.head) + 1 { // it arrives byte by byte
			end, refusal := s.scan([]byte(c.head[:i]), l)
			if refusal != nil {
				status = refusal.Status
				break
			}
			if n = end; n > 0 {
				break
			}
		}
		if status != c.status || status == 0 && n != len(c.head) {
			t.Errorf("%s: %d, head of %d bytes", c.name, status, n)
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET",
		"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nxx",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s scanner
		n, refusal := s.scan(b, Strangers())
		if n == 0 || refusal != nil {
			return
		}
		h, refusal := ParseHead(b[:n])
		if refusal != nil {
			return
		}
		src := bufio.NewReader(bytes.NewReader(b))
		r, err := http.ReadRequest(src)
		if err != nil {
			return // net/http may be stricter
		}
		// What we let through, net/http ends at the same place.
		if chunked := len(r.TransferEncoding) > 0; chunked != h.Chunked || !chunked && !h.Upgrade && r.ContentLength != h.Length {
			t.Fatalf("%q: guard %+v, net/http %v %d", b, h, r.TransferEncoding, r.ContentLength)
		}
		if h.Upgrade {
			return
		}
		follow := bodyOf(h)
		taken, err := follow.take(b[n:])
		if err != nil || !follow.done() {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			if h.Chunked { // it may dislike a trailer or an extension
				return
			}
			t.Fatalf("%q: guard takes a body that net/http does not: %v", b, err)
		}
		rest, err := io.ReadAll(src)
		if err != nil || !bytes.Equal(rest, b[n+taken:]) {
			t.Fatalf("%q: guard leaves %q, net/http %q", b, b[n+taken:], rest)
		}
	})
}
