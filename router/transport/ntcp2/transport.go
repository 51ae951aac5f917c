package ntcp2

import (
	"context"
	"net/netip"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A Transport opens and accepts NTCP2 sessions.
type Transport struct {
	cfg  Config
	deps Deps
}

var _ transport.Transport = (*Transport)(nil)

// New binds the listen addresses, so that Addresses and Bound are known, and serves nothing yet.
func New(cfg Config, deps Deps) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Transport{cfg: cfg, deps: deps}, nil
}

// Style is "NTCP2".
func (t *Transport) Style() string { return "NTCP2" }

// Bound are the addresses that the transport listens on, with the ports that the system chose.
func (t *Transport) Bound() []netip.AddrPort { return nil }

// Addresses are the RouterAddresses to publish.
func (t *Transport) Addresses() []i2p.RouterAddress { return nil }

// Reachable reports whether ri has an NTCP2 address that Dial could use.
func (t *Transport) Reachable(ri *i2p.RouterInfo) bool { return false }

// Dial opens a session.
func (t *Transport) Dial(ctx context.Context, ri *i2p.RouterInfo) (transport.Session, error) {
	return nil, transport.ErrClosed
}

// Serve accepts and runs sessions until ctx ends.
func (t *Transport) Serve(ctx context.Context, r transport.Registry) error {
	<-ctx.Done()
	return nil
}

// Close releases the listeners of a transport that never serves.
func (t *Transport) Close() error { return nil }
