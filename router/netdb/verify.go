package netdb

import (
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// checkRouterInfo verifies a RouterInfo, the cheap rules first.
func (db *DB) checkRouterInfo(ri *i2p.RouterInfo, maxAge time.Duration) error {
	now := db.deps.Clock.Now()
	switch {
	case ri.Hash() == db.selfHash():
		return db.refuse(reasonOwn)
	case ri.NetworkID() != db.cfg.NetworkID:
		return db.refuse(reasonNetwork)
	case ri.Version() == 0:
		return db.refuse(reasonVersion)
	case ri.Published().After(now.Add(maxFuture)):
		return db.refuse(reasonFuture)
	case now.Sub(ri.Published()) > maxAge:
		return db.refuse(reasonOld)
	}
	if old := db.store.get(ri.Hash()); old != nil && !ri.Published().After(old.Published()) {
		return nil // not verified, and not kept either
	}
	if ri.Verify() != nil {
		return db.refuse(reasonSignature)
	}
	return nil
}

// maxAge of RouterInfos that the network brings. A small network has to take what it gets.
func (db *DB) maxAge() time.Duration {
	if routers, _ := db.store.counts(); routers < minRouters {
		return maxImportAge
	}
	return maxRouterAge
}

// parseRouterInfo reads the RouterInfo of a DatabaseStore; it does not verify.
func parseRouterInfo(m i2np.DatabaseStore) (*i2p.RouterInfo, reason, bool) {
	ri, rest, err := i2p.ParseRouterInfo(m.Data)
	if err != nil || len(rest) != 0 {
		return nil, reasonMalformed, false
	}
	if ri.Hash() != m.Key {
		return nil, reasonKey, false
	}
	return ri, 0, true
}

// parseLeaseSet reads and verifies the LeaseSet of a DatabaseStore.
func parseLeaseSet(m i2np.DatabaseStore, now time.Time) (i2p.LeaseSet, reason, bool) {
	ls, err := i2p.ParseLeaseSetOfType(byte(m.StoreType), m.Data)
	if err != nil {
		return nil, reasonMalformed, false
	}
	if ls.Hash() != m.Key {
		return nil, reasonKey, false
	}
	if why, ok := checkLeaseSet(ls, now); !ok {
		return nil, why, false
	}
	return ls, 0, true
}

func checkLeaseSet(ls i2p.LeaseSet, now time.Time) (reason, bool) {
	switch {
	case ls.Published().After(now.Add(maxFuture)) || ls.Expires().After(now.Add(maxLeaseSetAhead)):
		return reasonFuture, false
	case !now.Before(ls.Expires()):
		return reasonOld, false
	case ls.Verify() != nil:
		return reasonSignature, false
	}
	return 0, true
}

// refuse counts a reason and returns it as an error.
func (db *DB) refuse(r reason) error {
	db.counters.refused[r].Add(1)
	return r
}
