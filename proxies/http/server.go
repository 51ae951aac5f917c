package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	nethttp "net/http"
	"runtime/debug"
	"sync"

	"github.com/elazarl/goproxy"

	"clove.i2p/proxies"
)

// Server is the HTTP proxy.
//
//	New -> Serve (any number of listeners) ... ctx ends -> Serve returns, nothing is left running
type Server struct {
	cfg       Config
	opener    proxies.Opener
	log       *slog.Logger
	policy    *proxies.Policy
	guard     *proxies.Guard
	nonces    *nonces
	names     *names
	secret    [32]byte // of confirmations
	counters  proxies.Counters
	forwarder *goproxy.ProxyHttpServer
	transport *nethttp.Transport
}

// New starts nothing. ready may be nil.
func New(cfg Config, dialer proxies.Dialer, ready proxies.Readiness, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if dialer == nil {
		return nil, errors.New("http: no dialer")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg,
		opener: proxies.Opener{
			Dialer: dialer, Readiness: ready, ReadyWait: cfg.ReadyWait, DialTimeout: cfg.DialTimeout,
		},
		log:       log.With("proxy", cfg.Name),
		policy:    cfg.Policy,
		guard:     proxies.NewGuard(cfg.Users),
		nonces:    newNonces(),
		names:     newNames(),
		secret:    newSecret(),
		transport: newTransport(),
	}
	if s.policy == nil {
		s.policy = proxies.NewPolicy(nil)
	}
	s.forwarder = newForwarder(s)
	return s, nil
}

// newForwarder closes every way out that goproxy has by default: the transport and the CONNECT dialers that heed the
// environment, and CONNECT itself, which it would accept for any host.
func newForwarder(s *Server) *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.Logger = silent{}
	p.Tr = s.transport
	p.ConnectDial = nil
	p.ConnectDialWithReq = func(*nethttp.Request, string, string) (net.Conn, error) {
		return nil, errNoStream
	}
	p.KeepAcceptEncoding = true
	p.OnRequest().HandleConnect(goproxy.AlwaysReject)
	p.OnRequest().DoFunc(s.onRequest)
	p.OnResponse().DoFunc(s.onResponse)
	return p
}

// silent drops goproxy's warnings, which name hosts.
type silent struct{}

func (silent) Printf(string, ...any) {}

// Stats is a snapshot.
func (s *Server) Stats() proxies.Stats { return s.counters.Snapshot() }

// Serve accepts until ctx ends or l is closed, and closes l. It returns nil after ctx has ended and every
// connection with it; an error tells that a Dialer did not heed its context within proxies.ShutdownWait.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	v := &serving{Server: s}
	server := &nethttp.Server{
		Handler:           v,
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return inner },
		ConnState:         v.connState,
		ErrorLog:          log.New(io.Discard, "", 0), // names hosts and addresses
	}
	defer context.AfterFunc(inner, func() { _ = server.Close() })()
	err := server.Serve(proxies.NewListener(l, s.cfg.MaxConnections, &s.counters))
	ended := ctx.Err() != nil
	cancel()
	_ = server.Close()
	if !proxies.WaitFor(&v.conns) {
		return fmt.Errorf("http: connections still open %v after the end", proxies.ShutdownWait)
	}
	if !ended {
		return fmt.Errorf("http: listener: %w", err)
	}
	return nil
}

// serving is one call of Serve. It knows the connections that net/http knows, and the hijacked ones, which net/http
// forgets.
type serving struct {
	*Server
	conns sync.WaitGroup
}

func (v *serving) connState(_ net.Conn, state nethttp.ConnState) {
	switch state {
	case nethttp.StateNew:
		v.conns.Add(1)
	case nethttp.StateClosed:
		v.conns.Done()
	}
}

func (v *serving) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	out := newResponseWriter(w, r)
	defer func() {
		if out.client != nil {
			_ = out.client.Close()
			v.conns.Done()
		}
	}()
	defer v.recovered()
	switch {
	case r.Method == nethttp.MethodConnect:
		v.connect(out, r)
	case r.URL.IsAbs():
		v.forward(out, r)
	default:
		v.local(out, r)
	}
}

// recovered logs a panic without its value, which may hold what the client sent, and has net/http close the
// connection.
func (s *Server) recovered() {
	p := recover()
	if p == nil {
		return
	}
	if p != nethttp.ErrAbortHandler { //nolint:errorlint // a panic value, not an error that was wrapped
		s.log.Error("panic in request", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
	panic(nethttp.ErrAbortHandler)
}

func (s *Server) fail(r proxies.Reason) {
	s.counters.Fail(r)
	s.log.Debug("request failed", "reason", r.String())
}
