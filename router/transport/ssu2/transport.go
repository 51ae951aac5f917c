package ssu2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// A Transport opens and accepts SSU2 sessions.
//
//	New (sockets bound) -> Serve (until its ctx ends) -> done; or New -> Close
type Transport struct {
	cfg      Config
	deps     Deps
	sockets  []Socket
	bound    []netip.AddrPort
	variants []wire.Variant // hybrid ones that we offer, best first
	c        counters
	serving  chan struct{} // closed when Serve has begun

	mu        sync.Mutex
	server    *server // while it serves
	served    bool
	published Publication
}

var _ transport.Transport = (*Transport)(nil)

// New binds the listen addresses, so that Addresses and Bound are known, and serves nothing yet.
func New(cfg Config, deps Deps) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.MTU = cmp.Or(cfg.MTU, maxMTU)
	cfg.MaxPendingInbound = cmp.Or(cfg.MaxPendingInbound, DefaultMaxPendingInbound)
	cfg.MaxPendingPerIP = cmp.Or(cfg.MaxPendingPerIP, DefaultMaxPendingPerIP)
	cfg.MaxSessions = cmp.Or(cfg.MaxSessions, DefaultMaxSessions)
	cfg.HandshakeTimeout = cmp.Or(cfg.HandshakeTimeout, DefaultHandshakeTimeout)
	if deps.Clock == nil {
		deps.Clock = clock.New()
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Transport{cfg: cfg, deps: deps, serving: make(chan struct{})}
	for _, v := range cfg.PostQuantum {
		if variant, _ := wire.VariantOf(v); !slices.Contains(t.variants, variant) {
			t.variants = append(t.variants, variant)
		}
	}
	if t.deps.Listen == nil {
		t.deps.Listen = t.listenUDP
	}
	for _, at := range cfg.Listen {
		socket, err := t.listen(at)
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("ssu2: listen: %w", err)
		}
		t.sockets = append(t.sockets, socket)
		local := socket.LocalAddr()
		t.bound = append(t.bound, netip.AddrPortFrom(local.Addr().Unmap(), local.Port()))
	}
	return t, nil
}

// listen binds one address. If the system chooses the port it is, where that is free, the one of the first socket: a
// router has one port for both IP versions.
func (t *Transport) listen(at netip.AddrPort) (Socket, error) {
	if at.Port() == 0 && len(t.bound) > 0 {
		same := netip.AddrPortFrom(at.Addr(), t.bound[0].Port())
		if s, err := t.deps.Listen(context.Background(), same); err == nil {
			return s, nil
		}
	}
	return t.deps.Listen(context.Background(), at)
}

func (t *Transport) listenUDP(_ context.Context, at netip.AddrPort) (Socket, error) {
	return udp.Listen(at, udp.Options{Mode: t.cfg.Mode, IPv6Only: !t.dualStack()})
}

// dualStack: without a socket for IPv4, [::] is for both IP versions.
func (t *Transport) dualStack() bool {
	return !t.cfg.NoIPv4 && !slices.ContainsFunc(t.cfg.Listen, func(a netip.AddrPort) bool { return a.Addr().Unmap().Is4() })
}

// socketFor is the index of the socket that reaches an IP, or -1.
func (t *Transport) socketFor(ip netip.Addr) int {
	return slices.IndexFunc(t.bound, func(b netip.AddrPort) bool {
		return b.Addr().Is4() == ip.Unmap().Is4() || b.Addr() == netip.IPv6Unspecified() && t.dualStack()
	})
}

// Style is "SSU2".
func (t *Transport) Style() string { return style }

// Reachable reports whether ri has an SSU2 address that Dial could use: with a host, or with introducers.
func (t *Transport) Reachable(ri *i2p.RouterInfo) bool {
	return ri.NetworkID() == t.cfg.NetworkID && (len(t.targets(ri)) > 0 || len(t.introduced(ri)) > 0)
}

// Dial opens a session: it tries the addresses of ri in turn. A peer whose clock differs too much is
// transport.ErrClockSkew. If the peer opens a session to us meanwhile, that is the result.
func (t *Transport) Dial(ctx context.Context, ri *i2p.RouterInfo) (transport.Session, error) {
	return t.dial(ctx, ri, t.targets(ri), t.introduced(ri))
}

// DialOver is Dial for one IP version and without introducers: for a session that peer tests or relays of that version need, where others
// would do for messages.
func (t *Transport) DialOver(ctx context.Context, ri *i2p.RouterInfo, f nat.Family) (transport.Session, error) {
	return t.dial(ctx, ri, slices.DeleteFunc(t.targets(ri), func(to target) bool { return nat.FamilyOf(to.at.Addr()) != f }), nil)
}

func (t *Transport) dial(ctx context.Context, ri *i2p.RouterInfo, targets, through []target) (transport.Session, error) {
	select {
	case <-t.serving:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	if s == nil || !s.begin() {
		return nil, transport.ErrClosed
	}
	defer s.running.Done()
	if ri.Hash() == t.cfg.SelfHash {
		return nil, transport.ErrSelf
	}
	if ri.NetworkID() != t.cfg.NetworkID {
		return nil, fmt.Errorf("ssu2: RouterInfo %w: %d", errNetwork, ri.NetworkID())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(transport.ErrClosed) })()
	err := transport.ErrNoAddress
	for _, at := range targets {
		var sn *session
		if sn, err = s.dial(ctx, ri, at, way{at: at.at}); err == nil {
			t.c.dialled.Add(1)
			return sn, nil
		}
		if ctx.Err() != nil || errors.Is(err, transport.ErrClockSkew) {
			break
		}
	}
	if errors.Is(err, transport.ErrNoAddress) && len(through) > 0 {
		var sn *session
		if sn, err = s.dialThrough(ctx, ri, through); err == nil {
			t.c.dialled.Add(1)
			return sn, nil
		}
	}
	t.c.dialFailures.Add(1)
	return nil, err
}

// Serve accepts and runs sessions until ctx ends.
func (t *Transport) Serve(ctx context.Context, r transport.Registry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := newServer(ctx, t, r)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if t.served {
		t.mu.Unlock()
		return errors.New("ssu2: Serve was called before")
	}
	t.server, t.served = s, true
	s.nat.published(t.published)
	t.mu.Unlock()
	close(t.serving)
	defer t.Close()
	context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.server = nil
	})
	s.serve()
	return nil
}

// Bound are the addresses that the transport listens on, with the ports that the system chose.
func (t *Transport) Bound() []netip.AddrPort { return slices.Clone(t.bound) }

// Close releases the sockets of a transport that never serves.
func (t *Transport) Close() error {
	var errs []error
	for _, s := range t.sockets {
		if err := s.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
