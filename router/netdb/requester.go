package netdb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A requester asks and publishes for one view, and gives the answers to who waits for them. Each view has its own: what
// one waits for must not show in how another treats a message.
type requester struct {
	db        *DB
	messenger Messenger
	path      ReplyPath
	counters  lookupCounters

	mu       sync.Mutex
	flights  map[i2p.Hash][]*flight // by each key that is asked for
	tokens   map[i2np.MessageID]chan<- i2np.MessageID
	suspects map[i2p.Hash]time.Time // floodfills that did not answer, and when
	overdue  map[i2p.Hash]time.Time // keys that were found, but not by all who were asked; until when they may answer
}

// A flight is one lookup under way.
type flight struct {
	events chan event
	keys   []i2p.Hash
	// tunnel: it asks through tunnels, so that only what comes down one is an answer. Whoever saw the question would
	// else try its answer on routers, and know by what follows which of them asked.
	tunnel bool
}

// An event is an answer: an entry that is verified, or a referral.
type event struct {
	key      i2p.Hash
	tunnel   bool // it came down a tunnel
	router   *i2p.RouterInfo
	leaseSet i2p.LeaseSet
	from     i2p.Hash // of a referral
	peers    []i2p.Hash
	shared   bool // several lookups wait for it, any of which it may be the answer to
}

func newRequester(db *DB, m Messenger, path ReplyPath) *requester {
	return &requester{
		db: db, messenger: m, path: path, flights: make(map[i2p.Hash][]*flight),
		tokens: make(map[i2np.MessageID]chan<- i2np.MessageID), suspects: make(map[i2p.Hash]time.Time),
		overdue: make(map[i2p.Hash]time.Time),
	}
}

func (r *requester) await(f *flight, key i2p.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(f.keys, key) {
		f.keys = append(f.keys, key)
		r.flights[key] = append(r.flights[key], f)
	}
}

func (r *requester) land(f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range f.keys {
		rest := slices.DeleteFunc(r.flights[key], func(o *flight) bool { return o == f })
		if len(rest) == 0 {
			delete(r.flights, key)
		} else {
			r.flights[key] = rest
		}
	}
	f.keys = nil
}

// awaits reports whether an entry with this key, down a tunnel or not, is an answer.
func (r *requester) awaits(key i2p.Hash, tunnel bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.flights[key], func(f *flight) bool { return f.tunnel == tunnel }) ||
		tunnel && time.Now().Before(r.overdue[key])
}

// expectMore lets answers for a key that come down a tunnel count for a while after the lookup: they may be newer.
func (r *requester) expectMore(key i2p.Hash, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.overdue) >= maxOverdue {
		maps.DeleteFunc(r.overdue, func(_ i2p.Hash, until time.Time) bool { return !now.Before(until) })
	}
	if len(r.overdue) < maxOverdue {
		r.overdue[key] = now.Add(tunnelHard)
	}
}

// deliver hands an event to every flight for its key. A flight that does not keep up loses the newest.
func (r *requester) deliver(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.shared = len(r.flights[e.key]) > 1
	for _, f := range r.flights[e.key] {
		if f.tunnel != e.tunnel {
			continue
		}
		select {
		case f.events <- e:
		default:
			r.counters.dropped.Add(1)
		}
	}
}

func (r *requester) found(key i2p.Hash, tunnel bool, ri *i2p.RouterInfo, ls i2p.LeaseSet) {
	r.deliver(event{key: key, tunnel: tunnel, router: ri, leaseSet: ls})
}

func (r *requester) referred(m i2np.DatabaseSearchReply, tunnel bool) {
	r.mu.Lock()
	delete(r.suspects, m.From)
	r.mu.Unlock()
	r.deliver(event{key: m.Key, tunnel: tunnel, from: m.From, peers: m.Peers})
}

