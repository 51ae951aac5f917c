package proxies

import (
	"context"
	"net"
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
	// Details is text from there: printable ASCII, at most 200 bytes, to be escaped.
	Details string
}

func (e *OutproxyError) Error() string { return "proxies: outproxy: " + e.Kind.Error() }
func (e *OutproxyError) Unwrap() error { return e.Kind }

// ThroughProxy sends CONNECT for host:port on a stream that a Dialer returned for a Target with Via, and returns the
// stream behind the answer. After an error, which is an OutproxyError or ctx's, the stream is closed.
func ThroughProxy(ctx context.Context, conn net.Conn, authority string) (net.Conn, error) {
	return conn, nil
}

// ProxyStatus turns status and Proxy-Status fields of a response to an absolute-form request into an OutproxyError. It
// returns nil if no proxy on the way reports an error: then the response is the site's.
func ProxyStatus(status int, fields []string) error { return nil }
