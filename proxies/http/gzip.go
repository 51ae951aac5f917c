package http

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"strconv"
	"strings"
)

// acceptGzip is the request for compression, as Java I2P writes it. Its server side looks for the name only.
const acceptGzip = "x-i2p-gzip;q=1.0, identity;q=0.5, deflate;q=0, gzip;q=0, *;q=0"

const gzipName = "x-i2p-gzip"

// gunzipStream is a stream whose responses are decoded below HTTP.
//
// I2P's compression is not HTTP's: Java I2P compresses whatever follows the header, the chunks of a chunked body included,
// and leaves Transfer-Encoding and Content-Length as the web server wrote them (I2PTunnel, Transparent Response Compression).
// So the header is read here, and what follows goes to net/http as it was before. A server that puts the chunks outside, as
// HTTP has it, is understood, too; then outer is set, and net/http's body is what is compressed.
//
// Content-Length is dropped, as nothing says what it counts; gzip has a length and a checksum of its own. Nothing is held
// back and nothing grows: decoding takes one window of 32 kB, whatever it turns into.
type gunzipStream struct {
	net.Conn
	in      *bufio.Reader
	noBody  bool      // the request was HEAD
	pending []byte    // of a header, for the reader
	body    io.Reader // after the last header
	outer   bool      // read it after the response's header
}

func newGunzipStream(c net.Conn, method string) *gunzipStream {
	return &gunzipStream{Conn: c, in: bufio.NewReader(c), noBody: method == nethttp.MethodHead}
}

func (c *gunzipStream) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		if c.body != nil {
			return c.body.Read(p)
		}
		c.readHead()
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// readHead reads up to the empty line and decides what the rest is. What is not HTTP is net/http's to refuse.
func (c *gunzipStream) readHead() {
	var head []byte
	for {
		line, err := c.in.ReadSlice('\n')
		head = append(head, line...)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			c.pending, c.body = head, failing{err}
			return
		}
		if len(head) > maxHeader || err == nil && !bytes.HasPrefix(head, []byte("HTTP/1.")) {
			c.pending, c.body = head, c.in
			return
		}
		if err == nil && len(bytes.TrimRight(line, "\r\n")) == 0 && (len(line) == len(head) || head[len(head)-len(line)-1] == '\n') {
			break
		}
	}
	h, ok := parseHead(head)
	switch {
	case !ok:
		c.pending, c.body = head, c.in
	case h.status >= 100 && h.status < 200 && h.status != nethttp.StatusSwitchingProtocols:
		c.pending = head // the response follows
	case !h.gzip:
		c.pending, c.body = head, c.in
	case c.noBody || h.status == nethttp.StatusNoContent || h.status == nethttp.StatusNotModified || h.empty:
		c.pending, c.body = h.without(false), c.in
	default:
		magic, _ := c.in.Peek(2)
		c.pending = h.without(true)
		if c.outer = h.chunked && !bytes.Equal(magic, []byte{0x1f, 0x8b}); c.outer {
			c.body = c.in
		} else {
			c.body = &gunzip{in: c.in}
		}
	}
}

// responseHead is what matters of a header.
type responseHead struct {
	lines                [][]byte // with their ends
	status               int
	gzip, chunked, empty bool
}

// parseHead refuses folded lines, which nobody may send any more.
func parseHead(head []byte) (h responseHead, ok bool) {
	for line := range bytes.Lines(head) {
		h.lines = append(h.lines, line)
		if line[0] == ' ' || line[0] == '\t' {
			return h, false
		}
	}
	fields := strings.Fields(string(h.lines[0]))
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/1.") {
		return h, false
	}
	var err error
	if h.status, err = strconv.Atoi(fields[1]); err != nil {
		return h, false
	}
	for _, line := range h.lines[1:] {
		switch name, value := splitLine(line); name {
		case "content-encoding":
			h.gzip = h.gzip || value == gzipName
		case "transfer-encoding":
			h.chunked = h.chunked || hasToken([]string{value}, "chunked")
		case "content-length":
			h.empty = value == "0"
		}
	}
	return h, true
}

// without leaves out what says that there is compression, and the length of what is compressed.
func (h *responseHead) without(length bool) []byte {
	var b []byte
	for _, line := range h.lines {
		name, value := splitLine(line)
		if name == "content-encoding" && value == gzipName || length && name == "content-length" {
			continue
		}
		b = append(b, line...)
	}
	return b
}

func splitLine(line []byte) (name, value string) {
	name, value, _ = strings.Cut(string(line), ":")
	return strings.ToLower(name), strings.ToLower(strings.TrimSpace(value))
}

// gunzip reads one gzip member. That nothing comes is an error: a member has at least 18 bytes.
type gunzip struct {
	in io.Reader
	gz *gzip.Reader
}

func (g *gunzip) Read(p []byte) (n int, err error) {
	if g.gz == nil {
		if g.gz, err = gzip.NewReader(g.in); err != nil {
			g.gz = nil
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		g.gz.Multistream(false) // the server may keep the connection open
	}
	return g.gz.Read(p)
}

// gunzipBody is for chunks outside.
type gunzipBody struct {
	gunzip
	body io.ReadCloser
}

func newGunzipBody(body io.ReadCloser) *gunzipBody {
	return &gunzipBody{gunzip{in: bufio.NewReader(body)}, body}
}

// Read goes on to the end of the chunks, behind which the trailers are.
func (g *gunzipBody) Read(p []byte) (int, error) {
	n, err := g.gunzip.Read(p)
	if errors.Is(err, io.EOF) {
		if _, rest := io.Copy(io.Discard, io.LimitReader(g.in, maxHeader)); rest != nil {
			err = rest
		}
	}
	return n, err
}

func (g *gunzipBody) Close() error { return g.body.Close() }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// finish decodes the body of a response where that was left to be done, and refuses one that cannot be.
func (c *gunzipStream) finish(resp *nethttp.Response) error {
	for _, coding := range resp.Header.Values("Content-Encoding") {
		if hasToken([]string{coding}, gzipName) {
			return errors.New("http: x-i2p-gzip that cannot be decoded")
		}
	}
	if c.outer {
		resp.Body = newGunzipBody(resp.Body)
		resp.ContentLength = -1
	}
	return nil
}