// suspect remembers floodfills that did not answer.
func (r *requester) suspect(list []i2p.Hash, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range list {
		if len(r.suspects) >= maxSuspects {
			clear(r.suspects)
		}
		r.suspects[h] = now
	}
}

func (r *requester) suspected(h i2p.Hash, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.suspects[h]
	return ok && now.Sub(at) < suspectFor
}

// A lookup is what a requester is to find.
type lookup struct {
	key      i2p.Hash
	kind     i2np.LookupType
	tunnel   bool              // through tunnels, else directly
	exclude  i2p.Hash          // a floodfill that is not to be asked
	extra    []*i2p.RouterInfo // floodfills that only this view knows
	resolver func(i2p.Hash) *i2p.RouterInfo
	accept   func(event) bool
	// answers of so many floodfills are wanted, for a grace after the first; 0 is 1. overdue ones count as well, through a
	// tunnel only: see expectMore.
	answers int
	grace   time.Duration
	overdue bool
}

// run asks floodfill after floodfill until one has the entry, or as many as are wanted. It runs on the goroutine of who wants to know.
func (r *requester) run(ctx context.Context, l lookup) (event, error) {
	r.counters.started.Add(1)
	ctx, cancel := context.WithTimeoutCause(ctx, lookupTimeout, ErrNotFound)
	defer cancel()
	s, err := r.newSearch(l)
	if err != nil {
		return event{}, err
	}
	f := &flight{events: make(chan event, flightEvents), tunnel: l.tunnel}
	r.await(f, l.key)
	defer r.land(f)
	a := &answers{wanted: l.answers, grace: l.grace}
	defer func() { r.end(l, s, a) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent := 0
	var unsent error
	for {
		if a.complete(time.Now()) {
			break
		}
		queries, done, wake := s.next(time.Now())
		if len(queries) == 0 && a.last(s) {
			break
		}
		if done {
			if a.count > 0 {
				break
			}
			if sent == 0 && unsent != nil {
				return event{}, unsent
			}
			r.counters.notFound.Add(1)
			return event{}, ErrNotFound
		}
		failures := 0
		for _, q := range queries {
			if q.resolve {
				r.await(f, q.key)
			}
			if unsent = r.ask(l, q, s.excluded()); unsent != nil {
				s.failed(q)
				failures++
			} else {
				sent++
			}
		}
		switch {
		case sent == 0 && errors.Is(unsent, ErrNotReady):
			return event{}, unsent
		case failures > 0:
			continue
		}
		timer.Reset(time.Until(a.wake(wake)))
		select {
		case <-ctx.Done():
			if a.count > 0 {
				return a.newest, nil
			}
			r.counters.notFound.Add(1)
			return event{}, context.Cause(ctx)
		case <-timer.C:
		case e := <-f.events:
			if r.feed(s, l, e) {
				a.add(e, s, time.Now())
			}
		}
	}
	return a.newest, nil
}

// end counts a lookup that found, and remembers who was silent and who may still answer.
func (r *requester) end(l lookup, s *search, a *answers) {
	now := time.Now()
	if a.count == 0 {
		r.suspect(s.silent(), now)
		return
	}
	r.suspect(a.silent, now)
	r.counters.found.Add(1)
	r.counters.hops.Add(uint64(s.depth))
	if l.tunnel && l.overdue && s.open() > a.count {
		r.expectMore(l.key, now)
	}
}

// newSearch starts at the closest floodfills, those that did not answer lately last.
func (r *requester) newSearch(l lookup) (*search, error) {
	now := time.Now()
	key := routingKey(l.key, r.db.deps.Clock.Now())
	skip := func(h i2p.Hash) bool { return h == l.key || h == l.exclude }
	known := r.closest(l.tunnel, key, startFloodfills, func(h i2p.Hash) bool { return skip(h) || r.suspected(h, now) })
	for _, ri := range l.extra {
		if !skip(ri.Hash()) && !r.suspected(ri.Hash(), now) {
			known = append(known, ri)
		}
	}
	if len(known) < stopAfter {
		known = append(known, r.closest(l.tunnel, key, stopAfter, skip)...)
	}
	if len(known) == 0 {
		return nil, ErrNoFloodfill
	}
	cfg := searchConfig{parallel: routerParallel, maxQueries: maxQueries, soft: directSoft, hard: directHard}
	if l.tunnel {
		cfg.soft, cfg.hard = tunnelSoft, tunnelHard
	}
	if l.kind == i2np.LookupLeaseSet {
		cfg.parallel = leaseSetParallel
	}
	never := []i2p.Hash{l.key, l.exclude}
	if !l.tunnel {
		never = append(never, r.db.selfHash())
	}
	return newSearch(cfg, l.key, key, never, known), nil
}

// closest is db.closest; through tunnels this router is a floodfill like any other. A client that passed it over would
// show by and by where it is.
func (r *requester) closest(tunnel bool, key i2p.Hash, n int, skip func(i2p.Hash) bool) []*i2p.RouterInfo {
	list := r.db.closest(key, n, skip)
	self := eligible(r.db.deps.Self())
	if !tunnel || self == nil || skip(self.Hash()) {
		return list
	}
	i := slices.IndexFunc(list, func(ri *i2p.RouterInfo) bool { return compareDistance(key, self.Hash(), ri.Hash()) < 0 })
	if i < 0 {
		i = len(list)
	}
	list = slices.Insert(list, i, self)
	return list[:min(n, len(list))]
}

// feed gives an answer to the search and reports whether it is what was looked for.
func (r *requester) feed(s *search, l lookup, e event) bool {
	switch {
	case e.key == l.key && (e.router != nil || e.leaseSet != nil):
		return l.accept(e)
	case e.key == l.key:
		s.referral(e.from, e.peers, func(h i2p.Hash) *i2p.RouterInfo { return eligible(l.resolver(h)) })
	case e.router != nil:
		s.resolved(e.key, eligible(e.router))
	default:
		s.unresolved(e.from, e.key)
	}
	return false
}

// ask sends one query.
func (r *requester) ask(l lookup, q query, excluded []i2p.Hash) error {
	m := i2np.DatabaseLookup{Key: q.key, LookupType: l.kind, Excluded: excluded}
	if q.resolve {
		m.LookupType, m.Excluded = i2np.LookupRouterInfo, nil
	}
	return r.send(m, q.to, l.tunnel)
}

// send sends a DatabaseLookup and lets the answer come back the way that it goes.
func (r *requester) send(m i2np.DatabaseLookup, to *i2p.RouterInfo, tunnel bool) error {
	now := r.db.deps.Clock.Now()
	if !tunnel {
		m.From = r.db.selfHash()
		r.counters.queries.Add(1)
		r.messenger.Direct(to.Hash(), i2np.Encode(i2np.NewHeader(m.Type(), now), m))
		return nil
	}
	gateway, id, key, tag, ok := r.replyPath()
	if !ok {
		return ErrNotReady
	}
	m.From, m.ReplyTunnel = gateway, id
	m.ReplyKey, m.ReplyTags = key, []i2np.ReplyTag{tag}
	if err := r.messenger.ThroughTunnel(to, i2np.Encode(i2np.NewHeader(m.Type(), now), m)); err != nil {
		return errors.Join(ErrNotReady, err)
	}
	r.counters.queries.Add(1)
	return nil
}

func (r *requester) replyPath() (gateway i2p.Hash, id i2p.TunnelID, key [32]byte, tag [8]byte, ok bool) {
	if r.path == nil {
		return
	}
	return r.path.ReplyPath()
}

// eligible returns ri if it may be asked, or nil.
func eligible(ri *i2p.RouterInfo) *i2p.RouterInfo {
	if ri == nil || !eligibleFloodfill(ri) {
		return nil
	}
	return ri
}
