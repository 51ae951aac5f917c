package transport

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A link is the session with one peer, and perhaps spare ones that crossed dials left for a while.
type link struct {
	open   []entry       // the first is used, the others are spare; never empty while in the table
	wanted atomic.Uint32 // tick of the Mux at which we last sent something of our own, 0 for never
}

// An entry is an open session, with what the table knows of it.
type entry struct {
	session Session
	style   int          // index of its transport
	group   netip.Prefix // of its peer's address
	opened  time.Time
	until   time.Time // when it closes, for a spare one
}

func (l *link) used() Session { return l.open[0].session }

// registry is the Mux as one of the transports sees it.
type registry struct {
	m     *Mux
	style int
}

var _ Registry = registry{}

func (r registry) Messages(from i2p.Hash, msgs []*buf.Buf) { r.m.handler.Messages(from, msgs) }

func (r registry) RouterInfo(from i2p.Hash, ri *i2p.RouterInfo, flood bool) {
	r.m.handler.RouterInfo(from, ri, flood)
}

// Opened is OpenedBy for a session of no dial, or of the one to its peer.
func (r registry) Opened(s Session) bool { return r.OpenedBy(context.Background(), s) }

// OpenedBy enters a session. A peer has one session: a newer one replaces it, because a peer that opens another has
// lost the first. Only when both sides dialled at once, or one of them over two transports, do several stay for a while, and
// both sides prefer the same one.
func (r registry) OpenedBy(ctx context.Context, s Session) bool {
	m := r.m
	by, _ := ctx.Value(dialKey{}).(*dial)
	now := time.Now()
	peer := s.Peer()
	e := entry{session: s, style: r.style, group: groupOf(s.Status().Remote.Addr()), opened: now}
	m.mu.Lock()
	if !m.serving || m.bans.banned(peer, now) {
		m.mu.Unlock()
		return false
	}
	var evicted *link
	l, d := m.sessions[peer], m.dials[peer]
	if l == nil {
		n := newcomer{direction: s.Direction(), style: r.style, group: e.group}
		n.foreign = n.direction == Outbound && (d != nil || by != nil) && !d.isWanted() && !by.isWanted()
		aside := n.foreign && by != nil && by.to != peer // room was kept for by.to, not for this one
		if aside {
			n.underWay = m.foreignDials
		}
		victim, ok := m.roomLocked(n, now)
		if !ok && n.direction == Inbound {
			m.mu.Unlock()
			m.c.refusedInbound.Add(1)
			m.styles[r.style].refused.Add(1)
			return false
		}
		if !ok && aside {
			m.mu.Unlock()
			return false
		}
		if victim != (i2p.Hash{}) {
			evicted = m.takeLocked(victim)
		}
	}
	m.c.opened.Add(1)
	if b, ok := m.backoffs[peer]; ok {
		m.backoffs[peer] = backoff{failures: b.failures, until: now} // forgotten later, unless it ends as soon
	}
	if s.Direction() == Outbound {
		m.history.succeeded(attemptKey{peer, r.style}, now)
		m.styles[r.style].failing.Store(0)
	}
	replaced := m.enterLocked(peer, l, e)
	if d != nil {
		if d.wanted {
			m.sessions[peer].wanted.Store(m.tick.Load())
		}
		m.finishLocked(d, nil)
	}
	m.mu.Unlock()

	for _, old := range replaced {
		m.replace(old, s)
	}
	if evicted != nil {
		m.c.evicted.Add(1)
		m.styles[evicted.open[0].style].evicted.Add(1)
		evicted.used().Close(ReasonIdle)
	}
	if d != nil {
		m.flush(d, s)
	}
	if m.deps.Peers != nil {
		m.deps.Peers.Connected(peer)
	}
	m.log.Debug("session opened", "peer", peer, "style", m.styles[r.style].name, "direction", s.Direction())
	return true
}

// replace closes a session whose place another has taken, which gets the messages that the peer has not acked ("Multiple Sessions"
// of SSU2).
func (m *Mux) replace(old, by Session) {
	r, ok := old.(Replaceable)
	if !ok {
		old.Close(ReasonNormal)
		return
	}
	unsent := r.Replace()
	if n := by.Send(unsent); n < len(unsent) {
		m.c.dropSessionFull.Add(uint64(len(unsent) - n))
	}
}

