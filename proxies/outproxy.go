package proxies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"clove.i2p/proxies/relay"
)

// OutproxyError is what an outproxy tunnel or an exit said, or what was wrong with it. It unwraps to one of the
// ErrOutproxy and ErrExit errors.
type OutproxyError struct {
	Kind error
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Source is who said so: "outproxy" for the tunnel here, else the exit ("exit") or a proxy behind it. Code is
	// RFC 9209's error type. Both are empty if the answer had no Proxy-Status.
	Source, Code string
	// Details is text from there: printable ASCII, at most 200 bytes. It may name the host, and anybody may have written
	// it: show it escaped and do not log it.
	Details string
}

// Error has no details.
func (e *OutproxyError) Error() string {
	s := "proxies: " + e.Kind.Error()
	if e.Status > 0 {
		s += fmt.Sprintf(" (status %d)", e.Status)
	}
	return s
}

func (e *OutproxyError) Unwrap() error { return e.Kind }

// ThroughProxy sends CONNECT for host:port on a stream that a Dialer returned for a Target with Via, and returns the
// stream behind the answer. After an error, which is an OutproxyError or ctx's, the stream is closed.
func ThroughProxy(ctx context.Context, conn net.Conn, authority string) (net.Conn, error) {
	// A deadline would be the end of the stream's later reads; closing is the one thing that every stream understands.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	rest, err := askProxy(conn, authority)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &tunnelConn{Conn: conn, early: rest}, nil
}

// askProxy returns what came behind the head of the answer.
func askProxy(conn net.Conn, authority string) ([]byte, error) {
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority); err != nil {
		return nil, &OutproxyError{Kind: ErrOutproxyDown}
	}
	head := make([]byte, 0, 1024)
	for {
		if len(head) == cap(head) {
			head = append(head, 0)[:len(head)]
		}
		n, err := conn.Read(head[len(head):min(cap(head), maxProxyHead)])
		from := max(0, len(head)-len(endOfHead)+1)
		head = head[:len(head)+n]
		if i := bytes.Index(head[from:], []byte(endOfHead)); i >= 0 {
			i += from
			return bytes.Clone(head[i+len(endOfHead):]), parseProxyHead(head[:i])
		}
		switch {
		case err != nil && len(head) == 0:
			return nil, &OutproxyError{Kind: ErrOutproxyDown}
		case err != nil, len(head) >= maxProxyHead:
			return nil, &OutproxyError{Kind: ErrOutproxyAnswer}
		}
	}
}

const endOfHead = "\r\n\r\n"

// parseProxyHead returns nil for an answer that opened the tunnel.
func parseProxyHead(head []byte) error {
	lines := strings.Split(string(head), "\r\n")
	status, err := parseStatusLine(lines[0])
	if err != nil {
		return &OutproxyError{Kind: ErrOutproxyAnswer}
	}
	var fields []string
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return &OutproxyError{Kind: ErrOutproxyAnswer}
		}
		if strings.EqualFold(name, "Proxy-Status") {
			fields = append(fields, value)
		}
	}
	if status >= 200 && status < 300 {
		return nil
	}
	if err := ProxyStatus(status, fields); err != nil {
		return err
	}
	return &OutproxyError{Kind: kindOfStatus(status), Status: status}
}

func parseStatusLine(line string) (int, error) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || status < 200 || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return 0, errors.New("proxies: status line") // 1xx before the answer to CONNECT is nothing that proxies send
	}
	return int(status), nil
}

// kindOfStatus is for exits that send no Proxy-Status, such as a bare squid.
func kindOfStatus(status int) error {
	switch status {
	case 403, 407, 429:
		return ErrOutproxyRefused
	case 503:
		return ErrExitConnection
	case 504:
		return ErrExitTimeout
	default:
		return ErrOutproxyAnswer
	}
}

// tunnelConn gives out first what came with the head.
type tunnelConn struct {
	net.Conn
	early []byte
}

func (c *tunnelConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends the writing direction.
func (c *tunnelConn) CloseWrite() error { return relay.CloseWrite(c.Conn) }

// NetConn is the stream below, without what came with the head.
func (c *tunnelConn) NetConn() net.Conn { return c.Conn }

// Through is Open, and CONNECT on the stream if it goes to an outproxy, which may take DialTimeout again.
func (o *Opener) Through(ctx context.Context, t Target) (net.Conn, error) {
	conn, err := o.Open(ctx, t)
	if err != nil || t.Via == "" {
		return conn, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.DialTimeout, ErrExitTimeout)
	defer cancel()
	stream, err := ThroughProxy(ctx, conn, net.JoinHostPort(t.Host, strconv.Itoa(t.Port)))
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), ErrExitTimeout) {
		err = &OutproxyError{Kind: ErrExitTimeout}
	}
	return stream, err
}
