package http

import (
	"bufio"
	"bytes"
	"io"
	"net"
	nethttp "net/http"
	"sync/atomic"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// responseWriter flushes whatever it gets, so that a page that comes bit by bit is seen bit by bit, and keeps a
// hijacked connection for its caller.
type responseWriter struct {
	nethttp.ResponseWriter
	control *nethttp.ResponseController
	body    *requestBody
	wrote   bool
	client  *proxies.Client // after takeOver
}

func newResponseWriter(w nethttp.ResponseWriter, r *nethttp.Request) *responseWriter {
	out := &responseWriter{ResponseWriter: w, control: nethttp.NewResponseController(w)}
	out.body = &requestBody{ReadCloser: r.Body}
	out.body.ended.Store(r.Body == nil || r.Body == nethttp.NoBody)
	_ = out.control.EnableFullDuplex() // HTTP/1.0 has none
	return out
}

func (w *responseWriter) WriteHeader(status int) {
	h := w.Header()
	if len(h.Values("Content-Type")) == 0 {
		h["Content-Type"] = nil // net/http would guess one
	}
	if !w.body.ended.Load() {
		// The rest of the body must not be taken for the next request.
		h.Set("Connection", "close")
	}
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
	if status != nethttp.StatusSwitchingProtocols {
		_ = w.control.Flush()
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(nethttp.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	if err == nil {
		err = w.control.Flush()
	}
	return n, err
}

// ReadFrom is what io.Copy uses.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	return relay.Copy(struct{ io.Writer }{w}, src)
}

func (w *responseWriter) Flush() { _ = w.control.Flush() }

// takeOver hijacks the connection.
func (w *responseWriter) takeOver() (*proxies.Client, error) {
	conn, buffered, err := w.control.Hijack()
	if err != nil {
		return nil, err
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	w.client = proxies.NewClient(conn, bytes.Clone(early))
	return w.client, nil
}

// Hijack is goproxy's, after a websocket's response. Its copying has no limits and forgets to close the client, so
// it gets a connection that has ended.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if _, err := w.takeOver(); err != nil {
		return nil, nil, err
	}
	return ended{}, bufio.NewReadWriter(bufio.NewReader(ended{}), bufio.NewWriter(ended{})), nil
}

// finish bounds what net/http does with the rest of a request's body.
func (w *responseWriter) finish() {
	if w.client == nil && !w.body.ended.Load() {
		_ = w.control.SetReadDeadline(time.Now().Add(lastWords))
	}
}

// requestBody knows whether it has ended.
type requestBody struct {
	io.ReadCloser
	ended atomic.Bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { //nolint:errorlint // net/http does not wrap it
		b.ended.Store(true)
	}
	return n, err
}

// ended is a connection on which nothing comes and everything is lost.
type ended struct{ net.Conn }

func (ended) Read([]byte) (int, error)    { return 0, io.EOF }
func (ended) Write(p []byte) (int, error) { return len(p), nil }
func (ended) Close() error                { return nil }
