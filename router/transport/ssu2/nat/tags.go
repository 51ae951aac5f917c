package nat

import (
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
	"clove.i2p/router/transport/ssu2/wire"
)

// givenTags are the relay tags that we gave as Bob: one for a router, for as long as its session lasts and at most tagTime since it was last asked for or
// used. When MaxTags are given, newcomers get none, and when maxGroupTags are given in one network, newcomers from there.
type givenTags struct {
	byTag    map[uint32]*givenTag
	byRouter map[i2p.Hash]uint32
	groups   map[netip.Prefix]int
}

type givenTag struct {
	router  i2p.Hash
	group   netip.Prefix // of its address when it got the tag
	expires time.Time
}

func newGivenTags() givenTags {
	return givenTags{byTag: map[uint32]*givenTag{}, byRouter: map[i2p.Hash]uint32{}, groups: map[netip.Prefix]int{}}
}

func (g *givenTags) router(tag uint32) (i2p.Hash, bool) {
	t := g.byTag[tag]
	if t == nil {
		return i2p.Hash{}, false
	}
	return t.router, true
}

func (g *givenTags) extend(now time.Time, tag uint32) {
	if t := g.byTag[tag]; t != nil {
		t.expires = now.Add(tagTime)
	}
}

func (g *givenTags) forget(router i2p.Hash) {
	if tag, ok := g.byRouter[router]; ok {
		group := g.byTag[tag].group
		if g.groups[group]--; g.groups[group] == 0 {
			delete(g.groups, group)
		}
		delete(g.byRouter, router)
		delete(g.byTag, tag)
	}
}

// tagAsked takes a RelayTagRequest. Who gets no tag gets no answer.
func (e *Engine) tagAsked(now time.Time, s Session) {
	if !e.host.Introduces(FamilyOf(s.Remote.Addr())) || e.host.Banned(s.Router) {
		return
	}
	if !e.rates.tags.take(now, s.Router) {
		e.drop(DropFlood)
		return
	}
	tag, ok := e.given.byRouter[s.Router]
	if !ok {
		group := netaddr.Group(s.Remote.Addr(), 24, 48)
		if len(e.given.byTag) >= MaxTags || e.given.groups[group] >= maxGroupTags && !e.cfg.AllowPrivate {
			return
		}
		for tag = e.random(); e.given.byTag[tag] != nil; {
			tag = e.random()
		}
		e.given.byTag[tag] = &givenTag{router: s.Router, group: group}
		e.given.groups[group]++
		e.given.byRouter[s.Router] = tag
	}
	e.given.extend(now, tag)
	e.wake(now.Add(tagTime))
	e.host.SendBlocks(s.Router, wire.AppendRelayTag(nil, tag))
}

func (e *Engine) tickGivenTags(now time.Time) {
	for _, t := range e.given.byTag {
		if now.Before(t.expires) {
			e.wake(t.expires)
		} else {
			e.given.forget(t.router)
		}
	}
}
