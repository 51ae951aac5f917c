package netdb

import (
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// handleLookup answers a DatabaseLookup: with the entry, or with floodfills that are closer to it. What is not a
// floodfill's to know is not told: a router that answers for any RouterInfo shows whom it deals with.
func (db *DB) handleLookup(from i2p.Hash, m i2np.DatabaseLookup) {
	c := &db.counters
	now := time.Now()
	if from.IsZero() || m.Key.IsZero() || !db.budgets.lookup(from, lookupOwner{m.From, m.ReplyTunnel}, now) {
		c.lookupsDropped.Add(1)
		return
	}
	to := ReplyTo{Gateway: m.From, Tunnel: m.ReplyTunnel}
	if m.ReplyTunnel != 0 && len(m.ReplyTags) > 0 {
		key := [32]byte(m.ReplyKey)
		to.Key, to.Tag = &key, m.ReplyTags[0]
	}
	answer, drop := db.answer(m)
	if drop {
		c.lookupsDropped.Add(1)
		return
	}
	var body i2np.Body
	if answer != nil {
		c.lookupsAnswered.Add(1)
		body = *answer
	} else {
		c.lookupsReferred.Add(1)
		body = i2np.DatabaseSearchReply{Key: m.Key, Peers: db.referrals(m), From: db.selfHash()}
	}
	db.deps.Messenger.Reply(to, i2np.Encode(i2np.NewHeader(body.Type(), db.deps.Clock.Now()), body))
}

// answer returns the entry that m asks for, or nil to refer it to others.
func (db *DB) answer(m i2np.DatabaseLookup) (entry *i2np.DatabaseStore, drop bool) {
	floodfill := db.floodfill()
	switch m.LookupType {
	case i2np.LookupExploratory:
		return nil, !floodfill
	case i2np.LookupLeaseSet:
		if !floodfill {
			return nil, true
		}
	case i2np.LookupRouterInfo, i2np.LookupAny:
		if ri := db.RouterInfo(m.Key); ri != nil && (floodfill || ri.IsFloodfill() || m.Key == db.selfHash()) {
			return &i2np.DatabaseStore{Key: m.Key, StoreType: i2np.StoreRouterInfo, Data: ri.Bytes()}, false
		}
	}
	if m.LookupType == i2np.LookupRouterInfo || !floodfill {
		return nil, false
	}
	if ls := db.leaseSets.get(m.Key, db.deps.Clock.Now()); ls != nil {
		return &i2np.DatabaseStore{Key: m.Key, StoreType: i2np.StoreType(ls.StoreType()), Data: ls.Bytes()}, false
	}
	return nil, false
}

// referrals are the floodfills closest to the key, or, for an exploration, other routers that are.
func (db *DB) referrals(m i2np.DatabaseLookup) []i2p.Hash {
	excluded := make(map[i2p.Hash]struct{}, len(m.Excluded)+1)
	for _, h := range m.Excluded {
		excluded[h] = struct{}{}
	}
	skip := func(h i2p.Hash) bool { _, ok := excluded[h]; return ok || h == m.From && m.ReplyTunnel == 0 }
	key := routingKey(m.Key, db.deps.Clock.Now())
	var list []*i2p.RouterInfo
	if m.LookupType == i2np.LookupExploratory {
		list = db.store.closestOthers(key, maxSearchReply, skip)
	} else {
		list = db.closest(key, searchReply, skip)
	}
	hashes := make([]i2p.Hash, len(list))
	for i, ri := range list {
		hashes[i] = ri.Hash()
	}
	return hashes
}
