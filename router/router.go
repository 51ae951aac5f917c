package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/addressbook"
	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/peer"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ntcp2"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/tunnel/pool"
	"clove.i2p/router/tunnel/transit"
)

// A Router takes part in an I2P network. Its life:
//
//	New: keys and netDb are read, the port is bound -> Run: takes part -> the end of ctx: all is closed, Run returns
//
// It is safe for concurrent use.
type Router struct {
	cfg    Config
	log    *slog.Logger
	id     identity
	unlock func() // the data directory
	hash   i2p.Hash
	own    atomic.Pointer[i2p.RouterInfo]
	// signing is held while own is made.
	signing sync.Mutex
	role    floodfillRole

	clock   *clock.Clock
	skew    skew
	limiter *bandwidth.Limiter
	book    *peer.Book
	ntcp2   *ntcp2.Transport // nil where it is off
	ssu2    *ssu2.Transport  // nil where it is off
	proxy   *proxy           // nil without Upstream
	reach   *reach
	mux     *transport.Mux
	db      *netdb.DB
	hosts   *addressbook.Book

	table             *pool.Table
	exploratory       *pool.Pool
	exploratoryKeeper *garlic.Keeper
	keeper            *garlic.Keeper // for messages to the router itself
	transit           *transit.Table

	inbound  inbound
	outbound outbound
	loopback chan *buf.Buf
	// What was received already: from peers, and down the exploratory tunnels.
	seen, seenExploratory *i2np.Filter
	stats                 counters

	up        chan struct{} // closed when Run has begun
	ready     chan struct{} // closed once there was an exploratory tunnel in both directions
	readyOnce sync.Once
	started   time.Time

	mu           sync.Mutex
	life         context.Context // of Run; nil before and after
	destinations map[i2p.Hash]*Destination
	running      sync.WaitGroup // the destinations'
}

// Errors that callers tell apart.
var (
	// ErrNotRunning: Run has not been called or has returned.
	ErrNotRunning = errors.New("router: not running")
	// ErrInUse: the destination is hosted already.
	ErrInUse = errors.New("router: destination is in use")
	// ErrOwnIdentity: a destination with the keys of the router would tell everybody which router hosts it.
	ErrOwnIdentity = errors.New("router: these are the keys of the router itself: a destination needs keys of its own")
)

// resignInterval keeps our RouterInfo young: peers refuse one that is over 90 minutes old (i2pd) or 60 (floodfills).
const resignInterval = 20 * time.Minute

