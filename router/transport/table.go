package transport

import (
	"bytes"
	"errors"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A link is the session with one peer, and perhaps a spare one that a crossed dial left for a while.
type link struct {
	session    Session
	opened     time.Time
	spare      Session
	spareUntil time.Time
}

func (l *link) all() []Session {
	if l.spare != nil {
		return []Session{l.session, l.spare}
	}
	return []Session{l.session}
}

// registry is the Mux as the transports see it.
type registry Mux

var _ Registry = (*registry)(nil)

func (r *registry) Messages(from i2p.Hash, msgs []*buf.Buf) { r.handler.Messages(from, msgs) }

func (r *registry) RouterInfo(from i2p.Hash, ri *i2p.RouterInfo, flood bool) {
	r.handler.RouterInfo(from, ri, flood)
}

// Admit refuses ourselves, whom Admission refuses, and new peers when the table is full but for what is kept for dials.
func (r *registry) Admit(peer i2p.Hash) bool {
	m := (*Mux)(r)
	ok := peer != m.cfg.Self && (m.deps.Admission == nil || m.deps.Admission.Admit(peer))
	if ok {
		m.mu.RLock()
		ok = m.serving && (m.sessions[peer] != nil || len(m.sessions) < m.cfg.MaxSessions-m.cfg.MaxSessions/keptForDials)
		m.mu.RUnlock()
	}
	if !ok {
		m.c.refusedInbound.Add(1)
	}
	return ok
}

// Opened enters a session. A peer has one session: a newer one replaces it, because a peer that opens another has
// lost the first. Only when both sides dialled at once do both sessions stay for a while, and both sides prefer the one
// that the router with the lesser hash opened.
func (r *registry) Opened(s Session) bool {
	m := (*Mux)(r)
	now := time.Now()
	peer := s.Peer()
	m.mu.Lock()
	if !m.serving {
		m.mu.Unlock()
		return false
	}
	m.c.opened.Add(1)
	if b, ok := m.backoffs[peer]; ok {
		m.backoffs[peer] = backoff{b.failures, now} // forgotten later, unless it ends as soon
	}
	var replaced []Session
	l := m.sessions[peer]
	switch {
	case l == nil:
		m.sessions[peer] = &link{session: s, opened: now}
	case l.session.Direction() != s.Direction() && now.Sub(l.opened) < crossedWindow:
		m.c.crossed.Add(1)
		if l.spare != nil {
			replaced = append(replaced, l.spare)
		}
		l.spare, l.spareUntil = s, now.Add(lingerTime)
		if m.preferred(s) {
			l.session, l.spare = l.spare, l.session
		}
	default:
		m.c.replaced.Add(1)
		replaced = l.all()
		*l = link{session: s, opened: now}
	}
	d := m.dials[peer]
	if d != nil {
		m.finishLocked(d, nil)
	}
	m.mu.Unlock()

	for _, old := range replaced {
		old.Close(ReasonNormal)
	}
	if d != nil {
		m.flush(d, s)
	}
	if m.deps.Admission != nil {
		m.deps.Admission.Connected(peer)
	}
	m.log.Debug("session opened", "peer", peer, "style", s.Status().Style, "direction", s.Direction())
	return true
}

// preferred tells which of two crossed sessions both sides keep.
func (m *Mux) preferred(s Session) bool {
	peer := s.Peer()
	weAreLess := bytes.Compare(m.cfg.Self[:], peer[:]) < 0
	return (s.Direction() == Outbound) == weAreLess
}

// Closed removes a session; a spare one takes its place.
func (r *registry) Closed(s Session, err error) {
	m := (*Mux)(r)
	m.c.closed.Add(1)
	peer, now := s.Peer(), time.Now()
	status := s.Status()
	refused := err != nil && s.Direction() == Outbound && now.Sub(status.Since) < refusedWindow && refuses(err, status)
	m.mu.Lock()
	if l := m.sessions[peer]; l != nil {
		switch {
		case l.spare == s:
			l.spare = nil
		case l.session == s && l.spare != nil:
			l.session, l.spare = l.spare, nil
		case l.session == s:
			delete(m.sessions, peer)
		}
	}
	refused = refused && m.sessions[peer] == nil && m.serving
	if refused {
		m.backOffLocked(peer, now)
	}
	m.mu.Unlock()
	if refused && m.deps.Admission != nil {
		m.deps.Admission.Failed(peer, err)
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
		if l.spare != nil && !now.Before(l.spareUntil) {
			spare = append(spare, l.spare)
			l.spare = nil
		}
		if l.spare == nil && l.session.Idle(now) >= m.cfg.IdleTimeout {
			idle = append(idle, l.session)
			delete(m.sessions, peer)
		}
	}
	return idle, spare
}
