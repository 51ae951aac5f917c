package http

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// answering is a stream on which a server has said all it had to say.
type answering struct {
	net.Conn
	io.Reader
}

func (a answering) Read(p []byte) (int, error) { return a.Reader.Read(p) }

// decode reads a response as exchange does.
func decode(method, response string, slow bool) (*nethttp.Response, string, error) {
	var in io.Reader = strings.NewReader(response)
	if slow {
		in = iotest.OneByteReader(in)
	}
	c := newGunzipStream(answering{Reader: in}, method)
	resp, err := nethttp.ReadResponse(bufio.NewReader(c), &nethttp.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	if err := c.finish(resp); err != nil {
		return resp, "", err
	}
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func TestGunzip(t *testing.T) {
	const page = "a page, a page, a page"
	const coded = "HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\n"
	trailed := chunk("a page, ") + chunk("a page, a page") + "0\r\nX-Sum: 42\r\n\r\n"
	for name, tt := range map[string]struct {
		method, response string
		body             string
		length           int64
		trailer          string
	}{
		"not compressed": {response: "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n" + page, body: page, length: 22},
		"Java I2P, length of the page": {
			response: coded + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(page)) + zip(page), body: page, length: -1,
		},
		"length of what is sent": {
			response: coded + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(zip(page))) + zip(page), body: page, length: -1,
		},
		"until the end":           {response: coded + "\r\n" + zip(page), body: page, length: -1},
		"chunks inside":           {response: coded + "Transfer-Encoding: chunked\r\n\r\n" + zip(chunk(page)+"0\r\n\r\n"), body: page, length: -1},
		"chunks inside, trailer":  {response: coded + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + zip(trailed), body: page, length: -1, trailer: "42"},
		"chunks inside, length":   {response: coded + "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n" + zip(chunk(page)+"0\r\n\r\n"), body: page, length: -1},
		"chunks outside":          {response: coded + "Transfer-Encoding: chunked\r\n\r\n" + chunk(zip(page)[:9]) + chunk(zip(page)[9:]) + "0\r\n\r\n", body: page, length: -1},
		"chunks outside, trailer": {response: coded + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + chunk(zip(page)) + "0\r\nX-Sum: 42\r\n\r\n", body: page, length: -1, trailer: "42"},
		"other case, bare ends":   {response: "HTTP/1.1 200 OK\ncontent-encoding:  X-I2P-GZIP \n\n" + zip(page), body: page, length: -1},
		"after a 103":             {response: "HTTP/1.1 103 Early Hints\r\nContent-Encoding: x-i2p-gzip\r\n\r\n" + coded + "\r\n" + zip(page), body: page, length: -1},
		"range":                   {response: strings.Replace(coded, "200 OK", "206 Partial Content", 1) + "Content-Range: bytes 0-21/50\r\n\r\n" + zip(page), body: page, length: -1},
		"more after the end":      {response: coded + "\r\n" + zip(page) + "HTTP/1.1 200 OK\r\n", body: page, length: -1},
		"HEAD":                    {method: "HEAD", response: coded + "Content-Length: 22\r\n\r\n", length: 22},
		"304":                     {response: strings.Replace(coded, "200 OK", "304 Not Modified", 1) + "Content-Length: 22\r\n\r\n", length: 0},
		"204":                     {response: strings.Replace(coded, "200 OK", "204 No Content", 1) + "\r\n", length: 0},
		"empty":                   {response: coded + "Content-Length: 0\r\n\r\n", length: 0},
		"empty member":            {response: coded + "\r\n" + zip(""), length: -1},
		"other encoding":          {response: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zip(page), body: zip(page), length: -1},
		"100 kB of zeros":         {response: coded + "\r\n" + zip(strings.Repeat("\x00", 100<<10)), body: strings.Repeat("\x00", 100<<10), length: -1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, slow := range []bool{false, true} {
				method := tt.method
				if method == "" {
					method = "GET"
				}
				resp, body, err := decode(method, tt.response, slow)
				if resp != nil && resp.StatusCode == 103 {
					t.Skip("net/http's Transport, not ReadResponse, passes over it")
				}
				if err != nil || body != tt.body {
					t.Fatalf("slow %v: got %.60q, %v", slow, body, err)
				}
				if resp.ContentLength != tt.length || resp.Trailer.Get("X-Sum") != tt.trailer {
					t.Errorf("slow %v: length %d, trailer %v", slow, resp.ContentLength, resp.Trailer)
				}
				if name != "other encoding" && resp.Header.Get("Content-Encoding") != "" {
					t.Errorf("encoding %q is left", resp.Header.Get("Content-Encoding"))
				}
			}
		})
	}
}

