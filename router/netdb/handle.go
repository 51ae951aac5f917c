package netdb

import (
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// Handle takes a DatabaseStore, DatabaseLookup, DatabaseSearchReply or DeliveryStatus. from is the peer whose session
// brought it, in the clear or in garlic for our router, or zero if it came down an exploratory tunnel of ours. It
// does not keep payload and does not block.
//
// What came down our own tunnel counts only as an answer: whoever knows the tunnel and not its owner must not learn
// from our behaviour who that is.
func (db *DB) Handle(from i2p.Hash, h i2np.Header, payload []byte) {
	switch h.Type {
	case i2np.TypeDatabaseStore:
		m, err := i2np.ParseDatabaseStore(payload)
		if err != nil {
			db.refuse(reasonMalformed)
			return
		}
		if m.StoreType == i2np.StoreRouterInfo {
			db.handleRouterInfo(from, m)
		} else {
			db.handleLeaseSet(from, m)
		}
	case i2np.TypeDatabaseLookup:
		db.counters.lookupsReceived.Add(1)
		m, err := i2np.ParseDatabaseLookup(payload)
		if err != nil {
			db.refuse(reasonMalformed)
			return
		}
		db.handleLookup(from, m)
	case i2np.TypeDatabaseSearchReply:
		if m, err := i2np.ParseDatabaseSearchReply(payload); err == nil {
			db.requester.referred(m, from.IsZero())
		}
	case i2np.TypeDeliveryStatus:
		if m, err := i2np.ParseDeliveryStatus(payload); err == nil {
			db.Delivered(m.MessageID)
		}
	}
}

// handleRouterInfo stores a RouterInfo that was asked for, that is the sender's own, or, at a floodfill and in a
// network that we hardly know, any; acknowledges it, and floods it if it is news.
func (db *DB) handleRouterInfo(from i2p.Hash, m i2np.DatabaseStore) {
	asked := db.requester.awaits(m.Key, from.IsZero())
	if !asked {
		switch routers, _ := db.store.counts(); {
		case from.IsZero():
			db.refuse(reasonTunnel)
			return
		case from != m.Key && !db.floodfill() && routers >= minRouters:
			db.refuse(reasonUnsolicited)
			return
		case !db.budgets.stores.allow(from, time.Now()):
			db.refuse(reasonBudget)
			return
		}
	}
	ri, why, ok := parseRouterInfo(m)
	if !ok {
		db.refuse(why)
		return
	}
	if _, err := db.Add(ri); err != nil {
		return
	}
	if asked {
		db.requester.found(m.Key, from.IsZero(), db.store.get(m.Key), nil)
	}
	if m.ReplyToken == 0 || from.IsZero() {
		return
	}
	db.acknowledge(m)
	db.floodRouterInfo(m.Key)
}

// handleLeaseSet stores a LeaseSet that is published to us as a floodfill.
func (db *DB) handleLeaseSet(from i2p.Hash, m i2np.DatabaseStore) {
	switch {
	case !db.floodfill():
		db.refuse(reasonNotFloodfill)
		return
	case from.IsZero(): // a client's tunnel would not lead here, an exploratory one has no business with it
		db.refuse(reasonTunnel)
		return
	case !db.budgets.stores.allow(from, time.Now()):
		db.refuse(reasonBudget)
		return
	}
	now := db.deps.Clock.Now()
	ls, why, ok := parseLeaseSet(m, now)
	if !ok {
		db.refuse(why)
		return
	}
	if u, ok := ls.(interface{ Unpublished() bool }); ok && u.Unpublished() {
		db.refuse(reasonUnpublished)
		return
	}
	news := db.leaseSets.put(ls, now, db.further(now))
	if news {
		db.counters.leaseSetsStored.Add(1)
	}
	if m.ReplyToken == 0 {
		return
	}
	db.acknowledge(m)
	if news {
		m.Data = ls.Bytes()
		db.flood(m, nextDayLease)
	}
}

// further orders LeaseSets by how little they concern us: those that are further from our hash go first.
func (db *DB) further(now time.Time) func(a, b i2p.LeaseSet) bool {
	self := db.selfHash()
	return func(a, b i2p.LeaseSet) bool {
		return compareDistance(self, routingKey(a.Hash(), now), routingKey(b.Hash(), now)) > 0
	}
}

// acknowledge confirms a DatabaseStore.
func (db *DB) acknowledge(m i2np.DatabaseStore) {
	now := db.deps.Clock.Now()
	db.deps.Messenger.Reply(
		ReplyTo{Gateway: m.ReplyGateway, Tunnel: m.ReplyTunnel},
		i2np.Encode(i2np.NewHeader(i2np.TypeDeliveryStatus, now), i2np.DeliveryStatus{MessageID: m.ReplyToken, Timestamp: now}),
	)
}

// Offered takes a RouterInfo that a session brought outside of I2NP and, at a floodfill, floods it if asked to.
func (db *DB) Offered(from i2p.Hash, ri *i2p.RouterInfo, flood bool) {
	if from != ri.Hash() && !db.budgets.stores.allow(from, time.Now()) {
		db.refuse(reasonBudget)
		return
	}
	if _, err := db.Add(ri); err != nil {
		return
	}
	if db.requester.awaits(ri.Hash(), false) {
		db.requester.found(ri.Hash(), false, db.store.get(ri.Hash()), nil)
	}
	if flood {
		db.floodRouterInfo(ri.Hash())
	}
}
