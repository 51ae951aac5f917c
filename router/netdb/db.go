package netdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

// Config of a DB.
type Config struct {
	NetworkID int
	// Private networks have generous budgets and short pauses.
	Private bool
	// Path of the file that keeps RouterInfos; empty: memory only.
	Path string
	// Hidden routers do not publish themselves.
	Hidden bool
}

// Validate reports the first value that is out of range.
func (c Config) Validate() error {
	if c.NetworkID < 1 || c.NetworkID > 254 {
		return fmt.Errorf("netdb: network id %d: want 1 to 254", c.NetworkID)
	}
	return nil
}

// Deps are what a DB works with.
type Deps struct {
	Clock *clock.Clock
	Peers *peer.Book
	// Self returns our RouterInfo as signed last. It is not called by New. We act as a floodfill while it says so.
	Self      func() *i2p.RouterInfo
	Messenger Messenger
	ReplyPath ReplyPath // of the exploratory tunnels; nil: all is asked directly
	Rand      *rand.Rand
	Log       *slog.Logger
}

// A DB is the network database of one router. It is safe for concurrent use.
//
//	New (reads the file) -> Run (publishes, explores, expires, writes) -> closed when Run returns
//
// Everything but Run works in between as well. Errors: ErrNotReady, ErrNoFloodfill, ErrNotFound, ErrNotConfirmed,
// ErrBusy, ErrInvalid; New also ErrDamaged.
type DB struct {
	cfg       Config
	deps      Deps
	log       *slog.Logger
	store     *store
	leaseSets *leaseSets // that were published to us as a floodfill
	requester *requester
	// routerLookups are those of LookupRouter.
	routerLookups *group[*i2p.RouterInfo]
	budgets       budgets
	counters      counters
	changed       chan struct{} // one token: our RouterInfo is new

	randMu sync.Mutex
	diskMu sync.Mutex
	disk   *disk // nil: memory only, or closed
	broken bool  // the last write failed
}

// New opens the database. It starts nothing; Close is due if Run is never called.
func New(cfg Config, deps Deps) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{
		cfg: cfg, deps: deps, log: deps.Log,
		store: newStore(cfg.Path != ""), leaseSets: newLeaseSets(maxLeaseSets),
		routerLookups: newGroup[*i2p.RouterInfo](maxRouterLookups),
		budgets:       newBudgets(cfg.Private), changed: make(chan struct{}, 1),
	}
	db.requester = newRequester(db, deps.Messenger, deps.ReplyPath)
	if cfg.Path == "" {
		return db, nil
	}
	d, skipped, err := openDisk(cfg.Path, db.load)
	if err != nil {
		return nil, err
	}
	db.store.forgetLoaded()
	db.disk = d
	routers, floodfills := db.store.counts()
	db.log.Info("network database opened", "routers", routers, "floodfills", floodfills, "skipped", skipped)
	return db, nil
}

// load takes a RouterInfo from the disk. It was verified before it was written.
func (db *DB) load(ri *i2p.RouterInfo) {
	switch {
	case ri.NetworkID() != db.cfg.NetworkID: // stays there, in case that the configuration is mended
	case db.deps.Clock.Now().Sub(ri.Published()) > maxImportAge:
		db.store.stale = append(db.store.stale, ri.Hash())
	default:
		db.store.put(ri)
	}
}

// Close writes what is pending and closes the file. Run does it, too.
func (db *DB) Close() error {
	err := db.flush()
	db.diskMu.Lock()
	defer db.diskMu.Unlock()
	if db.disk == nil {
		return err
	}
	err = errors.Join(err, db.disk.close())
	db.disk = nil
	return err
}

// Run expires, writes, publishes and explores until ctx ends. Then it closes the file.
func (db *DB) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { db.runPublication(ctx) })
	wg.Go(func() { db.runExploration(ctx) })
	db.runMaintenance(ctx)
	wg.Wait()
	return db.Close()
}

