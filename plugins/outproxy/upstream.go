package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clove.i2p/plugins/api"
)

// upstream is where an exit sends what it may: to a squid, or to the web.
type upstream interface {
	// connect opens a tunnel to d for a client.
	connect(ctx context.Context, d destination, c client) (net.Conn, *failure)
	// transport carries plain requests.
	transport() http.RoundTripper
	// explain turns an error of transport into what went wrong.
	explain(err error) *failure
	// inspect looks at an answer: not nil if it is an error of the upstream's own.
	inspect(r *http.Response) *failure
	// gone is what is said when the upstream is not there at all.
	gone() *failure
	// probe tells whether the upstream is there.
	probe(ctx context.Context) error
}

func exitFailure(status int, code, details string) *failure {
	return &failure{status: status, by: "exit", err: code, details: details}
}

// web goes out by the host's DialClearnet.
type web struct {
	dialer interface {
		DialClearnet(ctx context.Context, address string) (net.Conn, error)
	}
	plain *http.Transport
}

func newWeb(d interface {
	DialClearnet(ctx context.Context, address string) (net.Conn, error)
}) *web {
	w := &web{dialer: d}
	w.plain = &http.Transport{
		// No connection is kept: it would tell the web that two requests are one client's.
		DialContext: w.dial, DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: answerTimeout, ExpectContinueTimeout: time.Second,
	}
	return w
}

func (w *web) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return w.dialer.DialClearnet(ctx, address)
}

func (w *web) connect(ctx context.Context, d destination, _ client) (net.Conn, *failure) {
	c, err := w.dial(ctx, "tcp", d.String())
	if err != nil {
		return nil, w.explain(err)
	}
	return c, nil
}

func (w *web) transport() http.RoundTripper    { return w.plain }
func (w *web) inspect(*http.Response) *failure { return nil }
func (w *web) probe(context.Context) error     { return nil }
func (w *web) gone() *failure {
	return exitFailure(http.StatusServiceUnavailable, errUnavailable, "the exit has no permission to reach the web")
}

func (w *web) explain(err error) *failure {
	switch {
	case errors.Is(err, api.ErrPermission) && strings.Contains(err.Error(), "dial-clearnet"):
		return w.gone()
	case errors.Is(err, api.ErrPermission):
		return exitFailure(http.StatusForbidden, errProhibited, "the name leads to an address that is not one of the web")
	case errors.Is(err, api.ErrInvalid):
		return exitFailure(http.StatusForbidden, errDenied, "the address is not one of the web")
	case errors.Is(err, api.ErrUnknownHost):
		return exitFailure(http.StatusBadGateway, errDNS, "the web knows no such name")
	case errors.Is(err, api.ErrRefused):
		return exitFailure(http.StatusBadGateway, errRefused, "the site refuses connections")
	case errors.Is(err, api.ErrNoAnswer), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return exitFailure(http.StatusGatewayTimeout, errTimeout, "the site does not answer")
	case errors.Is(err, api.ErrLimit):
		return exitFailure(http.StatusServiceUnavailable, errInternal, "the exit is at its limits")
	}
	return exitFailure(http.StatusBadGateway, errInternal, "the site gave no proper answer")
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// squid goes out through a proxy of the operator's.
type squid struct {
	address string
	dialer  localDialer
	unique  bool
	plain   *http.Transport
}

type localDialer interface {
	DialLocal(ctx context.Context, address, source string) (net.Conn, error)
}

var errSquidDown = errors.New("outproxy: squid does not answer")

func newSquid(d localDialer, address string, unique bool) *squid {
	s := &squid{address: address, dialer: d, unique: unique}
	s.plain = &http.Transport{
		Proxy:       http.ProxyURL(&url.URL{Scheme: "http", Host: address}),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx, clientOf(ctx)) },
		// As for the web; and each connection comes from the client's own address.
		DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: answerTimeout, ExpectContinueTimeout: time.Second,
	}
	return s
}

func (s *squid) dial(ctx context.Context, c client) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	source := ""
	if s.unique {
		source = c.peer.Source().String()
	}
	conn, err := s.dialer.DialLocal(ctx, s.address, source)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSquidDown, err)
	}
	return conn, nil
}

func (s *squid) transport() http.RoundTripper { return s.plain }

func (s *squid) probe(ctx context.Context) error {
	c, err := s.dial(ctx, client{})
	if err != nil {
		return err
	}
	return c.Close()
}

