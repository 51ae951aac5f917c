package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/elazarl/goproxy"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// exchange is one absolute-form request and its response, on a stream of its own. goproxy's hooks find it in the
// request's context.
//
//	onRequest -> RoundTrip (dial, send, first bytes of the answer) -> onResponse -> goproxy copies the body -> close
type exchange struct {
	s         *Server
	out       *responseWriter
	navigates bool // a person looks at the answer
	host      string
	decision  proxies.Decision
	target    proxies.Target
	authority string // as the browser knows the server
	canonical string // as the server knows itself, once it is dialed

	sameOrigin bool
	fromServer bool // the response is not one of our pages
	early      *earlyReader
	stream     *meteredStream
	dog        *relay.Watchdog
	silent     atomic.Bool // the dog barked
	truncated  atomic.Bool // the server's response ended before its end
	upgraded   net.Conn
}

type exchangeKey struct{}

type streamKey struct{}

var errNoStream = errors.New("http: no stream was dialed for this request")

// newTransport can use nothing but the stream in the request's context, and uses it for one request.
func newTransport() *nethttp.Transport {
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errNoStream }
	return &nethttp.Transport{
		Proxy: viaOutproxy,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if stream, ok := ctx.Value(streamKey{}).(net.Conn); ok {
				return stream, nil
			}
			return nil, errNoStream
		},
		DialTLSContext:         refuse,
		DisableKeepAlives:      true,
		DisableCompression:     true, // it would add Accept-Encoding
		MaxResponseHeaderBytes: maxHeader,
		ExpectContinueTimeout:  continueTime,
	}
}

func (s *Server) forward(out *responseWriter, r *nethttp.Request) {
	s.counters.Request()
	x := &exchange{s: s, out: out, navigates: navigates(r.Header)}
	defer x.close()
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if r.Body != nil && r.Body != nethttp.NoBody {
		r.Body = out.body
	}
	r.Trailer = nil // see droppedRequest
	s.forwarder.ServeHTTP(out, r)
	switch {
	case x.upgraded != nil && out.client != nil:
		limits := relay.Limits{Idle: s.cfg.TunnelIdle, Linger: s.cfg.Linger}
		proxies.Relay(r.Context(), out.client, x.upgraded, limits, &s.counters)
	case x.truncated.Load():
		// Otherwise net/http would end the chunked body properly, and half a file would pass for a whole one.
		panic(nethttp.ErrAbortHandler)
	}
}

// close leaves nothing behind, on every path.
func (x *exchange) close() {
	if x.dog != nil {
		x.dog.Stop()
	}
	if x.stream != nil {
		_ = x.stream.Close()
	}
	x.out.finish()
	if x.early != nil {
		x.early.wait()
	}
}

// onRequest is goproxy's first hook: a page, or the request as the server may see it.
func (s *Server) onRequest(r *nethttp.Request, ctx *goproxy.ProxyCtx) (*nethttp.Request, *nethttp.Response) {
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return r, internalPage().response(r)
	}
	credentials, refusal := s.authorize(r)
	if refusal != nil {
		s.fail(proxies.ReasonUnauthorized)
		return r, refusal.response(r)
	}
	user := s.identify(credentials)
	u := *r.URL
	host, port, err := locate(&u)
	x.host = r.URL.Hostname()
	switch {
	case err != nil:
		return r, x.refuse(r, err, port)
	case host == proxies.SelfHost && port != 80:
		return r, bare(nethttp.StatusNotFound).response(r)
	case host == proxies.SelfHost:
		return r, s.ownPage(r, user).response(r)
	}
	x.decision = s.decide(user, host, port, r.Method)
	if x.decision.Action == proxies.Block {
		return r, x.refuse(r, x.decision.Err, port)
	}
	x.target = s.target(x.decision, user)
	x.authority = withPort(x.decision.Host, port)
	if r.Body == x.out.body {
		r.Header.Del("Upgrade") // a body and a takeover of the connection do not mix
	}
	if x.target.Via != "" {
		x.sameOrigin = cleanRequest(r.Header, x.authority, outproxyUserAgent)
	} else {
		if p := s.helped(r, &u, x.decision.Host, port, user); p != nil {
			p.quiet = p.quiet || p.body == nil && !x.navigates
			return r, p.response(r)
		}
		x.sameOrigin = cleanRequest(r.Header, x.authority, userAgent)
	}
	r.URL = &u
	ctx.RoundTripper = x
	return r, nil
}

// refuse counts a failure and makes its page.
func (x *exchange) refuse(r *nethttp.Request, err error, port int) *nethttp.Response {
	x.s.fail(proxies.Classify(err))
	f := failed{err: err, host: x.host, port: port, method: r.Method, decision: x.decision}
	if errors.Is(err, proxies.ErrUnknownHost) {
		f.jumps = x.s.jumps(x.decision.Host)
	}
	p := f.page()
	p.quiet = !x.navigates
	return p.response(r)
}