func (db *DB) runMaintenance(ctx context.Context) {
	started := time.Now()
	interval := writeInterval
	if db.cfg.Private {
		interval = privateWriteInterval
	}
	write := time.NewTicker(interval)
	defer write.Stop()
	expire := time.NewTicker(maintenanceInterval)
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-write.C:
			db.flush()
		case <-expire.C:
			now := db.deps.Clock.Now()
			db.leaseSets.expire(now)
			if age, ok := db.expiryAge(time.Since(started)); ok {
				db.store.expire(now.Add(-age))
			}
		}
	}
}

// expiryAge is the age at which RouterInfos go: the more of them, the sooner.
func (db *DB) expiryAge(uptime time.Duration) (time.Duration, bool) {
	routers, _ := db.store.counts()
	switch {
	case uptime < expiryUptime || routers <= minRouters:
		return 0, false
	case uptime < shortExpiryUptime:
		return maxRouterAge, true
	case db.floodfill():
		return floodfillRouterAge, true
	}
	return minRouterAge + (maxRouterAge-minRouterAge)*minRouters/time.Duration(routers), true
}

// flush writes what changed. A full disk does not stop the router: what was not written stays pending.
func (db *DB) flush() error {
	db.diskMu.Lock()
	defer db.diskMu.Unlock()
	if db.disk == nil {
		return nil
	}
	changes := db.store.takeDirty()
	if len(changes) == 0 {
		return nil
	}
	err := db.disk.write(changes)
	if err != nil {
		db.store.markDirty(changes)
		db.counters.writeErrors.Add(1)
		if !db.broken {
			db.log.Warn("network database is not written", "error", err)
		}
	}
	db.broken = err != nil
	return err
}

// Add verifies a RouterInfo and keeps it if it is news. The error is ErrInvalid.
func (db *DB) Add(ri *i2p.RouterInfo) (news bool, err error) { return db.add(ri, db.maxAge()) }

func (db *DB) add(ri *i2p.RouterInfo, maxAge time.Duration) (bool, error) {
	if err := db.checkRouterInfo(ri, maxAge); err != nil {
		return false, err
	}
	if !db.store.put(ri) {
		return false, nil
	}
	db.counters.routerInfosStored.Add(1)
	return true, nil
}

// RouterInfo returns a RouterInfo that is known here, or nil. It knows our own.
func (db *DB) RouterInfo(router i2p.Hash) *i2p.RouterInfo {
	if self := db.deps.Self(); self != nil && self.Hash() == router {
		return self
	}
	return db.store.get(router)
}

// Routers yields every known RouterInfo except our own, in no order.
func (db *DB) Routers(yield func(*i2p.RouterInfo) bool) {
	for _, ri := range db.store.all() {
		if !yield(ri) {
			return
		}
	}
}

// Closest returns the n floodfills that are closest to a key today, those that could not be reached last.
func (db *DB) Closest(key i2p.Hash, n int) []*i2p.RouterInfo {
	return db.closest(routingKey(key, db.deps.Clock.Now()), n, nil)
}

func (db *DB) closest(key i2p.Hash, n int, skip func(i2p.Hash) bool) []*i2p.RouterInfo {
	bad := func(h i2p.Hash) bool { return !db.deps.Peers.Reaches(h) }
	list := db.store.closest(key, n, func(h i2p.Hash) bool { return bad(h) || skip != nil && skip(h) })
	if len(list) < n {
		rest := db.store.closest(key, n-len(list), func(h i2p.Hash) bool { return !bad(h) || skip != nil && skip(h) })
		list = append(list, rest...)
	}
	return list
}

func (db *DB) selfHash() i2p.Hash {
	if self := db.deps.Self(); self != nil {
		return self.Hash()
	}
	return i2p.Hash{}
}

func (db *DB) floodfill() bool {
	self := db.deps.Self()
	return self != nil && self.IsFloodfill()
}

// between draws a duration from [least, most].
func (db *DB) between(least, most time.Duration) time.Duration {
	db.randMu.Lock()
	defer db.randMu.Unlock()
	return least + time.Duration(db.deps.Rand.Int64N(int64(most-least)+1))
}
