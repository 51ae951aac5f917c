package socks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// Server is the SOCKS proxy.
//
//	New -> Serve (any number of listeners) ... ctx ends -> Serve returns, nothing is left running
type Server struct {
	cfg      Config
	opener   proxies.Opener
	log      *slog.Logger
	guard    *proxies.Guard
	policy   *proxies.Policy
	packets  associations
	counters proxies.Counters
}

// New starts nothing. ready may be nil.
func New(cfg Config, dialer proxies.Dialer, ready proxies.Readiness, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if dialer == nil {
		return nil, errors.New("socks: no dialer")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	policy := cfg.Policy
	if policy == nil {
		policy = proxies.NewPolicy(nil)
	}
	return &Server{
		cfg: cfg,
		opener: proxies.Opener{
			Dialer: dialer, Readiness: ready, ReadyWait: cfg.ReadyWait, DialTimeout: cfg.DialTimeout,
		},
		log:     log.With("proxy", cfg.Name),
		guard:   proxies.NewGuard(cfg.Users),
		policy:  policy,
		packets: associations{byClient: make(map[netip.Addr]int)},
	}, nil
}

// Stats is a snapshot.
func (s *Server) Stats() proxies.Stats { return s.counters.Snapshot() }

// Serve accepts until ctx ends or l is closed, and closes l. It returns nil after ctx has ended and every
// connection with it; an error tells that a Dialer did not heed its context within proxies.ShutdownWait.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	accepting := proxies.NewListener(l, s.cfg.MaxConnections, &s.counters)
	defer accepting.Close()
	defer context.AfterFunc(ctx, func() { _ = accepting.Close() })()

	var conns sync.WaitGroup
	for {
		conn, err := accepting.Accept()
		if err != nil {
			break
		}
		conns.Go(func() { s.serve(ctx, conn) })
	}
	err := ctx.Err()
	cancel()
	if !proxies.WaitFor(&conns) {
		return fmt.Errorf("socks: connections still open %v after the end", proxies.ShutdownWait)
	}
	if err == nil {
		return fmt.Errorf("socks: listener: %w", net.ErrClosed)
	}
	return nil
}

// serve owns conn.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer func() {
		if p := recover(); p != nil {
			// The value may hold what the client sent; its type and the stack do not.
			s.log.Error("panic in connection", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
	}()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(s.cfg.HandshakeTimeout))
	c := proxies.NewClient(conn, nil)
	version, err := c.ReadByte()
	if err != nil {
		return
	}
	switch {
	case version == 5:
		s.serve5(ctx, c)
	case version == 4:
		s.serve4(ctx, c)
	case version >= 'A' && version <= 'Z':
		s.fail(proxies.ReasonBadRequest)
		_, _ = conn.Write([]byte(httpAnswer))
		relay.Drain(conn)
	default:
		s.fail(proxies.ReasonBadRequest)
	}
}

// httpAnswer is for browsers that were told that this is an HTTP proxy.
const httpAnswer = "HTTP/1.1 501 SOCKS proxy\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n" +
	"Connection: close\r\n\r\n" +
	"This port speaks SOCKS 4, 4a and 5, not HTTP. Set it as the SOCKS host of your browser.\n"

func (s *Server) fail(r proxies.Reason) {
	s.counters.Fail(r)
	s.log.Debug("request failed", "reason", r.String())
}

// open asks the rules and dials, while it watches whether the client is still there.
func (s *Server) open(ctx context.Context, c *proxies.Client, host string, port int, who proxies.Credentials) (
	net.Conn, error,
) {
	d := s.policy.Decide(proxies.Request{
		Listener: s.cfg.Name, User: who.ProvenUser(), Host: host, Port: port, Method: proxies.MethodConnect,
	})
	if d.Err != nil {
		return nil, d.Err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = c.SetDeadline(time.Time{})
	stop := c.Watch(cancel)
	defer stop()
	return s.opener.Through(ctx, d.Target(s.cfg.Isolation.Key(s.cfg.Name, who, d.Host, d.Tunnels)))
}

func (s *Server) relay(ctx context.Context, c *proxies.Client, stream net.Conn) {
	_ = c.SetDeadline(time.Time{})
	proxies.Relay(ctx, c, stream, relay.Limits{Idle: s.cfg.Idle, Linger: s.cfg.Linger}, &s.counters)
}
