package transit

import (
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
)

// A hop is this router's part in one tunnel.
type hop struct {
	id         i2p.TunnelID
	role       build.Role
	next       i2p.Hash // unused by an endpoint
	nextTunnel i2p.TunnelID
	created    time.Time
	expires    time.Time

	messages atomic.Uint64 // tunnel messages
	bytes    atomic.Uint64

	mu sync.Mutex
	// request holds the keys of a gateway or endpoint until the first message; most tunnels never see one. A
	// participant is no larger than its keys from the start.
	request *build.Request
	// previous is who sent the first message; from no one else the tunnel takes any.
	previous i2p.Hash
	closed   bool
	budget   *tunnel.Budget
	// One of them, see request.
	participant *tunnel.Participant
	gateway     *tunnel.Gateway
	endpoint    *tunnel.Endpoint
}

func newHop(r *build.Request, now time.Time, lifetime time.Duration, budget *tunnel.Budget) *hop {
	h := &hop{
		id: r.ReceiveTunnel, role: r.Role, next: r.Next, nextTunnel: r.NextTunnel,
		created: now, expires: now.Add(lifetime + lifetime/graceShare), request: r,
		budget: budget,
	}
	if r.Role == build.Participant {
		h.participant, h.request = tunnel.NewParticipant(r.Next, r.NextTunnel, r.Layer()), nil
	}
	return h
}

// activate makes what is not made yet when the first message comes. The lock is held. It returns false if the tunnel is gone.
func (h *hop) activate() bool {
	if h.closed {
		return false
	}
	if h.request == nil {
		return true
	}
	l := h.request.Layer()
	h.request = nil
	switch h.role {
	case build.InboundGateway:
		h.gateway = tunnel.NewGateway(h.next, h.nextTunnel, list(l), tunnel.Transit)
	case build.OutboundEndpoint:
		h.endpoint = tunnel.NewEndpointWithin(h.budget, list(l), tunnel.Transit)
	}
	return true
}

// from reports whether messages may come from peer. The lock is held.
func (h *hop) from(peer i2p.Hash) bool {
	if h.previous.IsZero() {
		h.previous = peer
	}
	return h.previous == peer
}

func (h *hop) expireFragments(now time.Time) {
	if h.role != build.OutboundEndpoint {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.endpoint != nil {
		h.endpoint.Expire(now)
	}
}

// close releases what the tunnel holds.
func (h *hop) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.endpoint != nil {
		h.endpoint.Close()
	}
	h.participant, h.gateway, h.endpoint, h.request = nil, nil, nil, nil
}

func list[T any](v ...T) []T { return v }
