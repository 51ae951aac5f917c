package transport

import (
	"context"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A Mux is the table of sessions and the dial policy over all transports. It is safe for concurrent use.
type Mux struct {
	cfg  Config
	deps Deps
}

// New returns a Mux that does not serve yet.
func New(cfg Config, deps Deps) (*Mux, error) { return &Mux{cfg: cfg, deps: deps}, nil }

// Serve runs the transports and the dials until ctx ends.
func (m *Mux) Serve(ctx context.Context, h Handler) error { <-ctx.Done(); return nil }

// Send moves messages to a peer. It never blocks.
func (m *Mux) Send(to i2p.Hash, msgs ...*buf.Buf) {}

// Connect returns when there is a session with the peer, dialling it if needed.
func (m *Mux) Connect(ctx context.Context, to i2p.Hash) error { return ErrClosed }

// Connected reports whether there is a session with the peer.
func (m *Mux) Connected(to i2p.Hash) bool { return false }

// Disconnect closes the session with a peer, if any.
func (m *Mux) Disconnect(peer i2p.Hash, reason Reason) {}

// Addresses are the RouterAddresses of all transports, to be published.
func (m *Mux) Addresses() []i2p.RouterAddress { return nil }

// Reachable reports whether one of the transports could dial the router.
func (m *Mux) Reachable(ri *i2p.RouterInfo) bool { return false }

// Sessions describes all sessions.
func (m *Mux) Sessions() []SessionStatus { return nil }

// Stats returns the counters.
func (m *Mux) Stats() Stats { return Stats{} }

// Stats are the counters of a Mux.
type Stats struct {
	Sessions, Inbound, Outbound int // now
	Opened, Closed              uint64
	Dials, DialFailures         uint64
	Replaced, Crossed           uint64
	DropNoSession               uint64 // messages: not serving, not admitted, in back-off or too many dials
	DropPendingFull             uint64 // messages: more than one dial may hold
	DropDialFailed              uint64 // messages: waited for a dial that failed
	DropSessionFull             uint64 // messages: the session's send queue was full or closed
	RefusedInbound              uint64
}
