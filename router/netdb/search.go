package netdb

import (
	"slices"
	"time"

	"clove.i2p/router/i2p"
)

// A search is the state of one iterative lookup: which floodfills to ask for a key, in which order, and when to give
// up. It is a pure state machine: next tells what to send, and the answers are fed to referral, resolved and failed.
// Any call may follow any other.
//
//	fresh -> asked -(soft)-> late -(hard)-> failed
//	            \______________\-> answered
//	fresh without RouterInfo -> resolving -> fresh, or failed
type search struct {
	cfg    searchConfig
	target i2p.Hash
	key    i2p.Hash // routing key of target
	nodes  []*node  // by distance
	byHash map[i2p.Hash]*node

	sent     int // queries for the target
	learned  int // of them, to floodfills that we were referred to
	resolves int
	depth    int // the longest chain of referrals that was asked
}

type searchConfig struct {
	parallel   int
	maxQueries int
	soft, hard time.Duration
}

type nodeState uint8

const (
	fresh nodeState = iota
	resolving
	asked
	late
	answered
	failed
)

type node struct {
	hash  i2p.Hash
	info  *i2p.RouterInfo // nil: not known yet
	via   *node           // who referred to it; nil: known before
	depth int
	state nodeState
	since time.Time
	// missing counts the routers that it referred to and then could not show.
	missing int
}

// A query is a DatabaseLookup to send: for the target, or for the RouterInfo of a floodfill that is not known.
type query struct {
	to      *i2p.RouterInfo
	key     i2p.Hash
	resolve bool
}

// newSearch begins with floodfills that are known. Those in never are not asked, whoever refers to them.
func newSearch(cfg searchConfig, target, key i2p.Hash, never []i2p.Hash, known []*i2p.RouterInfo) *search {
	s := &search{cfg: cfg, target: target, key: key, byHash: make(map[i2p.Hash]*node)}
	for _, h := range never {
		s.byHash[h] = &node{hash: h, state: failed}
	}
	for _, ri := range known {
		s.add(&node{hash: ri.Hash(), info: ri})
	}
	return s
}

func (s *search) add(n *node) {
	if s.byHash[n.hash] != nil {
		return
	}
	i, _ := slices.BinarySearchFunc(s.nodes, n, func(a, b *node) int { return compareDistance(s.key, a.hash, b.hash) })
	s.nodes = slices.Insert(s.nodes, i, n)
	s.byHash[n.hash] = n
}

// next returns the queries to send now, whether the search has ended without an answer, and when to call again if
// nothing happens before.
func (s *search) next(now time.Time) (queries []query, done bool, wake time.Time) {
	s.expire(now)
	settled := s.settled()
	if !settled {
		for s.inFlight() < s.cfg.parallel {
			n := s.choose()
			if n == nil {
				break
			}
			queries = append(queries, s.ask(n, now))
		}
	}
	wake, waiting := s.deadline(!settled)
	return queries, len(queries) == 0 && !waiting, wake
}

func (s *search) expire(now time.Time) {
	for _, n := range s.nodes {
		age := now.Sub(n.since)
		switch {
		case n.state == resolving && age >= s.cfg.soft:
			s.missing(n)
		case n.state == asked && age >= s.cfg.soft:
			n.state = late
		}
		if n.state == late && age >= s.cfg.hard {
			n.state = failed
		}
	}
}

// settled reports whether the closest floodfills that answer do not know the key.
func (s *search) settled() bool {
	count := 0
	for _, n := range s.nodes {
		switch n.state {
		case failed, late:
			continue
		case answered:
			if count++; count >= stopAfter {
				return true
			}
		case fresh:
			if n.info != nil || s.resolvable(n) {
				return false
			}
		default:
			return false
		}
	}
	return false
}

func (s *search) resolvable(n *node) bool {
	return s.resolves < maxResolves && n.via.missing < maxMissing
}

func (s *search) inFlight() int {
	count := 0
	for _, n := range s.nodes {
		if n.state == asked || n.state == resolving {
			count++
		}
	}
	return count
}

