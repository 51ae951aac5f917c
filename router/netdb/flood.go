package netdb

import (
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// floodRouterInfo floods what is stored of a router, once, if we are a floodfill.
func (db *DB) floodRouterInfo(router i2p.Hash) {
	if !db.floodfill() {
		return
	}
	ri := db.store.toFlood(router)
	if ri == nil || db.deps.Clock.Now().Sub(ri.Published()) > maxFloodAge {
		return
	}
	db.flood(i2np.DatabaseStore{Key: router, StoreType: i2np.StoreRouterInfo, Data: ri.Bytes()}, nextDayRouter)
}

// flood passes news on to the floodfills closest to its key, directly and without a token, so that they neither answer
// nor flood again (network-database.md, Flooding). Within nextDay of midnight UTC those of tomorrow get it, too. The router
// that brought it gets it as well if it is one of them: as a rule it is the endpoint of a tunnel, and could not read it.
func (db *DB) flood(m i2np.DatabaseStore, nextDay time.Duration) {
	if !db.budgets.floods.allow(m.Key, time.Now()) {
		return
	}
	now := db.deps.Clock.Now()
	sent := map[i2p.Hash]struct{}{m.Key: {}, db.selfHash(): {}}
	m.ReplyToken, m.ReplyTunnel, m.ReplyGateway = 0, 0, i2p.Hash{}
	send := func(key i2p.Hash, n int) {
		for _, ri := range db.closest(key, n, func(h i2p.Hash) bool { _, ok := sent[h]; return ok }) {
			sent[ri.Hash()] = struct{}{}
			db.counters.flooded.Add(1)
			db.deps.Messenger.Direct(ri.Hash(), i2np.Encode(i2np.NewHeader(m.Type(), now), m))
		}
	}
	send(routingKey(m.Key, now), floodTo)
	if left := untilMidnight(now); left < nextDay {
		send(routingKey(m.Key, now.Add(left)), floodToNextDay)
	}
}
