package http_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	nethttp "net/http"
	"testing"

	httpproxy "clove.i2p/proxies/http"
)

func TestCompressedResponseReachesTheBrowserDecoded(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		r, err := nethttp.ReadRequest(br)
		if err != nil {
			return
		}
		if got := r.Header.Get("X-Accept-Encoding"); got != "x-i2p-gzip;q=1.0, identity;q=0.5, deflate;q=0, gzip;q=0, *;q=0" {
			t.Errorf("X-Accept-Encoding %q", got)
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, "5\r\npage\n\r\n0\r\nX-Sum: 42\r\n\r\n")
		_ = w.Close()
		if r.URL.Path == "/broken" {
			b.Truncate(b.Len() - 20)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"+
			"Content-Encoding: x-i2p-gzip\r\n\r\n")
		_, _ = c.Write(b.Bytes())
	})
	client := f.client(t)
	resp, err := client.Get("http://" + siteName + "/")
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, resp); body != "page\n" || resp.Trailer.Get("X-Sum") != "42" || resp.Header.Get("Content-Encoding") != "" || resp.Close {
		t.Errorf("%q %+v", body, resp)
	}
	if resp, err = client.Get("http://" + siteName + "/broken"); err == nil {
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			t.Errorf("a broken page ends properly: %q", b)
		}
	}
}

func TestCompressionIsOfferedWhereItMakesSense(t *testing.T) {
	offers := make(chan bool, 1)
	site := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		offers <- r.Header.Get("X-Accept-Encoding") != ""
	})
	on, off := start(t, site), start(t, site, func(c *httpproxy.Config) { c.Gzip = false })
	for _, tt := range []struct {
		f       *fixture
		headers string
		want    bool
	}{
		{on, "", true},
		{on, "X-Accept-Encoding: none\r\n", true},
		{off, "", false},
		{off, "X-Accept-Encoding: x-i2p-gzip\r\n", false}, // a browser that asks itself could not read the answer
		{on, "Connection: upgrade\r\nUpgrade: websocket\r\n", false},
	} {
		tt.f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\n"+tt.headers+"\r\n")
		if got := <-offers; got != tt.want {
			t.Errorf("%q: offered %v", tt.headers, got)
		}
	}
}
