package ntcp2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A Transport opens and accepts NTCP2 sessions.
//
//	New (listeners bound) -> Serve (until its ctx ends) -> done; or New -> Close
type Transport struct {
	cfg       Config
	deps      Deps
	listeners []net.Listener
	c         counters

	serving chan struct{} // closed when Serve has begun

	mu         sync.Mutex
	server     *server // while it serves
	served     bool
	advertised []netip.AddrPort
	absent4    bool
	absent6    bool
}

var _ transport.Transport = (*Transport)(nil)

// New binds the listen addresses, so that Addresses and Bound are known, and serves nothing yet.
func New(cfg Config, deps Deps) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.MaxPendingInbound = cmp.Or(cfg.MaxPendingInbound, DefaultMaxPendingInbound)
	cfg.MaxPendingPerIP = cmp.Or(cfg.MaxPendingPerIP, DefaultMaxPendingPerIP)
	cfg.HandshakeTimeout = cmp.Or(cfg.HandshakeTimeout, DefaultHandshakeTimeout)
	cfg.SendQueue = cmp.Or(cfg.SendQueue, DefaultSendQueue)
	if deps.Clock == nil {
		deps.Clock = clock.New()
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Listen == nil {
		deps.Listen = listenTCP
	}
	if deps.Dial == nil {
		deps.Dial = dialTCP
	}
	t := &Transport{cfg: cfg, deps: deps, advertised: cfg.Advertise, serving: make(chan struct{})}
	for _, at := range cfg.Listen {
		l, err := t.listen(at)
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("ntcp2: listen: %w", err)
		}
		t.listeners = append(t.listeners, l)
	}
	return t, nil
}

// listen binds one address. If the system chooses the port it is, where that is free, the one of the first listener: a
// router has one port for both IP versions.
func (t *Transport) listen(at netip.AddrPort) (net.Listener, error) {
	if at.Port() == 0 && len(t.listeners) > 0 {
		same := netip.AddrPortFrom(at.Addr(), t.Bound()[0].Port())
		if l, err := t.deps.Listen(context.Background(), t.network(at.Addr()), same); err == nil {
			return l, nil
		}
	}
	return t.deps.Listen(context.Background(), t.network(at.Addr()), at)
}

// network is the network to listen on: [::] takes IPv4 as well, unless IPv4 has a listener of its own.
func (t *Transport) network(at netip.Addr) string {
	switch {
	case at.Unmap().Is4():
		return "tcp4"
	case t.dualStack():
		return "tcp"
	}
	return "tcp6"
}

// Keep-alive probes of TCP are off: idle sessions close, and a probe every 15 s tells observers what this is.
func listenTCP(ctx context.Context, network string, at netip.AddrPort) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	return lc.Listen(ctx, network, at.String())
}

func dialTCP(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout, KeepAlive: -1}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// Style is "NTCP2".
func (t *Transport) Style() string { return style }

// Reachable reports whether ri has an NTCP2 address that Dial could use.
func (t *Transport) Reachable(ri *i2p.RouterInfo) bool {
	return ri.NetworkID() == t.cfg.NetworkID && len(t.targets(ri)) > 0
}

// Dial opens a session: it tries the addresses of ri in turn. A peer whose clock differs too much is
// transport.ErrClockSkew.
func (t *Transport) Dial(ctx context.Context, ri *i2p.RouterInfo) (transport.Session, error) {
	select {
	case <-t.serving:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	if s == nil {
		return nil, transport.ErrClosed
	}
	if ri.Hash() == t.cfg.SelfHash {
		return nil, transport.ErrSelf
	}
	if ri.NetworkID() != t.cfg.NetworkID {
		return nil, fmt.Errorf("ntcp2: RouterInfo %w: %d", errNetwork, ri.NetworkID())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(transport.ErrClosed) })()
	err := transport.ErrNoAddress
	for _, at := range t.targets(ri) {
		var sn *session
		if sn, err = t.dial(ctx, s, ri, at); err == nil {
			t.c.dialled.Add(1)
			return sn, nil
		}
		if ctx.Err() != nil || errors.Is(err, transport.ErrClockSkew) || errors.Is(err, transport.ErrRefused) {
			break // another address of the peer would change nothing
		}
	}
	t.c.dialFailures.Add(1)
	return nil, err
}

func (t *Transport) dial(ctx context.Context, s *server, ri *i2p.RouterInfo, at target) (*session, error) {
	local, _ := t.source(at.at.Addr())
	conn, err := t.deps.Dial(ctx, local, at.at)
	if err != nil {
		return nil, fmt.Errorf("ntcp2: connect: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	e, err := s.initiate(conn, ri, at)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		reset(conn)
		return nil, err
	}
	sn := s.newSession(conn, &e, transport.Outbound)
	run := s.open(sn, &e)
	if run == nil {
		return nil, transport.ErrRefused
	}
	if !s.goroutine(run) {
		run() // the server stops, and ends the session
	}
	return sn, nil
}

// Serve accepts and runs sessions until ctx ends.
func (t *Transport) Serve(ctx context.Context, r transport.Registry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := newServer(ctx, t, r)
	t.mu.Lock()
	if t.served {
		t.mu.Unlock()
		return errors.New("ntcp2: Serve was called before")
	}
	t.server, t.served = s, true
	t.mu.Unlock()
	close(t.serving)

	for _, l := range t.listeners {
		s.goroutine(func() { s.acceptLoop(l) })
	}
	s.goroutine(s.sweepLoop)
	<-ctx.Done()
	t.mu.Lock()
	t.server = nil
	t.mu.Unlock()
	t.Close()
	s.stop()
	return nil
}

// Close releases the listeners of a transport that never serves.
func (t *Transport) Close() error {
	var errs []error
	for _, l := range t.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
