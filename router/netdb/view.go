package netdb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A View is the network database as one client sees it. It is safe for concurrent use.
//
// It reads the floodfills that the router knows and gives nothing back: not the LeaseSets, not the RouterInfos of
// floodfills that it was referred to, not which of them failed. All of its messages go through the client's tunnels.
type View struct {
	db        *DB
	requester *requester
	leaseSets *leaseSets
	lookups   *group[i2p.LeaseSet]
	refreshes *group[i2p.LeaseSet] // apart: a refresh must not be content with the first answer to a lookup

	mu          sync.Mutex
	routers     map[i2p.Hash]*i2p.RouterInfo // floodfills that only this view knows
	confirmedBy map[i2p.Hash]i2p.Hash        // the floodfill that confirmed a publication

	published, attempts, publishFailed, verified, notVerified, refused atomic.Uint64
}

// NewView returns the view of a client, whose tunnels messenger and path use.
func (db *DB) NewView(messenger Messenger, path ReplyPath) *View {
	return &View{
		db: db, requester: newRequester(db, messenger, path),
		leaseSets: newLeaseSets(maxViewLeaseSets), lookups: newGroup[i2p.LeaseSet](maxViewLookups),
		refreshes: newGroup[i2p.LeaseSet](maxViewLookups),
		routers:   make(map[i2p.Hash]*i2p.RouterInfo), confirmedBy: make(map[i2p.Hash]i2p.Hash),
	}
}

// LeaseSet returns a LeaseSet that this view knows and that has not expired.
func (v *View) LeaseSet(destination i2p.Hash) (i2p.LeaseSet, bool) {
	ls := v.leaseSets.get(destination, v.db.deps.Clock.Now())
	return ls, ls != nil
}

// Lookup returns the LeaseSet of a destination, asking floodfills if this view does not know it: the first answer. A newer
// one that comes after it replaces it in this view. The error is ErrNotReady at once if the client has no tunnels yet,
// ErrNotFound, ErrNoFloodfill or ErrBusy.
func (v *View) Lookup(ctx context.Context, destination i2p.Hash) (i2p.LeaseSet, error) {
	if ls, ok := v.LeaseSet(destination); ok {
		return ls, nil
	}
	return v.lookups.do(ctx, destination, func(ctx context.Context) (i2p.LeaseSet, error) {
		return v.find(ctx, destination, 1)
	})
}

// Refresh asks floodfills even if this view knows a LeaseSet, and returns the newest of two answers and of what this view
// knows: no single floodfill can hide it. It waits for the second answer for up to a second.
func (v *View) Refresh(ctx context.Context, destination i2p.Hash) (i2p.LeaseSet, error) {
	return v.refreshes.do(ctx, destination, func(ctx context.Context) (i2p.LeaseSet, error) {
		return v.find(ctx, destination, refreshAnswers)
	})
}

func (v *View) find(ctx context.Context, destination i2p.Hash, answers int) (i2p.LeaseSet, error) {
	l := v.lookup(destination, i2p.Hash{})
	l.answers, l.grace, l.overdue = answers, refreshGrace, true
	if v.db.cfg.Private {
		l.grace = privateRefreshGrace
	}
	e, err := v.requester.run(ctx, l)
	if err != nil {
		return nil, err
	}
	if newest, ok := v.LeaseSet(destination); ok { // every answer went there
		return newest, nil
	}
	return e.leaseSet, nil
}

func (v *View) lookup(destination i2p.Hash, exclude i2p.Hash) lookup {
	return lookup{
		key: destination, kind: i2np.LookupLeaseSet, tunnel: true, exclude: exclude,
		extra: v.floodfills(), resolver: v.routerInfo,
		accept: func(e event) bool { return e.leaseSet != nil },
	}
}

// Publish stores a LeaseSet of this client at the closest floodfill, goes on to the next until one confirms, and
// returns nil as soon as one did. The error is ErrNotReady, ErrNoFloodfill or ErrNotConfirmed.
func (v *View) Publish(ctx context.Context, ls i2p.LeaseSet) error {
	by, err := v.requester.publish(ctx, publication{
		entry:  i2np.DatabaseStore{Key: ls.Hash(), StoreType: i2np.StoreType(ls.StoreType()), Data: ls.Bytes()},
		tunnel: true, confirm: tunnelConfirm, sent: func() { v.attempts.Add(1) },
	})
	if err != nil {
		v.publishFailed.Add(1)
		return err
	}
	v.published.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.confirmedBy) >= maxConfirmations {
		clear(v.confirmedBy)
	}
	v.confirmedBy[ls.Hash()] = by
	return nil
}

