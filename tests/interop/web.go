//go:build linux

package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
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
		return nil, fmt.Errorf("interop: web server: %w", err)
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

// Bytes are the n bytes of /bytes/N, which do not compress.
func Bytes(n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{'c', 'l', 'o', 'v', 'e'}), n)
}

// BytesSum is the SHA-256 of Bytes(n) in hexadecimal.
func BytesSum(n int64) string {
	sum := sha256.New()
	io.Copy(sum, Bytes(n))
	return hex.EncodeToString(sum.Sum(nil))
}