// connect asks squid for a tunnel.
func (s *squid) connect(ctx context.Context, d destination, c client) (net.Conn, *failure) {
	conn, err := s.dial(ctx, c)
	if err != nil {
		return nil, s.explain(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	var head strings.Builder
	fmt.Fprintf(&head, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", d)
	for name, value := range c.tell {
		fmt.Fprintf(&head, "%s: %s\r\n", name, value)
	}
	if _, err := io.WriteString(conn, head.String()+"\r\n"); err != nil {
		_ = conn.Close()
		return nil, s.explain(fmt.Errorf("%w: %w", errSquidDown, err))
	}
	answer, rest, err := readAnswer(conn)
	if err != nil {
		_ = conn.Close()
		return nil, s.explain(err)
	}
	if answer.StatusCode/100 != 2 {
		_ = conn.Close()
		if f := s.inspect(answer); f != nil {
			return nil, f
		}
		return nil, exitFailure(http.StatusBadGateway, errInternal, fmt.Sprintf("the exit's squid answered %d", answer.StatusCode))
	}
	_ = conn.SetDeadline(time.Time{})
	return &replayed{Conn: conn, first: rest}, nil
}

func (s *squid) gone() *failure {
	return exitFailure(http.StatusServiceUnavailable, errUnavailable, "the exit's squid does not answer")
}

func (s *squid) explain(err error) *failure {
	switch {
	case errors.Is(err, errSquidDown):
		return s.gone()
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return exitFailure(http.StatusGatewayTimeout, errTimeout, "the site does not answer")
	}
	return exitFailure(http.StatusBadGateway, errInternal, "the exit's squid gave no proper answer")
}

// inspect reads squid's own errors, which it names in X-Squid-Error: "ERR_DNS_FAIL 0".
func (s *squid) inspect(r *http.Response) *failure {
	name, number, _ := strings.Cut(r.Header.Get("X-Squid-Error"), " ")
	if name == "ERR_READ_ERROR" && number == "0" {
		name = "ERR_CANNOT_FORWARD"
	}
	switch name {
	case "":
		return nil
	case "ERR_ACCESS_DENIED", "ERR_CACHE_ACCESS_DENIED", "ERR_FORWARDING_DENIED", "ERR_TOO_BIG":
		return exitFailure(http.StatusForbidden, errDenied, "the exit's squid does not go there")
	case "ERR_DNS_FAIL":
		return exitFailure(http.StatusBadGateway, errDNS, "the web knows no such name")
	case "ERR_CONNECT_FAIL":
		if number == "110" {
			return exitFailure(http.StatusGatewayTimeout, errTimeout, "the site does not answer")
		}
		return exitFailure(http.StatusBadGateway, errRefused, "the site refuses connections")
	case "ERR_CANNOT_FORWARD": // squid 5.7 says this of names without an address, and ERR_READ_ERROR without an errno
		return exitFailure(http.StatusBadGateway, errDNS, "the exit's squid finds no address of the site")
	case "ERR_READ_TIMEOUT", "ERR_LIFETIME_EXP":
		return exitFailure(http.StatusGatewayTimeout, errTimeout, "the site does not answer")
	}
	return exitFailure(http.StatusBadGateway, errInternal, "the site gave no proper answer")
}

// readAnswer reads the head of an answer to CONNECT, and what came after it. Nothing of a body belongs to a 2xx answer.
func readAnswer(conn net.Conn) (*http.Response, *bufio.Reader, error) {
	limited := &io.LimitedReader{R: conn, N: maxHead}
	src := bufio.NewReader(limited)
	r, err := http.ReadResponse(src, &http.Request{Method: http.MethodConnect})
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("outproxy: no answer to CONNECT: %w", err)
		}
		return nil, nil, err
	}
	limited.N = 1 << 62
	return r, src, nil
}

// replayed is a connection of which some bytes were read already.
type replayed struct {
	net.Conn

	first *bufio.Reader
}

func (r *replayed) Read(p []byte) (int, error) {
	if r.first != nil {
		if n := r.first.Buffered(); n > 0 {
			return r.first.Read(p[:min(len(p), n)])
		}
		r.first = nil
	}
	return r.Conn.Read(p)
}

// NetConn is for resets, which belong to the connection itself.
func (r *replayed) NetConn() net.Conn { return r.Conn }

func (r *replayed) CloseWrite() error {
	if c, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