// enterLocked puts a session into the table and returns those that it replaces: all of the peer's, or, if it crossed with
// them, one of the same style and direction.
func (m *Mux) enterLocked(peer i2p.Hash, l *link, e entry) (replaced []Session) {
	if l == nil {
		m.sessions[peer] = &link{open: []entry{e}}
		m.countLocked(e, 1)
		return nil
	}
	same := func(o entry) bool {
		return o.style == e.style && o.session.Direction() == e.session.Direction()
	}
	crossed := e.opened.Sub(l.open[0].opened) < crossedWindow && !same(l.open[0])
	l.open = slices.DeleteFunc(l.open, func(o entry) bool {
		if crossed && !same(o) {
			return false
		}
		m.countLocked(o, -1)
		replaced = append(replaced, o.session)
		return true
	})
	if crossed {
		m.c.crossed.Add(1)
	} else {
		m.c.replaced.Add(1)
	}
	m.countLocked(e, 1)
	l.open = append(l.open, e)
	slices.SortStableFunc(l.open, func(a, b entry) int { return m.rank(a) - m.rank(b) })
	for i := 1; i < len(l.open); i++ {
		if l.open[i].until.IsZero() {
			l.open[i].until = e.opened.Add(lingerTime)
		}
	}
	return replaced
}

// rank orders crossed sessions the same way on both sides: first those that the router with the lesser hash opened, then NTCP2
// before SSU2. Sessions over the same transport in the same direction never cross.
func (m *Mux) rank(e entry) int {
	peer := e.session.Peer()
	weAreLess := bytes.Compare(m.cfg.Self[:], peer[:]) < 0
	rank := m.styles[e.style].order
	if (e.session.Direction() == Outbound) != weAreLess {
		rank += len(m.styles)
	}
	return rank
}

// countLocked counts a session that enters or leaves the table.
func (m *Mux) countLocked(e entry, n int) {
	st := m.styles[e.style]
	if e.session.Direction() == Outbound {
		st.outbound += n
	} else {
		st.inbound += n
	}
	if m.groups[e.group] += n; m.groups[e.group] == 0 {
		delete(m.groups, e.group)
	}
}

// takeLocked takes all sessions with a peer out of the table.
func (m *Mux) takeLocked(peer i2p.Hash) *link {
	l := m.sessions[peer]
	if l != nil {
		for _, e := range l.open {
			m.countLocked(e, -1)
		}
		delete(m.sessions, peer)
	}
	return l
}

// Closed removes a session; a spare one takes its place.
func (r registry) Closed(s Session, err error) {
	m := r.m
	m.c.closed.Add(1)
	peer, now := s.Peer(), time.Now()
	status := s.Status()
	refused := err != nil && s.Direction() == Outbound && now.Sub(status.Since) < refusedWindow && refuses(err, status)
	m.mu.Lock()
	if l := m.sessions[peer]; l != nil {
		if i := slices.IndexFunc(l.open, func(e entry) bool { return e.session == s }); i >= 0 {
			m.countLocked(l.open[i], -1)
			l.open = slices.Delete(l.open, i, i+1)
			if len(l.open) == 0 {
				delete(m.sessions, peer)
			}
		}
	}
	if refused {
		m.failedLocked(attemptKey{peer, r.style}, now)
	}
	refused = refused && m.sessions[peer] == nil && m.serving
	if refused {
		m.backOffLocked(peer, causePeer, now)
	}
	m.mu.Unlock()
	m.punish(peer, err)
	if refused && m.deps.Peers != nil {
		m.deps.Peers.Failed(peer, err)
	}
	m.log.Debug("session closed", "peer", peer, "cause", err)
}

// refuses tells whether a session that ended soon was one that the peer never wanted.
func refuses(err error, s SessionStatus) bool {
	var t *Terminated
	if errors.As(err, &t) {
		return t.refuses()
	}
	return s.BytesIn == 0
}

// takeOver removes and returns the sessions that are idle and the spare ones whose time is over. They leave the table before they
// close, so that a message that comes in the meantime opens a new one.
func (m *Mux) takeOver(now time.Time) (idle, spare []Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for peer, l := range m.sessions {
		kept := slices.DeleteFunc(l.open[1:], func(e entry) bool {
			if now.Before(e.until) {
				return false
			}
			m.countLocked(e, -1)
			spare = append(spare, e.session)
			return true
		})
		l.open = l.open[:1+len(kept)]
		l.open[0].until = time.Time{}
		if len(l.open) == 1 && l.used().Idle(now) >= m.cfg.IdleTimeout {
			idle = append(idle, l.used())
			m.takeLocked(peer)
		}
	}
	return idle, spare
}
