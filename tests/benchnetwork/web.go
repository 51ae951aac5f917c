package main

import (
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"strconv"
)

// block repeats to make the bodies of the benchmark; it does not compress, though nobody on the way should try.
var block = func() []byte {
	b := make([]byte, 0, 1<<16)
	for sum := sha256.Sum256([]byte("clove")); len(b) < cap(b); sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b
}()

// writePattern writes n bytes.
func writePattern(w io.Writer, n int) error {
	for n > 0 {
		k, err := w.Write(block[:min(n, len(block))])
		if err != nil {
			return err
		}
		n -= k
	}
	return nil
}

func patternHash(n int) [sha256.Size]byte {
	h := sha256.New()
	writePattern(h, n)
	return [sha256.Size]byte(h.Sum(nil))
}

// serveWeb is the web server behind the eepsite: / is small, /bytes/N is N bytes.
func serveWeb() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello\n") })
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n < 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(n))
		writePattern(w, n)
	})
	go http.Serve(l, mux)
	return l, nil
}
