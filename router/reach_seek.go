package router

import (
	"context"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport/ssu2/nat"
)

// A seek is the search for routers of one IP version that arrange peer tests, or introduce others to us. The Mux would open
// sessions with them its own way, over NTCP2 or the other IP version, which do not help: so these are opened by SSU2 itself.
type seek struct {
	next    time.Time // for introducers
	pause   time.Duration
	missing int // when they were sought last
	sought  map[i2p.Hash]time.Time
}

// due reports whether introducers are to be sought, if so many are missing: at once if that is news, and ever less often while nothing
// comes of it.
func (s *seek) due(now time.Time, missing int) bool {
	switch {
	case missing == 0:
		s.missing = 0
		return false
	case missing != s.missing:
		s.pause = reachInterval
	case now.Before(s.next):
		return false
	default:
		s.pause = min(2*s.pause, maxSeekPause)
	}
	s.missing, s.next = missing, now.Add(s.pause)
	return true
}

// room forgets who was sought long ago, and reports whether there is room for others.
func (s *seek) room(now time.Time) bool {
	for h, at := range s.sought {
		if now.Sub(at) >= seekAgain {
			delete(s.sought, h)
		}
	}
	return len(s.sought) < maxSought
}

// seekIntroducers opens sessions with routers that can introduce others to us, while those that do are too few.
func (c *reach) seekIntroducers(ctx context.Context, now time.Time) {
	if c.r.ssu2 == nil {
		return
	}
	for _, f := range families {
		missing := c.r.ssu2.MissingIntroducers(nat.Family(f))
		if c.seeks[f].due(now, missing) {
			c.open(ctx, now, f, min(missing, introducersAtOnce), c.r.ssu2.WantsIntroducer)
		}
	}
}

// seekBob opens a session with a router that can arrange a peer test. The next attempt at a test finds it.
func (c *reach) seekBob(ctx context.Context, now time.Time, f reachability.Family) {
	c.open(ctx, now, f, 1, c.r.ssu2.HelpsTests)
}

// open opens sessions over SSU2 and one IP version with up to n routers that fit, by chance. They may take as long as they do.
func (c *reach) open(ctx context.Context, now time.Time, f reachability.Family, n int, fits func(*i2p.RouterInfo, nat.Family) bool) {
	s := &c.seeks[f]
	if !s.room(now) {
		return
	}
	var fit []*i2p.RouterInfo
	c.r.db.Routers(func(ri *i2p.RouterInfo) bool {
		h := ri.Hash()
		if _, again := s.sought[h]; !again && fits(ri, nat.Family(f)) && c.r.book.Reaches(h) && !c.r.mux.Connected(h) {
			fit = append(fit, ri)
		}
		return true
	})
	rnd := newRand()
	rnd.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
	for _, ri := range fit[:min(n, len(fit))] {
		if s.sought == nil {
			s.sought = make(map[i2p.Hash]time.Time)
		}
		s.sought[ri.Hash()] = now
		c.opening.Go(func() {
			if _, err := c.r.ssu2.DialOver(ctx, ri, nat.Family(f)); err != nil {
				c.r.log.Debug("no session for reachability", "family", family(f), "peer", ri.Hash(), "err", err)
			}
		})
	}
}
