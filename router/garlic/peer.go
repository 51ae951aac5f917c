package garlic

import (
	"bytes"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/ratchet"
)

// A peer is a far end and our sessions with it. A session moves
//
//	New Session sent      -> offers -> current -> old -> gone
//	New Session received  -> asks   -> current -> old -> gone
//
// and is read in all of these places; messages go out in current, or in the newest ask when the peer seems to have
// lost current, or else in a new offer.
type peer struct {
	remote ratchet.Remote
	hash   i2p.Hash
	bound  bool // hash was proven by Bind

	current   *ratchet.Session
	offers    []*ratchet.Session // oldest first, as are the others
	asks      []*ratchet.Session
	old       []*ratchet.Session
	confirmed uint64

	minute  time.Time // start of the minute in which offers are counted
	offered int
}

// choose says how the next message goes out; the session is nil for a New Session.
func (p *peer) choose(now time.Time) (*ratchet.Session, Kind) {
	ask := p.lastAsk(now)
	if p.current != nil && p.current.CanSend(now) {
		// A New Session that came after the last message of the current one: the peer restarted, or that New Session
		// is a late one. The reply is right either way; the next message in the current session settles it.
		if ask == nil || !ask.Created().After(p.current.Received()) {
			return p.current, KindExistingSession
		}
	}
	if ask != nil {
		return ask, KindNewSessionReply
	}
	return nil, KindNewSession
}

func (p *peer) lastAsk(now time.Time) *ratchet.Session {
	for i := len(p.asks) - 1; i >= 0; i-- {
		if p.asks[i].CanReply(now) {
			return p.asks[i]
		}
	}
	return nil
}

// due is the session that has something to send by itself.
func (p *peer) due(now time.Time) *ratchet.Session {
	if ask := p.lastAsk(now); ask != nil && ask.ReplyDue(now) {
		if s, _ := p.choose(now); s == ask {
			return ask
		}
	}
	if p.current != nil && p.current.Due(now) {
		return p.current
	}
	for _, s := range p.old {
		if s.Due(now) {
			return s
		}
	}
	return nil
}

// mayOffer counts the New Sessions of a minute.
func (p *peer) mayOffer(now time.Time) bool {
	if d := now.Sub(p.minute); d < 0 || d >= time.Minute {
		p.minute, p.offered = now, 0
	}
	p.offered++
	return p.offered <= offersPerMinute
}

// heard takes note of an authentic message in s, which was established before it or not.
func (p *peer) heard(s *ratchet.Session, before bool, own []byte) {
	p.confirmed = max(p.confirmed, s.Confirmed())
	if !s.Established() {
		p.drop(s) // a Termination, or a late reply to an offer that lost: drop does nothing then
		return
	}
	if before {
		if s != p.current && (p.current == nil || s.Received().Sub(p.lastHeard()) > healAfter) {
			p.use(s)
		}
		return
	}
	if s.Initiator() {
		p.offers = without(p.offers, s)
		for _, o := range p.offers {
			o.Retire()
		}
	} else {
		p.asks = without(p.asks, s)
	}
	if p.prefer(s, own) {
		p.use(s)
	} else {
		p.shelve(s)
	}
}

func (p *peer) lastHeard() time.Time {
	if t := p.current.Received(); !t.IsZero() {
		return t
	}
	return p.current.Created()
}

// prefer decides whether the freshly established session s replaces the current one. It does, but for rivals: when
// both sides sent New Sessions before any was answered, both use that of the side with the smaller static key.
func (p *peer) prefer(s *ratchet.Session, own []byte) bool {
	c := p.current
	if c == nil || !c.Established() || s.Initiator() == c.Initiator() {
		return true
	}
	if !s.Created().Before(c.EstablishedAt()) {
		return true
	}
	return s.Initiator() == (bytes.Compare(own, p.remote.Key[:]) < 0)
}

// use makes s current.
func (p *peer) use(s *ratchet.Session) {
	p.old = without(p.old, s)
	if p.current != nil {
		p.shelve(p.current)
	}
	p.current = s
}

func (p *peer) shelve(s *ratchet.Session) { p.old = bounded(p.old, s, maxOld) }

// drop forgets a session that ended.
func (p *peer) drop(s *ratchet.Session) {
	if s == p.current {
		p.current = nil
	}
	p.old = without(p.old, s)
}

// expire drops old sessions and reports whether none is left.
func (p *peer) expire(now time.Time) bool {
	if p.current != nil && p.current.Expire(now) {
		p.current = nil
	}
	p.offers = alive(p.offers, now)
	p.asks = alive(p.asks, now)
	p.old = alive(p.old, now)
	return p.current == nil && len(p.offers)+len(p.asks)+len(p.old) == 0
}

func (p *peer) close() {
	if p.current != nil {
		p.current.Close()
	}
	for _, list := range [][]*ratchet.Session{p.offers, p.asks, p.old} {
		for _, s := range list {
			s.Close()
		}
	}
}

// worse orders peers for eviction.
func (p *peer) worse(than *peer) bool {
	if (p.current == nil) != (than.current == nil) {
		return p.current == nil
	}
	return p.last().Before(than.last())
}

// last is when the peer last did something, roughly.
func (p *peer) last() time.Time {
	switch {
	case p.current != nil:
		return p.lastHeard()
	case len(p.asks) > 0:
		return p.asks[len(p.asks)-1].Created()
	case len(p.offers) > 0:
		return p.offers[len(p.offers)-1].Created()
	}
	return time.Time{}
}

// bounded appends s and closes the oldest session beyond limit.
func bounded(list []*ratchet.Session, s *ratchet.Session, limit int) []*ratchet.Session {
	if len(list) >= limit {
		list[0].Close()
		list = append(list[:0], list[1:]...)
	}
	return append(list, s)
}

func without(list []*ratchet.Session, s *ratchet.Session) []*ratchet.Session {
	for i := range list {
		if list[i] == s {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

func alive(list []*ratchet.Session, now time.Time) []*ratchet.Session {
	kept := list[:0]
	for _, s := range list {
		if !s.Expire(now) {
			kept = append(kept, s)
		}
	}
	clear(list[len(kept):])
	return kept
}
