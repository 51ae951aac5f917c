package main

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"clove.i2p/plugins/visitors"
)

// pool chooses among exits: a site keeps its exit while that works, so that its sessions hold; who failed is left alone for a while,
// and who failed last is avoided. When all have failed, they are tried all the same: the one whose rest ends first.
type pool struct {
	mu     sync.Mutex
	exits  []*peerExit
	sticky *visitors.Table[*peerExit] // by a hash of isolation and site: nothing here knows sites
	last   *peerExit                  // that failed
	choose *rand.Rand
}

// peerExit is an exit of somebody else's.
type peerExit struct {
	address  string
	auth     string // of Proxy-Authorization, or empty
	failures int
	rest     time.Time // not before this
	seen     time.Time // last answer
}

func newPool(addresses []string, auth map[string]string, choose *rand.Rand) *pool {
	p := &pool{choose: choose, sticky: visitors.NewTable[*peerExit](maxSticky, nil)}
	for _, a := range addresses {
		if !slices.ContainsFunc(p.exits, func(e *peerExit) bool { return e.address == a }) {
			p.exits = append(p.exits, &peerExit{address: a, auth: auth[a]})
		}
	}
	return p
}

// siteKey is what stickiness goes by.
func siteKey(isolation, site string) visitors.Peer {
	return sha256.Sum256([]byte(isolation + "\x00" + site))
}

// pick returns an exit that is not among tried; nil if there is none.
func (p *pool) pick(now time.Time, site visitors.Peer, tried []*peerExit) *peerExit {
	p.mu.Lock()
	defer p.mu.Unlock()
	var good, rested []*peerExit
	var next *peerExit
	kept := *p.sticky.Get(site)
	for _, e := range p.exits {
		switch {
		case slices.Contains(tried, e):
			continue
		case e.failures > 0 && now.Before(e.rest):
			if next == nil || e.rest.Before(next.rest) {
				next = e
			}
			continue
		case e == kept:
			return e
		case e != p.last:
			good = append(good, e)
		}
		rested = append(rested, e)
	}
	switch {
	case len(good) > 0:
		return good[p.choose.IntN(len(good))]
	case len(rested) > 0:
		return rested[p.choose.IntN(len(rested))]
	}
	return next
}

// worked: e has answered for a site. Without one (a probe) nothing is kept.
func (p *pool) worked(now time.Time, e *peerExit, site *visitors.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.failures, e.rest, e.seen = 0, time.Time{}, now
	if p.last == e {
		p.last = nil
	}
	if site != nil {
		*p.sticky.Get(*site) = e
	}
}

// failed: e has not. The site may go elsewhere.
func (p *pool) failed(now time.Time, e *peerExit, site *visitors.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.failures++
	e.rest = now.Add(min(backoffMin<<min(e.failures-1, 10), backoffMax))
	p.last = e
	if site == nil {
		return
	}
	if kept := p.sticky.Get(*site); *kept == e {
		*kept = nil
	}
}

// due are the exits that a probe should try: those whose rest is over, and those that were idle for too long.
func (p *pool) due(now time.Time, idle time.Duration) []*peerExit {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []*peerExit
	for _, e := range p.exits {
		if !now.Before(e.rest) && (e.failures > 0 || now.Sub(e.seen) >= idle) {
			due = append(due, e)
		}
	}
	return due
}

// state is how many exits there are, and how many of them have not failed.
func (p *pool) state() (all, good int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.exits {
		if e.failures == 0 {
			good++
		}
	}
	return len(p.exits), good
}
