package transport

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/i2p"
)

// A newcomer is a session that wants a place in the table.
type newcomer struct {
	direction Direction
	style     int
	group     netip.Prefix // not valid if it is not known, and then taken for an empty one
	foreign   bool         // dialled for messages of others alone
	underWay  int          // dials of that kind besides, which will want places as well
}

// roomLocked tells whether the table has room for a session with a new peer, or would have without one that is to go.
//
// Inbound sessions, and those that are dialled for messages of others, leave one place in keptForDials free, of the table and of
// their transport. Beyond that a session goes for another under these rules, which hold as identities cost nothing, but
// addresses do:
//
//   - Only sessions go to which we sent nothing of our own for wantedTicks, whoever opened them.
//   - None goes for an inbound newcomer whose group (IPv4 /24, IPv6 /48) would then hold more than its own: who fills the table from one
//     network pushes out his own sessions at most.
//   - One that carried a message within the last keepIdle stays, unless its group holds more than its share, one place in
//     groupShare, and more than the newcomer's would.
//   - Of the others the most crowded group loses, and in it the session that was idle for longest.
func (m *Mux) roomLocked(n newcomer, now time.Time) (victim i2p.Hash, ok bool) {
	st := m.styles[n.style]
	all, ofStyle := m.cfg.MaxSessions, st.limit
	if n.direction == Inbound || n.foreign {
		all -= all / keptForDials
		ofStyle -= ofStyle / keptForDials
	}
	tableFull, styleFull := len(m.sessions)+n.underWay >= all, st.inbound+st.outbound+n.underWay >= ofStyle
	if !tableFull && !styleFull {
		return victim, true
	}
	share := max(all/groupShare, leastGroupShare)
	m.listVictimsLocked(share, now)
	mostCrowded, mostIdle := 0, time.Duration(-1)
	for style, list := range m.victims {
		if styleFull && style != n.style {
			continue
		}
		for _, peer := range list { // the first that may go is the best of its style, or nearly so
			crowd, idle := m.evictableLocked(peer, style, share, now)
			if crowd == 0 || !m.yields(m.sessions[peer].open[0].group, crowd, idle, n) || crowd < mostCrowded {
				continue
			}
			if crowd > mostCrowded || idle > mostIdle {
				victim, mostCrowded, mostIdle, ok = peer, crowd, idle, true
			}
			break
		}
	}
	return victim, ok
}

// evictableLocked is how many sessions the group of a session has, and how long it was idle; 0 if it goes for nobody.
func (m *Mux) evictableLocked(peer i2p.Hash, style, share int, now time.Time) (crowd int, idle time.Duration) {
	l := m.sessions[peer]
	if l == nil || len(l.open) > 1 || l.open[0].style != style || m.wants(l) {
		return 0, 0
	}
	crowd = 1
	if g := l.open[0].group; g.IsValid() {
		crowd = m.groups[g]
	}
	if idle = l.used().Idle(now); idle < keepIdle && crowd <= share {
		return 0, 0
	}
	return crowd, idle
}

// yields tells whether an evictable session goes for a newcomer, by what their groups hold.
func (m *Mux) yields(group netip.Prefix, crowd int, idle time.Duration, n newcomer) bool {
	size := 0
	if n.direction == Inbound && n.group.IsValid() {
		size = m.groups[n.group]
		if group == n.group {
			return idle >= keepIdle
		}
	}
	return crowd > size+1 || crowd == size+1 && idle >= keepIdle
}

// listVictimsLocked lists for each transport the sessions that are the first to go: the most crowded group first, and in a group
// the most idle. It looks at every session, and therefore not again within listVictims, however many newcomers come:
// they would keep the table busy.
func (m *Mux) listVictimsLocked(share int, now time.Time) {
	if len(m.victims) > 0 && now.Sub(m.listed) < listVictims {
		return
	}
	type candidate struct {
		peer  i2p.Hash
		crowd int
		idle  time.Duration
	}
	m.listed, m.victims = now, make([][]i2p.Hash, len(m.styles))
	all := make([][]candidate, len(m.styles))
	for peer, l := range m.sessions {
		style := l.open[0].style
		if crowd, idle := m.evictableLocked(peer, style, share, now); crowd > 0 {
			all[style] = append(all[style], candidate{peer, crowd, idle})
		}
	}
	for style, list := range all {
		slices.SortFunc(list, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.crowd, a.crowd), cmp.Compare(b.idle, a.idle))
		})
		for _, c := range list[:min(len(list), maxVictims)] {
			m.victims[style] = append(m.victims[style], c.peer)
		}
	}
}

// wants tells whether we sent something of our own over a link a short while ago.
func (m *Mux) wants(l *link) bool {
	last := l.wanted.Load()
	return last != 0 && m.tick.Load()-last < wantedTicks
}
