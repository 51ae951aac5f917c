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

// maxSilent dials in a row of which the proxy said nothing are the fault of the proxy: it has no network, or hangs. The peers of those
// before have the blame.
const maxSilent = 5

// A proxy is the upstream proxy, and how it does.
type proxy struct {
	dialer *upstream.Dialer
	log    *slog.Logger

	mu      sync.Mutex
	failure error     // its own, since it led to a peer or said that it cannot reach one
	warned  bool      // of that failure
	silent  int       // dials in a row of which it said nothing
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
	return conn, p.note(err, time.Now())
}

// note takes down how a dial went, and returns the error for the caller. What changes is told once.
func (p *proxy) note(err error, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, upstream.ErrSilent) {
		if p.silent++; p.silent >= maxSilent {
			err = fmt.Errorf("upstream: %w %v takes requests and answers none of them; does it reach the internet? %w", upstream.ErrProxy, p.dialer, err)
		}
	}
	switch {
	case err == nil || errors.Is(err, upstream.ErrPeer):
		if p.warned {
			p.log.Info("upstream proxy works again", "proxy", p.dialer.String())
			p.last = now
		}
		p.failure, p.warned, p.silent = nil, false, 0
	case errors.Is(err, upstream.ErrProxy):
		if !p.warned && (p.last.IsZero() || now.Sub(p.last) >= proxyToldAgain) {
			p.log.Warn("upstream proxy fails", "err", err)
			p.warned, p.last = true, now
		}
		p.failure = err
	}
	return err
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
	if errors.Is(err, upstream.ErrPeer) || errors.Is(err, upstream.ErrSilent) {
		return nil
	}
	return fmt.Errorf("router: %w", err)
}