// Verify waits 5 to 8 seconds and then looks up what Publish stored, at other floodfills than the one that confirmed. If
// they do not have it, or only an older one, the error is ErrNotVerified: publish again.
func (v *View) Verify(ctx context.Context, ls i2p.LeaseSet) error {
	timer := time.NewTimer(v.db.between(verifyAfter, verifyAfter+verifySpread))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	v.mu.Lock()
	by := v.confirmedBy[ls.Hash()]
	v.mu.Unlock()
	e, err := v.requester.run(ctx, v.lookup(ls.Hash(), by))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && e.leaseSet.Published().Before(ls.Published()):
		err = ErrNotVerified
	case errors.Is(err, ErrNotFound):
		err = ErrNotVerified
	case errors.Is(err, ErrNoFloodfill): // there is only the one that confirmed
		err = nil
	}
	if err != nil {
		v.notVerified.Add(1)
	} else {
		v.verified.Add(1)
	}
	return err
}

// Store keeps a LeaseSet that came bundled with a message to this client, after verifying it. The error is ErrInvalid.
func (v *View) Store(ls i2p.LeaseSet) error {
	now := v.db.deps.Clock.Now()
	if why, ok := checkLeaseSet(ls, now); !ok {
		v.refused.Add(1)
		return why
	}
	v.leaseSets.put(ls, now, endsSooner)
	return nil
}

// Handle takes a DatabaseStore, DatabaseSearchReply or DeliveryStatus that came down an inbound tunnel of the client.
// Nothing else, and nothing that was not asked for, has an effect. It does not keep payload and does not block.
func (v *View) Handle(h i2np.Header, payload []byte) {
	switch h.Type {
	case i2np.TypeDatabaseStore:
		v.handleStore(payload)
	case i2np.TypeDatabaseSearchReply:
		if m, err := i2np.ParseDatabaseSearchReply(payload); err == nil {
			v.requester.referred(m, true)
		}
	case i2np.TypeDeliveryStatus:
		if m, err := i2np.ParseDeliveryStatus(payload); err == nil {
			v.Delivered(m.MessageID)
		}
	default:
		v.refused.Add(1)
	}
}

// handleStore takes the answer to a lookup. Reply tokens are ignored: an acknowledgement would show the way that a
// message takes to us.
func (v *View) handleStore(payload []byte) {
	m, err := i2np.ParseDatabaseStore(payload)
	if err != nil || !v.requester.awaits(m.Key, true) {
		v.refused.Add(1)
		return
	}
	now := v.db.deps.Clock.Now()
	if m.StoreType != i2np.StoreRouterInfo {
		ls, _, ok := parseLeaseSet(m, now)
		if !ok {
			v.refused.Add(1)
			return
		}
		v.leaseSets.put(ls, now, endsSooner)
		v.requester.found(m.Key, true, nil, ls)
		return
	}
	ri, _, ok := parseRouterInfo(m)
	if !ok || !v.keepRouter(ri, now) {
		v.refused.Add(1)
		return
	}
	v.requester.found(m.Key, true, ri, nil)
}

// keepRouter verifies a floodfill that this view was referred to and keeps it here.
func (v *View) keepRouter(ri *i2p.RouterInfo, now time.Time) bool {
	if ri.NetworkID() != v.db.cfg.NetworkID || !eligibleFloodfill(ri) || ri.Published().After(now.Add(maxFuture)) ||
		now.Sub(ri.Published()) > v.db.maxAge() || ri.Verify() != nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.routers) >= maxViewRouters {
		for h := range v.routers {
			delete(v.routers, h)
			break
		}
	}
	v.routers[ri.Hash()] = ri
	return true
}

func (v *View) floodfills() []*i2p.RouterInfo {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]*i2p.RouterInfo, 0, len(v.routers))
	for _, ri := range v.routers {
		list = append(list, ri)
	}
	return list
}

func (v *View) routerInfo(router i2p.Hash) *i2p.RouterInfo {
	v.mu.Lock()
	ri := v.routers[router]
	v.mu.Unlock()
	if ri != nil {
		return ri
	}
	return v.db.RouterInfo(router)
}

// Delivered takes the message id of a DeliveryStatus and reports whether a publication waited for it.
func (v *View) Delivered(id i2np.MessageID) bool { return v.requester.delivered(id) }

// Expire drops LeaseSets that are over; the cache is bounded without it.
func (v *View) Expire() { v.leaseSets.expire(v.db.deps.Clock.Now()) }

// Stats returns the counters.
func (v *View) Stats() ViewStats {
	return ViewStats{
		LeaseSets: v.leaseSets.count(), Lookups: v.requester.counters.snapshot(),
		Published: v.published.Load(), PublishAttempts: v.attempts.Load(), PublishFailed: v.publishFailed.Load(),
		Verified: v.verified.Load(), NotVerified: v.notVerified.Load(), Refused: v.refused.Load(),
	}
}
