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
		db.Explore(ctx, db.explorationKind(round))
		after, _ := db.store.counts()
		switch {
		case after > before:
			pause = least
		case after >= largeNetwork:
			pause = exploreLarge
		default:
			pause = min(exploreMax, max(least, pause*privateExploreStep))
		}
		timer.Reset(db.between(pause, pause+pause/2))
	}
}

// explorationKind: an exploratory lookup brings routers that are no floodfills. As long as those are few, every other
// round looks for a random RouterInfo instead, whose negative answer names floodfills.
func (db *DB) explorationKind(round int) i2np.LookupType {
	if _, floodfills := db.store.counts(); round%2 == 0 && floodfills < fewFloodfills {
		return i2np.LookupRouterInfo
	}
	return i2np.LookupExploratory
}

// Explore asks the floodfill closest to a random key for routers there, and then for the RouterInfos of those that are
// not known. It goes through exploratory tunnels if there are any. It returns how many it learned of.
func (db *DB) Explore(ctx context.Context, kind i2np.LookupType) int {
	var key i2p.Hash
	rand.Read(key[:])
	ctx, cancel := context.WithTimeout(ctx, 2*exploreAnswer)
	defer cancel()
	r := db.requester
	now := time.Now()
	targets := db.closest(routingKey(key, db.deps.Clock.Now()), 1, func(h i2p.Hash) bool { return r.suspected(h, now) })
	if len(targets) == 0 {
		return 0
	}
	to := targets[0]
	f := &flight{events: make(chan event, flightEvents)}
	r.await(f, key)
	defer r.land(f)
	send := func(m i2np.DatabaseLookup) {
		if r.send(m, to, true) != nil {
			r.send(m, to, false)
		}
	}
	db.counters.explorations.Add(1)
	send(i2np.DatabaseLookup{Key: key, LookupType: kind})
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
		send(i2np.DatabaseLookup{Key: h, LookupType: i2np.LookupRouterInfo})
		asked++
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
