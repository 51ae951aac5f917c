package transport

import (
	"context"
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
)

// Admit refuses ourselves, banned peers, and new peers when the table is full and nobody would make room.
func (r registry) Admit(peer i2p.Hash) bool { return r.AdmitFrom(peer, netip.Addr{}) }

// AdmitFrom is Admit for a peer at an address, which tells whether others would make room for that one.
func (r registry) AdmitFrom(peer i2p.Hash, from netip.Addr) bool {
	m := r.m
	ok := peer != m.cfg.Self
	if ok {
		m.mu.Lock()
		now := time.Now()
		ok = m.serving && !m.bans.banned(peer, now)
		if ok && m.sessions[peer] == nil {
			_, ok = m.roomLocked(newcomer{direction: Inbound, style: r.style, group: groupOf(from)}, now)
		}
		m.mu.Unlock()
	}
	if !ok {
		m.c.refusedInbound.Add(1)
		m.styles[r.style].refused.Add(1)
	}
	return ok
}

// AdmitFrom asks a Registry for a peer of an inbound handshake whose address is known. A transport that asks so refuses peers of
// crowded networks before the handshake ends.
func AdmitFrom(r Registry, peer i2p.Hash, from netip.Addr) bool {
	if a, ok := r.(interface {
		AdmitFrom(i2p.Hash, netip.Addr) bool
	}); ok {
		return a.AdmitFrom(peer, from)
	}
	return r.Admit(peer)
}

// OpenedBy is Registry.Opened for a session that a dial with ctx has opened, perhaps with another router than the one it is for:
// what strangers make us dial finds its introducers only as much room as it finds itself.
func OpenedBy(ctx context.Context, r Registry, s Session) bool {
	if o, ok := r.(interface {
		OpenedBy(context.Context, Session) bool
	}); ok {
		return o.OpenedBy(ctx, s)
	}
	return r.Opened(s)
}
