package nat

import (
	"slices"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// An introducerBook is what we know as Charlie in one family: the tags that peers gave us, and those peers that we publish.
type introducerBook struct {
	need   bool
	got    map[i2p.Hash]*gotTag
	chosen []*gotTag
	fresh  int // of chosen, that are good for introducerLast at least
	asked  map[i2p.Hash]time.Time
	due    time.Time // of the next look
}

// A gotTag expires IntroducerTime after the RelayTag came last: so long does Bob keep the session.
type gotTag struct {
	Introducer
	ping time.Time // next, while it is published
}

func (t *gotTag) lasts(now time.Time) bool { return t.Expires.Sub(now) >= introducerLast }

func newIntroducerBook() introducerBook {
	return introducerBook{got: map[i2p.Hash]*gotTag{}, asked: map[i2p.Hash]time.Time{}}
}

// NeedIntroducers says whether we are to be reached through introducers in a family. While so, tags are asked for in sessions with
// routers that introduce, and kept alive.
func (e *Engine) NeedIntroducers(now time.Time, f Family, need bool) {
	b := &e.introducers[f]
	if b.need == need {
		return
	}
	b.need = need
	if !need {
		b.chosen, b.fresh = nil, 0
		return
	}
	b.due = time.Time{}
	e.tickIntroducers(now, f)
}

// WantTag reports whether a RelayTagRequest should go into a SessionRequest to the router of ri, in this family. (i2pd gives tags in SessionCreated only.)
func (e *Engine) WantTag(f Family, ri *i2p.RouterInfo) bool {
	return ri != nil && e.introducers[f].need && e.introduces(f, ri)
}

// introduces reports whether a router can introduce us.
func (e *Engine) introduces(f Family, ri *i2p.RouterInfo) bool { return e.helpsUs(f, ri, "C") }

// Introducers are those to publish, at most MaxIntroducers.
func (e *Engine) Introducers(f Family) []Introducer {
	list := make([]Introducer, 0, MaxIntroducers)
	for _, t := range e.introducers[f].chosen {
		in := t.Introducer
		in.Expires = in.Expires.Add(e.cfg.Offset())
		list = append(list, in)
	}
	return list
}

// MissingIntroducers is how many more sessions with introducers should be opened: routers for which WantTag is true. One whose time is about
// to end counts as missing.
func (e *Engine) MissingIntroducers(f Family) int {
	b := &e.introducers[f]
	if !b.need {
		return 0
	}
	return max(0, MaxIntroducers-b.fresh)
}

// tagGot takes a RelayTag. A peer may change it at any time, but not often: all that we know are looked at then.
func (e *Engine) tagGot(now time.Time, s Session, body []byte) {
	tag, err := wire.ParseRelayTag(body)
	if err != nil {
		e.drop(DropMalformed)
		return
	}
	f := FamilyOf(s.Remote.Addr())
	b := &e.introducers[f]
	t := b.got[s.Router]
	switch {
	case t == nil && !s.Outbound && b.asked[s.Router].IsZero():
		e.drop(DropUnasked) // who comes to us and offers himself may want to see who else comes
		return
	case !e.rates.tagsGot.take(now, s.Router), t == nil && len(b.got) >= maxGotTags:
		e.drop(DropFlood)
		return
	case t == nil:
		t = &gotTag{Introducer: Introducer{Router: s.Router}}
		b.got[s.Router] = t
	}
	changed := t.Tag != tag
	t.Tag, t.Expires = tag, now.Add(IntroducerTime)
	if slices.Contains(b.chosen, t) {
		e.host.Keep(t.Router)
	} else if b.need && changed {
		b.due = time.Time{}
		e.tickIntroducers(now, f)
	}
}

// forgetIntroducer follows the end of a session.
func (e *Engine) forgetIntroducer(now time.Time, router i2p.Hash) {
	for f := range e.introducers {
		b := &e.introducers[f]
		delete(b.asked, router)
		if t := b.got[router]; t != nil {
			delete(b.got, router)
			if b.need && slices.Contains(b.chosen, t) {
				b.due = time.Time{}
				e.tickIntroducers(now, Family(f))
			}
		}
	}
}

// tickIntroducers keeps who is published while the session lasts, fills up, asks for tags, and keeps the NAT open.
func (e *Engine) tickIntroducers(now time.Time, f Family) {
	b := &e.introducers[f]
	if !b.need {
		return
	}
	if !now.Before(b.due) {
		b.due = now.Add(keepAlive)
		e.chooseIntroducers(now, f)
		e.askForTags(now, f)
	}
	e.wake(b.due)
	for _, t := range b.chosen {
		if !now.Before(t.ping) {
			e.host.Ping(t.Router)
			t.ping = now.Add(keepAlive + time.Duration(e.below(int(keepAliveSpread))))
		}
		e.wake(t.ping)
	}
}

// chooseIntroducers keeps the published ones that still serve and adds others from other networks. Before its end comes near, each is asked
// to introduce us for longer; one that does not answer goes as soon as there is another.
func (e *Engine) chooseIntroducers(now time.Time, f Family) {
	b := &e.introducers[f]
	for h, t := range b.got {
		if !now.Before(t.Expires) {
			delete(b.got, h)
		}
	}
	var chosen []*gotTag
	serves := func(t *gotTag) bool {
		s, ok := e.host.Session(t.Router)
		ri := e.host.RouterInfo(t.Router)
		if !ok || FamilyOf(s.Remote.Addr()) != f || ri == nil || !e.introduces(f, ri) || b.got[t.Router] != t {
			return false
		}
		return !slices.ContainsFunc(chosen, func(c *gotTag) bool {
			o, ok := e.host.Session(c.Router)
			return ok && e.near(o.Remote.Addr(), s.Remote.Addr())
		})
	}
	b.fresh = 0
	for _, t := range b.chosen {
		if !serves(t) {
			continue
		}
		if t.Expires.Sub(now) < introducerRenew {
			e.askForTag(now, b, t.Router)
		}
		if t.lasts(now) {
			b.fresh++
		}
		chosen = append(chosen, t)
	}
	spare := make([]*gotTag, 0, len(b.got))
	for _, t := range b.got {
		if b.fresh < MaxIntroducers && t.lasts(now) && !slices.Contains(chosen, t) {
			spare = append(spare, t)
		}
	}
	for _, i := range e.shuffled(len(spare)) {
		t := spare[i]
		if b.fresh == MaxIntroducers || !serves(t) {
			continue
		}
		b.fresh++
		t.ping = now
		if last := slices.IndexFunc(chosen, func(c *gotTag) bool { return !c.lasts(now) }); last >= 0 && len(chosen) == MaxIntroducers {
			chosen[last] = t
		} else {
			chosen = append(chosen, t)
		}
		e.host.Keep(t.Router)
	}
	b.chosen = chosen
}

// askForTag sends a RelayTagRequest, unless the peer was asked a short while ago.
func (e *Engine) askForTag(now time.Time, b *introducerBook, router i2p.Hash) {
	if t, asked := b.asked[router]; !asked || now.Sub(t) >= askAgain {
		b.asked[router] = now
		e.host.SendBlocks(router, wire.AppendRelayTagRequest(nil))
	}
}

// askForTags asks a few peers in whose sessions we have no tag yet.
func (e *Engine) askForTags(now time.Time, f Family) {
	b := &e.introducers[f]
	for h, t := range b.asked {
		if now.Sub(t) >= askAgain {
			delete(b.asked, h)
		}
	}
	if len(b.got) >= maxGotTags {
		return
	}
	missing := min(maxAsked, MaxIntroducers+wantSpare-len(b.got))
	if missing <= 0 && b.fresh < MaxIntroducers {
		missing = 1 // those that we have do not serve
	}
	if missing <= 0 || len(b.asked) >= maxGotTags {
		return
	}
	var list []Session
	e.host.Sessions(func(s Session) bool {
		if _, asked := b.asked[s.Router]; !asked && b.got[s.Router] == nil && FamilyOf(s.Remote.Addr()) == f {
			list = append(list, s)
		}
		return true
	})
	for range min(len(list), maxLooks) {
		s := e.draw(&list)
		if ri := e.host.RouterInfo(s.Router); ri == nil || !e.introduces(f, ri) {
			continue
		}
		e.askForTag(now, b, s.Router)
		if missing--; missing == 0 {
			return
		}
	}
}