// New reads what DataDir keeps, binds the port and returns a router that does nothing before Run. A router that is
// not Run is to be Closed.
func New(cfg Config, log *slog.Logger) (_ *Router, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	id, err := loadIdentity(cfg.DataDir, cfg.exposure())
	if err != nil {
		return nil, err
	}
	if id.renewed {
		log.Info("router has a new identity, as it hides or shows its address otherwise than before", "now", cfg.exposure())
	}
	r := &Router{
		cfg: cfg, log: log, unlock: unlock, id: id, hash: id.keys.Identity.Hash(), clock: clock.New(), table: pool.NewTable(),
		seen: i2np.NewFilter(), seenExploratory: i2np.NewFilter(),
		loopback: make(chan *buf.Buf, loopbackQueue), up: make(chan struct{}), ready: make(chan struct{}), destinations: make(map[i2p.Hash]*Destination),
	}
	r.role.on.Store(cfg.Floodfill)
	r.inbound, r.outbound = inbound{r}, outbound{r}
	private := cfg.AllowPrivate
	r.book = peer.New(peer.Config{Private: private, Banned: func(h i2p.Hash) bool { return r.mux.Banned(h) }}, r.clock, newRand())
	if r.limiter, err = bandwidth.New(cfg.Bandwidth); err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	r.reach = newReach(r)
	if err := r.openTransports(); err != nil {
		return nil, err
	}
	if err := r.openTables(private); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Router) openTables(private bool) (err error) {
	path := ""
	if r.cfg.DataDir != "" {
		path = filepath.Join(r.cfg.DataDir, "netdb.db")
	}
	r.db, err = netdb.New(netdb.Config{NetworkID: r.cfg.NetworkID, Private: private, Path: path, Hidden: r.cfg.Hidden}, netdb.Deps{
		Clock: r.clock, Peers: r.book, Self: r.own.Load, Messenger: r.outbound, ReplyPath: replyPath{r}, Rand: newRand(), Log: r.log,
	})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	for _, f := range r.cfg.Reseed {
		n, err := r.db.ImportFile(f)
		if err != nil {
			return fmt.Errorf("router: read reseed file: %w", err)
		}
		r.log.Info("reseed file read", "routers", n)
	}
	if r.hosts, err = addressbook.Open(r.hostsPath(), r.log); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if r.keeper, err = garlic.New(garlic.Config{Router: true}, r.id.keys.Encryption); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	// Nothing but answers under one-time keys is for the exploratory tunnels, so that this key is nobody's.
	unused, err := keys.GenerateX25519()
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if r.exploratoryKeeper, err = garlic.New(garlic.Config{Router: true}, unused); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	r.exploratory, err = pool.New(r.cfg.Exploratory.pool(), pool.Deps{
		Self: r.hash, Clock: r.clock, Peers: hops{r.book, r, false}, Sender: r.outbound, Table: r.table, Owner: exploratory{r}, Log: r.log,
	})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	r.transit, err = transit.New(transit.Config{Disabled: r.cfg.NoTransit, MaxTunnels: r.cfg.MaxTransit}, transit.Deps{
		Clock: r.clock, Limiter: r.limiter, Keys: r.id.keys, Sender: forward{r.outbound}, Local: r.outbound, Logger: r.log,
	})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// Close releases the files and ports of a router that is not Run.
func (r *Router) Close() error {
	defer r.unlock()
	var err error
	if r.db != nil {
		err = r.db.Close()
	}
	return errors.Join(err, r.closeTransports())
}

// Run takes part in the network until ctx ends. It returns when all that it started has ended: nil after the end
// of ctx, else what went wrong. It is called once.
//
// What hands messages on ends before what takes them: destinations, transports, loopback, tables.
func (r *Router) Run(ctx context.Context) error {
	defer r.unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.started = time.Now()
	r.log.Info("router starts", "router", r.hash, "network", r.cfg.NetworkID, "listen", r.bound())
	if r.db.Stats().Routers == 0 {
		r.log.Warn("no other router is known: name a router.info, a zip or a folder of them as router.reseed.files")
	}
	links, loopback, tables := newStage(ctx, cancel), newStage(ctx, cancel), newStage(ctx, cancel)
	links.start("transports", func(ctx context.Context) error { return r.mux.Serve(ctx, r.inbound) })
	select {
	case <-r.mux.Began():
	case <-ctx.Done():
	}
	loopback.start("loopback", r.runLoopback)
	tables.start("transit", r.transit.Run)
	tables.start("netdb", r.db.Run)
	tables.start("tunnels", r.exploratory.Run)
	tables.start("hosts", r.hosts.Run)
	tables.start("sign", r.keepSigned)
	tables.start("keys", r.expireKeys)
	tables.start("reachability", r.reach.run)
	if r.reach.wantsMapping() {
		tables.start("port mapping", r.reach.mapPorts)
	}
	r.mu.Lock()
	r.life = ctx
	r.mu.Unlock()
	close(r.up)
	<-ctx.Done()
	r.mu.Lock()
	r.life = nil
	r.mu.Unlock()
	r.running.Wait()
	links.end()
	loopback.end()
	tables.end()
	r.drainLoopback()
	r.log.Info("router stopped", "router", r.hash)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Start is New and Run, for programs that embed a router: it returns when the router runs. The function ends it and
// waits for that.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (r *Router, stop func() error, err error) {
	if r, err = New(cfg, log); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	if err := r.WaitRunning(ctx); err != nil {
		cancel()
		return nil, nil, errors.Join(<-ended, err)
	}
	return r, sync.OnceValue(func() error { cancel(); return <-ended }), nil
}

// WaitRunning waits until Run has begun, so that destinations can be opened.
func (r *Router) WaitRunning(ctx context.Context) error {
	select {
	case <-r.up:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotRunning, context.Cause(ctx))
	}
}

// keepSigned signs our RouterInfo anew from time to time and publishes it.
func (r *Router) keepSigned(ctx context.Context) error {
	ticker := time.NewTicker(resignInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.resign(time.Now())
		}
	}
}

// lookup finds a RouterInfo for a dial.
func (r *Router) lookup(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error) {
	return r.db.LookupRouter(ctx, router)
}

func (r *Router) hostsPath() string {
	switch {
	case r.cfg.Hosts != "":
		return r.cfg.Hosts
	case r.cfg.DataDir != "":
		return filepath.Join(r.cfg.DataDir, "hosts.txt")
	}
	return ""
}

func (r *Router) noteReady() {
	if r.exploratory.Ready() {
		r.readyOnce.Do(func() { close(r.ready) })
	}
}

// Ready waits until the router has had an exploratory tunnel in both directions.
func (r *Router) Ready(ctx context.Context) error {
	select {
	case <-r.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("router: no tunnels yet: %w", context.Cause(ctx))
	}
}

// Hash of the router.
func (r *Router) Hash() i2p.Hash { return r.hash }

// RouterInfo is ours, as signed last.
func (r *Router) RouterInfo() *i2p.RouterInfo { return r.own.Load() }

// DB is the router's netDb, for tests and status displays.
func (r *Router) DB() *netdb.DB { return r.db }

func newRand() *mathrand.Rand {
	return mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64()))
}
