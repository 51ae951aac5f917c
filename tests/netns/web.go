//go:build linux

package netns

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Page is what the web server says at /.
const Page = "<!doctype html><title>interop</title>\n<p>An eepsite for tests.\n"

// A Web server is what the eepsites show: / is Page, /bytes/N are N bytes, the same each time, and POST /upload tells
// the SHA-256 of the body in hexadecimal.
type Web struct {
	l net.Listener
}

// StartWeb starts a web server on loopback.
func StartWeb() (*Web, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("netns: web server: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, Page) })
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
		if err != nil || n < 0 {
			http.Error(w, "want /bytes/N", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		io.Copy(w, Bytes(n))
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		if _, err := io.Copy(sum, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%x", sum.Sum(nil))
	})
	go http.Serve(l, mux)
	return &Web{l}, nil
}

// Address of the server.
func (w *Web) Address() *net.TCPAddr { return w.l.Addr().(*net.TCPAddr) }

// Close ends the server.
func (w *Web) Close() error { return w.l.Close() }

// Bytes are the n bytes of /bytes/N.
func Bytes(n int64) io.Reader { return &pattern{end: n} }

// BytesSum is the SHA-256 of Bytes(n).
func BytesSum(n int64) [sha256.Size]byte {
	sum := sha256.New()
	io.Copy(sum, Bytes(n))
	return [sha256.Size]byte(sum.Sum(nil))
}

// pattern reads as block again and again, each time with its number in front. It costs next to nothing, for the sake of
// benchmarks, and is longer than what gzip looks back, so that it does not compress.
type pattern struct{ at, end int64 }

var block = func() []byte {
	b := make([]byte, 0, 1<<16)
	for sum := sha256.Sum256([]byte("clove")); len(b) < cap(b); sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b
}()

func (p *pattern) Read(b []byte) (int, error) {
	if p.at >= p.end {
		return 0, io.EOF
	}
	size := int64(len(block))
	number, from := p.at/size, p.at%size
	n := copy(b[:min(int64(len(b)), p.end-p.at)], block[from:])
	if front := binary.BigEndian.AppendUint64(nil, uint64(number)); from < int64(len(front)) {
		copy(b[:n], front[from:])
	}
	p.at += int64(n)
	return n, nil
}
