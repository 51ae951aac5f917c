package netdb

import (
	"context"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// LookupRouter returns a RouterInfo, asking floodfills if it is not known, or if the router could not be reached with
// the one that is known. It is a transport.Lookup.
func (db *DB) LookupRouter(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error) {
	known := db.RouterInfo(router)
	if known != nil && (db.deps.Peers.Reaches(router) || !db.budgets.renewals.allow(router, time.Now())) {
		return known, nil
	}
	ri, err := db.routerLookups.do(ctx, router, func(ctx context.Context) (*i2p.RouterInfo, error) {
		e, err := db.requester.run(ctx, lookup{
			key: router, kind: i2np.LookupRouterInfo, resolver: db.store.get,
			accept: func(e event) bool { return e.router != nil },
		})
		return e.router, err
	})
	if err != nil && known != nil && ctx.Err() == nil {
		return known, nil
	}
	return ri, err
}