// choose returns the closest node that may be asked or resolved next. When enough that are closer may still answer, it
// is none.
func (s *search) choose() *node {
	closer := 0
	for _, n := range s.nodes {
		if n.state == asked || n.state == answered {
			closer++
		}
		if closer >= stopAfter {
			return nil
		}
		if n.state != fresh {
			continue
		}
		if n.info == nil {
			if s.resolvable(n) {
				return n
			}
			continue
		}
		if s.sent >= s.cfg.maxQueries {
			continue
		}
		if n.via != nil && s.learned >= max(1, s.cfg.maxQueries-ownQueries) && s.knowsOthers() {
			continue
		}
		return n
	}
	return nil
}

// knowsOthers reports whether a floodfill that was known before is left to ask.
func (s *search) knowsOthers() bool {
	return slices.ContainsFunc(s.nodes, func(n *node) bool { return n.state == fresh && n.via == nil })
}

func (s *search) ask(n *node, now time.Time) query {
	n.since = now
	if n.info == nil {
		n.state = resolving
		s.resolves++
		return query{to: n.via.info, key: n.hash, resolve: true}
	}
	n.state = asked
	s.sent++
	s.depth = max(s.depth, n.depth)
	if n.via != nil {
		s.learned++
	}
	return query{to: n.info, key: s.target}
}

// deadline is when the state changes next if no answer comes; late answers are waited for only if they could matter.
func (s *search) deadline(lateOnes bool) (at time.Time, waiting bool) {
	for _, n := range s.nodes {
		var d time.Time
		switch n.state {
		case asked, resolving:
			d = n.since.Add(s.cfg.soft)
		case late:
			d = n.since.Add(s.cfg.hard)
		default:
			continue
		}
		if n.state == late && !lateOnes {
			continue
		}
		if !waiting || d.Before(at) {
			at, waiting = d, true
		}
	}
	return at, waiting
}

// referral takes a negative answer for the target. The sender is not authenticated: an answer counts only for a node
// that was asked, once. info returns what is known of a router, or nil.
func (s *search) referral(from i2p.Hash, peers []i2p.Hash, info func(i2p.Hash) *i2p.RouterInfo) {
	n := s.byHash[from]
	if n == nil || (n.state != asked && n.state != late) {
		return
	}
	n.state = answered
	peers = slices.Clone(peers[:min(len(peers), maxSearchReply)])
	slices.SortFunc(peers, func(a, b i2p.Hash) int { return compareDistance(s.key, a, b) })
	taken := 0
	for _, p := range peers {
		if taken >= maxReferrals {
			return
		}
		if s.byHash[p] != nil {
			continue
		}
		s.add(&node{hash: p, info: info(p), via: n, depth: n.depth + 1})
		taken++
	}
}

// resolved takes the RouterInfo of a floodfill that was asked for; nil: it is none that can be asked.
func (s *search) resolved(router i2p.Hash, ri *i2p.RouterInfo) {
	n := s.byHash[router]
	if n == nil || n.via == nil || n.info != nil || (n.state != resolving && n.state != failed) {
		return
	}
	if ri == nil {
		n.state = failed
		return
	}
	n.info, n.state = ri, fresh
}

// unresolved takes a negative answer for a floodfill that was asked for.
func (s *search) unresolved(from, router i2p.Hash) {
	if n := s.byHash[router]; n != nil && n.state == resolving && n.via.hash == from {
		s.missing(n)
	}
}

func (s *search) missing(n *node) {
	n.state = failed
	n.via.missing++
}

// failed takes that a query could not be sent.
func (s *search) failed(q query) {
	if q.resolve {
		s.resolved(q.key, nil)
	} else if n := s.byHash[q.to.Hash()]; n != nil {
		n.state = failed
		n.since = time.Time{} // not its fault
	}
}

// silent returns the floodfills that let the soft timeout pass.
func (s *search) silent() []i2p.Hash {
	var list []i2p.Hash
	for _, n := range s.nodes {
		if n.info != nil && (n.state == late || n.state == failed) && !n.since.IsZero() {
			list = append(list, n.hash)
		}
	}
	return list
}

// open is the number of floodfills that may still answer, those that have what was looked for included.
func (s *search) open() int {
	count := 0
	for _, n := range s.nodes {
		if n.state == asked || n.state == late || n.state == resolving {
			count++
		}
	}
	return count
}

// excluded are the floodfills that were asked, which an answer need not name again.
func (s *search) excluded() []i2p.Hash {
	var list []i2p.Hash
	for _, n := range s.nodes {
		if n.state == asked || n.state == late || n.state == answered {
			list = append(list, n.hash)
		}
	}
	return list
}
