package main

import (
	"compress/gzip"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// answer compresses what is worth it for clients that asked for x-i2p-gzip, with hygiene for whoever writes it. Close has to be
// called when the handler is done.
//
// The coding is one of the tunnel, not of the resource: the client's proxy undoes it before the browser sees the answer, and takes
// everything after the head for one gzip stream, chunks included. So a compressed answer has no chunks and ends with its connection.
type answer struct {
	http.ResponseWriter

	head    bool // of a HEAD request: no body
	upgrade bool // the client asked for another protocol
	offered bool
	began   bool
	gzip    *gzip.Writer
}

func newAnswer(w http.ResponseWriter, r *http.Request, compress bool) *answer {
	w.Header()["Date"] = nil
	return &answer{ResponseWriter: w, head: r.Method == http.MethodHead, upgrade: r.Header.Get("Upgrade") != "", offered: compress && offersGzip(r.Header)}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	h := a.Header()
	if !a.began && a.offered && !a.head && compressible(status, h) {
		h.Set("Content-Encoding", "x-i2p-gzip")
		h.Del("Content-Length")
		h.Set("Transfer-Encoding", "identity") // net/http's word for: no chunks, close after it
		a.gzip = gzip.NewWriter(a.ResponseWriter)
	}
	a.began = true
	if a.upgrade && status != http.StatusSwitchingProtocols {
		h.Set("Connection", "close") // what follows such a request may be anything
	}
	if _, ok := h["Date"]; !ok {
		h["Date"] = nil
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // nobody guesses
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if !a.began {
		a.WriteHeader(http.StatusOK)
	}
	if a.gzip != nil {
		return a.gzip.Write(b)
	}
	return a.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	if a.gzip != nil {
		if err := a.gzip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Close ends the compressed stream.
func (a *answer) Close() error {
	if a.gzip != nil {
		return a.gzip.Close()
	}
	return nil
}

// compressible: the rules of Java's servers.
func compressible(status int, h http.Header) bool {
	if status < 200 || status == http.StatusNoContent || status/100 == 3 || status/100 == 5 || h.Get("Content-Encoding") != "" {
		return false
	}
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n < minCompressed {
		return false
	}
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	major, minor, _ := strings.Cut(kind, "/")
	switch major {
	case "audio", "image", "video":
		return minor == "svg+xml" // text after all
	case "application":
		switch minor {
		case "compress", "bzip2", "gzip", "x-bzip", "x-bzip2", "x-gzip", "zip":
			return false
		}
	}
	return true
}
