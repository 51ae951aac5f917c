package http

import (
	"bufio"
	"bytes"
	"errors"
	nethttp "net/http"
	"strconv"

	"clove.i2p/proxies"
)

// plainClient is a client's side of a CONNECT inside I2P. Browsers open their websockets that way, and their header is
// in the clear behind the CONNECT: with the name that the user has for the site, and all that tells browsers apart. So if the first
// bytes are the header of a request, it is cleaned as one that came to the proxy itself. Whatever else they are passes as it is.
type plainClient struct {
	*proxies.Client
	authority, canonical string // as the browser and as the server know the site

	head    []byte // of a request, so far
	pending []byte
	passing bool // everything from here on is the client's own
}

var errPlainHead = errors.New("http: the header of a request behind CONNECT is too long, or cannot be cleaned")

func (c *plainClient) Read(p []byte) (int, error) {
	for !c.passing {
		n, err := c.Client.Read(p)
		c.head = append(c.head, p[:n]...)
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		switch {
		case err != nil || !beginsRequest(c.head):
			c.pending, c.passing = c.head, true // an error comes again
			if n == 0 && len(c.head) == 0 {
				return 0, err
			}
		case end >= 0:
			head, clean := c.clean(c.head[:end+4])
			if !clean {
				return 0, errPlainHead
			}
			c.pending, c.passing = append(head, c.head[end+4:]...), true
		case len(c.head) > maxHeader:
			return 0, errPlainHead
		}
	}
	if len(c.pending) > 0 {
		n := copy(p, c.pending)
		c.pending = c.pending[n:]
		return n, nil
	}
	c.head, c.pending = nil, nil
	return c.Client.Read(p)
}

// beginsRequest tells whether b may be the beginning of "METHOD /", or goes on after that.
func beginsRequest(b []byte) bool {
	const longestMethod = 32
	for i, c := range b {
		switch {
		case c >= 'A' && c <= 'Z' || i > 0 && c == '-':
			if i == longestMethod {
				return false
			}
		case c == ' ' && i > 0:
			return i+1 == len(b) || b[i+1] == '/'
		default:
			return false
		}
	}
	return true
}

// clean returns the header as the server may see it. A request that is not a websocket's ends with its response, so that no other
// one follows that is not cleaned.
func (c *plainClient) clean(head []byte) ([]byte, bool) {
	r, err := nethttp.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil || c.canonical == "" || r.ProtoMajor != 1 {
		return nil, false
	}
	length := r.Header.Get("Content-Length")
	if cleanRequest(r.Header, c.authority, userAgent) {
		r.Header.Set("Origin", "http://"+c.canonical)
	}
	if !isWebsocket(r.Header) {
		r.Header.Set("Connection", "close")
	}
	switch {
	case len(r.TransferEncoding) > 0:
		r.Header.Set("Transfer-Encoding", "chunked") // the only one that ReadRequest takes
		r.Header.Del("Content-Length")
	case length == "" && r.ContentLength > 0:
		r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	var out bytes.Buffer
	out.WriteString(r.Method + " " + r.RequestURI + " HTTP/1." + strconv.Itoa(r.ProtoMinor) + "\r\nHost: " + c.canonical + "\r\n")
	if err := r.Header.Write(&out); err != nil {
		return nil, false
	}
	out.WriteString("\r\n")
	return out.Bytes(), true
}