// Half a page, or none, must not pass for a whole one.
func TestDamagedGzipIsAnError(t *testing.T) {
	const coded = "HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\n"
	whole := zip("a page, a page, a page")
	broken := []byte(whole)
	broken[len(broken)-6] ^= 1
	for name, response := range map[string]string{
		"nothing":                coded + "\r\n",
		"plain text":             coded + "\r\nnot compressed",
		"cut":                    coded + "\r\n" + whole[:len(whole)-9],
		"cut in the sum":         coded + "\r\n" + whole[:len(whole)-2],
		"wrong sum":              coded + "\r\n" + string(broken),
		"chunks outside, cut":    coded + "Transfer-Encoding: chunked\r\n\r\n" + chunk(whole[:12]),
		"chunks outside, no end": coded + "Transfer-Encoding: chunked\r\n\r\n" + chunk(whole),
		"chunks outside, wrong":  coded + "Transfer-Encoding: chunked\r\n\r\n" + chunk(string(broken)) + "0\r\n\r\n",
		"chunks inside, cut":     coded + "Transfer-Encoding: chunked\r\n\r\n" + zip("ff\r\nhalf"),
		"two encodings":          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, x-i2p-gzip\r\n\r\n" + whole,
		"folded":                 "HTTP/1.1 200 OK\r\nContent-Encoding:\r\n x-i2p-gzip\r\n\r\n" + whole,
		"header cut":             coded,
		"not HTTP":               "SSH-2.0\r\n\r\n",
		"endless header":         "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 100),
	} {
		resp, body, err := decode("GET", response, false)
		if err == nil {
			t.Errorf("%s: %+v, %q", name, resp, body)
		}
	}
}

// What the server has flushed arrives, though more will come.
func TestGunzipHoldsNothingBack(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() {
		_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\n\r\n")
		w := gzip.NewWriter(far)
		for _, line := range []string{"first\n", "second\n"} {
			_, _ = io.WriteString(w, line)
			_ = w.Flush()
		}
		_, _ = far.Read(make([]byte, 1)) // until the reader has both
		_ = w.Close()
	}()
	resp, err := nethttp.ReadResponse(bufio.NewReader(newGunzipStream(near, "GET")), nil)
	if err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(resp.Body)
	for _, want := range []string{"first\n", "second\n"} {
		if line, err := br.ReadString('\n'); line != want || err != nil {
			t.Fatalf("%q %v", line, err)
		}
	}
	_, _ = near.Write([]byte("x"))
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// FuzzGunzip: whatever a server says, reading ends, and what is not compressed arrives as it was.
func FuzzGunzip(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\n\r\n" + zip("page"),
		"HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + zip(chunk("page")+"0\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Encoding: x-i2p-gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(zip("page")) + "0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nx", "HTTP/1.1 101 X\r\n\r\nraw", "\r\n\r\n", "HTTP/1.1 200\n\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := io.ReadAll(io.LimitReader(newGunzipStream(answering{Reader: strings.NewReader(s)}, "GET"), 1<<20))
		if !strings.Contains(strings.ToLower(s), gzipName) && (string(b) != s || err != nil) {
			t.Errorf("got %q for %q, %v", b, s, err)
		}
		_, _, _ = decode("GET", s, true)
	})
}
