package transport

import (
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
)

// A newcomer is a session that wants a place in the table.
type newcomer struct {
	direction Direction
	style     int
	group     netip.Prefix // not valid if it is not known, and then taken for an empty one
}

// roomLocked tells whether the table has room for a session with a new peer, or would have without one that is to go.
//
// Inbound sessions leave one place in keptForDials free, of the table and of their transport. Beyond that a session goes for
// another under these rules, which hold as identities cost nothing, but addresses do:
//
//   - Only inbound sessions go, which we sent nothing of our own to for wantedTicks.
//   - None goes for a newcomer whose group (IPv4 /24, IPv6 /48) would then hold more than its own: who fills the table from one
//     network pushes out his own sessions at most.
//   - One that carried a message within the last keepIdle stays, unless its group holds more than its share, one place in
//     groupShare, and more than the newcomer's would.
//   - Of the others the most crowded group loses, and in it the session that was idle for longest.
func (m *Mux) roomLocked(n newcomer, now time.Time) (victim i2p.Hash, ok bool) {
	st := m.styles[n.style]
	all, ofStyle := m.cfg.MaxSessions, st.limit
	if n.direction == Inbound {
		all -= all / keptForDials
		ofStyle -= ofStyle / keptForDials
	}
	tableFull, styleFull := len(m.sessions) >= all, st.inbound+st.outbound >= ofStyle
	if !tableFull && !styleFull {
		return victim, true
	}
	size, known := m.groups[n.group], n.direction == Inbound && n.group.IsValid()
	if !known {
		size = 0
	}
	share := max(all/groupShare, leastGroupShare)
	mostCrowded, mostIdle := 0, time.Duration(-1)
	for peer, l := range m.sessions {
		e := &l.open[0]
		if len(l.open) > 1 || e.session.Direction() != Inbound || styleFull && e.style != n.style || m.wants(l) {
			continue
		}
		crowd := 1
		if e.group.IsValid() {
			crowd = m.groups[e.group]
		}
		if crowd < mostCrowded || crowd <= size && !(known && e.group == n.group) {
			continue
		}
		idle := e.session.Idle(now)
		if idle < keepIdle && !(crowd > share && crowd > size+1) {
			continue
		}
		if crowd > mostCrowded || idle > mostIdle {
			victim, mostCrowded, mostIdle, ok = peer, crowd, idle, true
		}
	}
	return victim, ok
}

// wants tells whether we sent something of our own over a link a short while ago.
func (m *Mux) wants(l *link) bool {
	last := l.wanted.Load()
	return last != 0 && m.tick.Load()-last < wantedTicks
}

// groupOf is the network that an address counts for.
func groupOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil { // no IP at all, such as a pipe
		return netip.Prefix{}
	}
	return p
}