// RoundTrip is goproxy's. A failure becomes a page.
func (x *exchange) RoundTrip(r *nethttp.Request, _ *goproxy.ProxyCtx) (*nethttp.Response, error) {
	resp, err := x.roundTrip(r)
	if err == nil {
		return resp, nil
	}
	var said *proxies.OutproxyError
	switch {
	case errors.As(err, &said):
	case x.silent.Load():
		err = context.DeadlineExceeded
	case r.Context().Err() != nil:
		err = r.Context().Err()
	case x.stream == nil:
	case x.target.Via != "": // it was dialed, so the answer is what is wrong
		err = fmt.Errorf("http: exchange: %w", errors.Join(err, proxies.ErrOutproxyAnswer))
	default:
		err = fmt.Errorf("http: exchange: %w", errors.Join(err, proxies.ErrNoAnswer))
	}
	x.fromServer = false
	return x.refuse(r, err, x.target.Port), nil
}

func (x *exchange) roundTrip(r *nethttp.Request) (*nethttp.Response, error) {
	ctx, hangUp := context.WithCancel(r.Context())
	defer hangUp()
	if r.Body == x.out.body && r.Header.Get("Expect") == "" {
		x.early = readAhead(r.Body, hangUp)
	}
	conn, err := x.s.opener.Open(ctx, x.target)
	if err != nil {
		return nil, err
	}
	if err := x.name(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	x.stream = &meteredStream{Conn: conn, counters: &x.s.counters}
	x.dog = relay.NewWatchdog(x.s.cfg.Idle, x.bark)
	x.stream.dog = x.dog

	websocket := isWebsocket(r.Header)
	var stream net.Conn = x.stream
	var gunzip *gunzipStream
	if x.s.cfg.Gzip && x.target.Via == "" && !websocket {
		r.Header.Set("X-Accept-Encoding", acceptGzip)
		gunzip = newGunzipStream(x.stream, r.Method)
		stream = gunzip
	}
	ctx = context.WithValue(r.Context(), streamKey{}, stream)
	out := r.WithContext(context.WithValue(ctx, viaKey{}, x.target.Via))
	u := url.URL{
		Scheme: "http", Host: x.canonical, Path: r.URL.Path, RawPath: r.URL.RawPath,
		RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}
	out.URL, out.Host = &u, x.canonical
	if x.early != nil {
		out.Body = x.early
	}
	if x.sameOrigin {
		out.Header.Set("Origin", "http://"+x.canonical)
	}
	resp, err := x.s.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if gunzip != nil {
		if err := gunzip.finish(resp); err != nil {
			_ = resp.Body.Close()
			return nil, err
		}
	}
	if x.target.Via != "" {
		if err := outproxyError(resp); err != nil {
			_ = resp.Body.Close()
			return nil, err
		}
	}
	x.fromServer = true
	return resp, x.adopt(resp, websocket)
}

// name finds what the server is called in its own words. Outside of I2P that is what the browser calls it, too.
func (x *exchange) name(conn net.Conn) error {
	if x.target.Via != "" {
		x.canonical = x.authority
		return nil
	}
	name, err := proxies.CanonicalHost(conn, x.target)
	if err != nil {
		return err
	}
	x.canonical = withPort(name, x.target.Port)
	return nil
}

// adopt watches the body of a response, or keeps the stream of an upgraded one from goproxy.
func (x *exchange) adopt(resp *nethttp.Response, asked bool) error {
	if resp.StatusCode != nethttp.StatusSwitchingProtocols {
		resp.Body = &responseBody{ReadCloser: resp.Body, truncated: &x.truncated}
		return nil
	}
	body, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !asked || !isWebsocket(resp.Header) {
		x.fromServer = false
		_ = resp.Body.Close()
		return errors.New("http: upgrade that was not asked for")
	}
	x.dog.Stop()
	x.stream.dog, x.stream.counters = nil, nil // Relay watches and counts
	x.upgraded = &upgradedStream{meteredStream: x.stream, body: body}
	resp.Body = ended{}
	return nil
}

// onResponse is goproxy's second hook.
func (s *Server) onResponse(resp *nethttp.Response, ctx *goproxy.ProxyCtx) *nethttp.Response {
	if resp == nil {
		return internalPage().response(ctx.Req)
	}
	if x, ok := ctx.Req.Context().Value(exchangeKey{}).(*exchange); ok && x.fromServer {
		cleanResponse(resp.Header, resp.StatusCode, x.canonical, x.authority)
		if resp.StatusCode == nethttp.StatusProxyAuthRequired {
			// Only this proxy may ask for what is given to proxies: a browser would ask its user, in this proxy's name.
			resp.StatusCode, resp.Status = nethttp.StatusBadGateway, ""
		}
	}
	return resp
}

// bark ends an exchange in which nothing moves, whichever side is silent.
func (x *exchange) bark() {
	x.silent.Store(true)
	_ = x.stream.Close()
	_ = x.out.control.SetReadDeadline(time.Now())
	_ = x.out.control.SetWriteDeadline(time.Now().Add(lastWords))
}
