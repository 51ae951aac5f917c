package upstream

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

var (
	errNotHTTP = errors.New("answer is not of HTTP/1")
	errTooLong = errors.New("answer is too long")
)

// httpConnect asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6). The request names nothing but the peer: no agent, no
// version of this program. The answer is read byte by byte, so that none of the peer's bytes is lost.
func (d *Dialer) httpConnect(c net.Conn, to netip.AddrPort) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %v HTTP/1.1\r\nHost: %v\r\n", to, to)
	if d.user != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(d.user+":"+d.password)))
	}
	b.WriteString("\r\n")
	if _, err := c.Write([]byte(b.String())); err != nil {
		return d.lost("ask for a tunnel", err)
	}
	status := http.StatusContinue
	for room := maxHeader; interim(status); {
		header, err := readHeader(c, room)
		if err == nil {
			room -= len(header)
			status, err = parseStatus(header)
		}
		if err != nil {
			return d.lost("read the answer", err)
		}
	}
	switch {
	case status >= 200 && status <= 299: // no body follows, whatever Content-Length says
		return nil
	case status == http.StatusProxyAuthRequired && d.user == "":
		return fmt.Errorf("%w at %v wants a user and password: write http://user:password@address:port", ErrProxy, d.proxy)
	case status == http.StatusProxyAuthRequired:
		return fmt.Errorf("%w at %v refuses user or password: check both", ErrProxy, d.proxy)
	case status >= 500:
		return fmt.Errorf("%w: status %d", ErrPeer, status)
	}
	return fmt.Errorf("%w at %v: status %d: allow CONNECT to any address and port", ErrProxy, d.proxy, status)
}

// interim tells that the answer proper comes after this one (RFC 9110, section 15.2). One that switches protocols is none.
func interim(status int) bool { return status < 200 && status != http.StatusSwitchingProtocols }

// readHeader reads status line and header fields with the empty line after them, at most so many bytes.
func readHeader(r io.Reader, most int) ([]byte, error) {
	header := make([]byte, 0, 512)
	var one [1]byte
	for !bytes.HasSuffix(header, []byte("\r\n\r\n")) && !bytes.HasSuffix(header, []byte("\n\n")) {
		if len(header) == most {
			return nil, errTooLong
		}
		n, err := r.Read(one[:])
		if n == 0 && err != nil {
			return nil, err
		}
		header = append(header, one[:n]...)
		if len(header) == len("HTTP/1.") && string(header) != "HTTP/1." {
			return nil, errNotHTTP // do not wait for the rest
		}
	}
	return header, nil
}

// parseStatus reads the status line of an answer: HTTP/1.x, a code of three digits, and perhaps a reason.
func parseStatus(header []byte) (int, error) {
	line, _, _ := bytes.Cut(header, []byte("\n"))
	version, rest, ok := strings.Cut(strings.TrimSuffix(string(line), "\r"), " ")
	if !ok || version != "HTTP/1.0" && version != "HTTP/1.1" {
		return 0, errNotHTTP
	}
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 {
		return 0, errNotHTTP
	}
	return int(n), nil
}
