package netdb

import (
	"context"
	"crypto/rand"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// runExploration learns of routers that nothing else would bring. It starts fast while there is little to lose and
// slows down as rounds bring nothing new.
func (db *DB) runExploration(ctx context.Context) {
	pause := exploreFirst
	least := exploreMin
	if db.cfg.Private {
		pause, least = privateExploreMin, privateExploreMin
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for round := 0; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		before, _ := db.store.counts()
		for i := range explorations(before) {
			db.Explore(ctx, db.explorationKind(round+i))
		}
		after, _ := db.store.counts()
		switch {
		case after > before:
			pause = least
		case after >= largeNetwork:
			pause = exploreLarge
		default:
			pause = min(exploreMax, max(least, pause*exploreStep))
		}
		timer.Reset(db.between(pause, pause+pause/2))
	}
}

// explorations is how many regions a round looks at: the fewer routers we know, the more; the figures are i2pd's.
func explorations(routers int) int { return min(max(1, 800/max(routers, 1)), exploreMost) }

// explorationKey is random. A floodfill looks near itself in some of the rounds: what it does not know there, it cannot
// refer to.
func (db *DB) explorationKey(kind i2np.LookupType) i2p.Hash {
	now := db.deps.Clock.Now()
	draws := 1
	if kind == i2np.LookupRouterInfo && db.floodfill() && db.between(0, 1) == 0 {
		draws = exploreDraws
	}
	var best i2p.Hash
	for i := range draws {
		var key i2p.Hash
		rand.Read(key[:])
		if i == 0 || compareDistance(db.selfHash(), routingKey(key, now), routingKey(best, now)) < 0 {
			best = key
		}
	}
	return best
}

// explorationKind: an exploratory lookup brings routers that are no floodfills. As long as those are few, every other
// round looks for a random RouterInfo instead, whose negative answer names floodfills.
func (db *DB) explorationKind(round int) i2np.LookupType {
	if _, floodfills := db.store.counts(); round%2 == 0 && floodfills < fewFloodfills {
		return i2np.LookupRouterInfo
	}
	return i2np.LookupExploratory
}

// Explore asks a floodfill for routers near a random key, and then for the RouterInfos of those that are not known. It
// goes through exploratory tunnels if there are any. It returns how many it learned of.
//
// Those that we know there are excluded, so that the answer is news. To find floodfills, any floodfill is asked, not
// the closest: neighbours who know only each other would refer to each other for ever.
func (db *DB) Explore(ctx context.Context, kind i2np.LookupType) int {
	key := db.explorationKey(kind)
	ctx, cancel := context.WithTimeout(ctx, 2*exploreAnswer)
	defer cancel()
	r := db.requester
	now := time.Now()
	skip := func(h i2p.Hash) bool { return r.suspected(h, now) }
	routing := routingKey(key, db.deps.Clock.Now())
	near := routing
	if kind == i2np.LookupRouterInfo {
		rand.Read(near[:])
	}
	targets := db.closest(near, 1, skip)
	if len(targets) == 0 {
		// A router that is no floodfill refers to floodfills as well.
		targets, kind = db.store.closestOthers(routing, 1, skip), i2np.LookupRouterInfo
	}
	if len(targets) == 0 {
		return 0
	}
	to := targets[0]
	f := &flight{events: make(chan event, flightEvents), tunnel: true}
	r.await(f, key)
	defer r.land(f)
	db.counters.explorations.Add(1)
	if m := (i2np.DatabaseLookup{Key: key, LookupType: kind, Excluded: db.knownNear(routing, kind)}); r.send(m, to, true) != nil {
		r.land(f)
		f.tunnel = false
		r.await(f, key)
		r.send(m, to, false)
	}
	answer, ok := db.wait(ctx, f, exploreAnswer)
	if !ok {
		r.suspect([]i2p.Hash{to.Hash()}, now)
		return 0
	}
	asked := 0
	for _, h := range answer.peers[:min(len(answer.peers), maxSearchReply)] {
		if db.RouterInfo(h) != nil {
			continue
		}
		r.await(f, h)
		if r.send(i2np.DatabaseLookup{Key: h, LookupType: i2np.LookupRouterInfo}, to, f.tunnel) == nil {
			asked++
		}
	}
	learned := 0
	for range asked {
		e, ok := db.wait(ctx, f, exploreAnswer)
		if !ok {
			break
		}
		if e.router != nil {
			learned++
		}
	}
	return learned
}

// knownNear returns what an exploration of a region need not name. Not ourselves: the floodfill would know whose tunnels it
// is asked and answers through.
func (db *DB) knownNear(routing i2p.Hash, kind i2np.LookupType) []i2p.Hash {
	all := func(i2p.Hash) bool { return false }
	var list []*i2p.RouterInfo
	if kind == i2np.LookupExploratory {
		list = db.store.closestOthers(routing, exploreExcluded, all)
	} else {
		list = db.store.closest(routing, exploreExcluded, all)
	}
	hashes := make([]i2p.Hash, 0, len(list))
	for _, ri := range list {
		hashes = append(hashes, ri.Hash())
	}
	return hashes
}

func (db *DB) wait(ctx context.Context, f *flight, d time.Duration) (event, bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case e := <-f.events:
		return e, true
	}
	return event{}, false
}
