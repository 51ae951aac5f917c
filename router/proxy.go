package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"clove.i2p/router/upstream"
)

// proxyToldAgain is how long after a word about the upstream proxy the next warning may come: with one that lets some connections
// through and others not, each dial would be a change.
const proxyToldAgain = 10 * time.Minute

// A proxy is the upstream proxy, and how it does.
type proxy struct {
	dialer *upstream.Dialer
	log    *slog.Logger

	mu      sync.Mutex
	failure error     // its own, since it led to a peer or said that it cannot reach one
	warned  bool      // of that failure
	last    time.Time // that something was told
}

// UpstreamStatus is the proxy of Config.Upstream without user and password, and what is wrong with it, or nil.
type UpstreamStatus struct {
	Proxy   string
	Failure error
}

// upstream returns what dials through the proxy; nil if there is none.
func (c Config) upstream() (*upstream.Dialer, error) {
	if c.Upstream == "" {
		return nil, nil
	}
	d, err := upstream.New(c.Upstream)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	return d, nil
}

func (p *proxy) dial(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
	conn, err := p.dialer.Dial(ctx, local, to)
	p.note(err, time.Now())
	return conn, err
}

// note takes down how a dial went. What changes is told once.
func (p *proxy) note(err error, now time.Time) {
	works := err == nil || errors.Is(err, upstream.ErrPeer)
	failed := errors.Is(err, upstream.ErrProxy)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case works && p.warned:
		p.log.Info("upstream proxy works again", "proxy", p.dialer.String())
		p.failure, p.warned, p.last = nil, false, now
	case works:
		p.failure = nil
	case failed:
		if p.failure == nil && (p.last.IsZero() || now.Sub(p.last) >= proxyToldAgain) {
			p.log.Warn("upstream proxy fails", "err", err)
			p.warned, p.last = true, now
		}
		p.failure = err
	}
}

func (p *proxy) status() *UpstreamStatus {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &UpstreamStatus{p.dialer.String(), p.failure}
}

// proxyTarget is nobody (RFC 5737): a proxy that takes the request lets us in.
var proxyTarget = netip.MustParseAddrPort("192.0.2.1:443")

// TryUpstream asks the proxy of cfg for a connection to an address that nobody has, which tells whether the proxy takes us. nil is
// returned without a proxy. The error says what to do.
func TryUpstream(ctx context.Context, cfg Config) error {
	d, err := cfg.upstream()
	if d == nil {
		return err
	}
	conn, err := d.Dial(ctx, netip.Addr{}, proxyTarget)
	if err == nil {
		conn.Close()
		return nil
	}
	if errors.Is(err, upstream.ErrPeer) {
		return nil
	}
	return fmt.Errorf("router: %w", err)
}
