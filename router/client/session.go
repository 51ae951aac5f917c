package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/tunnel/pool"
)

// Errors that callers tell apart. Lookups also return the errors of netdb.
var (
	// ErrNotReady: the session has no tunnels, or none yet.
	ErrNotReady = errors.New("client: no tunnels yet")
	// ErrNoLeaseSet: the far destination has no LeaseSet that can be used.
	ErrNoLeaseSet = errors.New("client: no lease set")
)

// Config of a session.
type Config struct {
	Keys    *i2p.DestinationKeys
	Tunnels pool.Config
	// Publish the LeaseSet in the netDb, so that others can reach this destination first. Without it only those
	// that we write to learn our leases, and there is nothing in the netDb to count us by.
	Publish bool
}

// Deps are what a session works with.
type Deps struct {
	Self        i2p.Hash // the router
	Clock       *clock.Clock
	DB          *netdb.DB
	Table       *pool.Table
	Peers       pool.Peers
	Sender      pool.Sender
	Exploratory *pool.Pool
	Log         *slog.Logger
}

// A Handler takes the packets that arrive, on the goroutine that received them: those of one batch at once. The slice is
// lent, the buffers move.
type Handler interface {
	Deliver(proto Protocol, ports Ports, packets []*buf.Buf)
}

// A Session is a destination hosted here. It is safe for concurrent use; it works while Serve runs.
type Session struct {
	cfg    Config
	hash   i2p.Hash
	clock  *clock.Clock
	log    *slog.Logger
	since  time.Time // when it was made
	pool   *pool.Pool
	keeper *garlic.Keeper
	view   *netdb.View
	table  *pool.Table

	handler atomic.Pointer[Handler]
	changed chan struct{} // one token: the tunnels changed
	// refreshes holds the remotes whose LeaseSet is to be looked up; see maxRefreshes.
	refreshes chan *remote

	mu      sync.Mutex
	remotes map[i2p.Hash]*remote
	own     i2p.LeaseSet  // as made last, nil before the first
	version uint64        // of own, from 1
	shown   time.Time     // the date of the newest of own that was given away
	stale   bool          // own is to be made anew even if the leases are the same
	ready   chan struct{} // closed once there was a tunnel in both directions
	// published is closed once a floodfill has confirmed a LeaseSet of ours.
	published     chan struct{}
	publishedOnce sync.Once
	stats         counters
}

// New returns a session that does nothing before Serve.
func New(cfg Config, deps Deps) (*Session, error) {
	keeper, err := garlic.New(garlic.Config{}, cfg.Keys.Encryption)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	s := &Session{
		cfg: cfg, hash: cfg.Keys.Destination.Hash(), clock: deps.Clock, log: deps.Log, keeper: keeper, table: deps.Table,
		since:   time.Now(),
		changed: make(chan struct{}, 1), refreshes: make(chan *remote, maxRefreshes), remotes: make(map[i2p.Hash]*remote), ready: make(chan struct{}),
		published: make(chan struct{}),
	}
	s.pool, err = pool.New(cfg.Tunnels, pool.Deps{
		Self: deps.Self, Clock: deps.Clock, Peers: deps.Peers, Sender: deps.Sender, Table: deps.Table, Owner: s,
		Fallback: deps.Exploratory, Log: deps.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	m := &messenger{session: s}
	s.view = deps.DB.NewView(m, m)
	return s, nil
}

// Serve keeps the tunnels and the LeaseSet, and gives what arrives to h, until ctx ends.
func (s *Session) Serve(ctx context.Context, h Handler) error {
	s.handler.Store(&h)
	defer s.handler.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s.keepLeaseSet(ctx) })
	wg.Go(func() { s.keepRemotes(ctx) })
	wg.Go(func() { s.tick(ctx) })
	err := s.pool.Run(ctx)
	cancel()
	wg.Wait()
	return err
}

// tick drops what is over, and sends what the garlic sessions owe their peers without a packet of ours to carry it.
func (s *Session) tick(ctx context.Context) {
	ticker := time.NewTicker(garlic.TickInterval)
	defer ticker.Stop()
	expire := time.NewTicker(expireInterval)
	defer expire.Stop()
	var peers []garlic.Peer
	for {
		select {
		case <-ctx.Done():
			return
		case <-expire.C:
			s.view.Expire()
			continue
		case <-ticker.C:
		}
		peers = s.keeper.Due(s.clock.Now(), peers[:0])
		for _, p := range peers {
			s.sendEmpty(p)
		}
	}
}

// Hash of the destination.
func (s *Session) Hash() i2p.Hash { return s.hash }

// Ready waits until there was a tunnel in both directions; at the end of ctx it returns ErrNotReady.
func (s *Session) Ready(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	default:
	}
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotReady, context.Cause(ctx))
	}
}

// Published waits until Ready and, if the LeaseSet is to be published, until a floodfill has confirmed it.
func (s *Session) Published(ctx context.Context) error {
	if err := s.Ready(ctx); err != nil || !s.cfg.Publish {
		return err
	}
	select {
	case <-s.published:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("client: lease set not published: %w", context.Cause(ctx))
	}
}

// Tunnels is a snapshot.
func (s *Session) Tunnels() []pool.Status { return s.pool.Tunnels() }

// LeaseSet is our own as made last; nil before the first.
func (s *Session) LeaseSet() i2p.LeaseSet {
	own, _ := s.current()
	return own
}

// Lookup finds the LeaseSet of a destination through the tunnels of this one.
func (s *Session) Lookup(ctx context.Context, to i2p.Hash) (i2p.LeaseSet, error) {
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	return s.view.Lookup(ctx, to)
}

type counters struct {
	sent, sentBytes, received, receivedBytes atomic.Uint64
	noPath, noLeaseSet, sealFailed           atomic.Uint64
	refusedType, refusedDelivery, unopened   atomic.Uint64
	malformed, bundled, published, notStored atomic.Uint64
}

// Stats of a session since its start.
type Stats struct {
	Sent, SentBytes, Received, ReceivedBytes uint64 // packets and their bytes
	// Packets not sent: no tunnel, no lease, no room to seal.
	NoPath, NoLeaseSet, SealFailed uint64
	// Messages not acted on: of a type that must not come by a client tunnel, for somebody else, not to be opened,
	// malformed.
	RefusedType, RefusedDelivery, Unopened, Malformed uint64
	Bundled                                           uint64 // LeaseSets sent along with a packet
	Published, NotPublished                           uint64
	Pool                                              pool.Stats
	View                                              netdb.ViewStats
	Garlic                                            garlic.Stats
}

// Stats is a snapshot.
func (s *Session) Stats() Stats {
	c := &s.stats
	return Stats{
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		NoPath: c.noPath.Load(), NoLeaseSet: c.noLeaseSet.Load(), SealFailed: c.sealFailed.Load(),
		RefusedType: c.refusedType.Load(), RefusedDelivery: c.refusedDelivery.Load(), Unopened: c.unopened.Load(),
		Malformed: c.malformed.Load(), Bundled: c.bundled.Load(), Published: c.published.Load(), NotPublished: c.notStored.Load(),
		Pool: s.pool.Stats(), View: s.view.Stats(), Garlic: s.keeper.Stats(),
	}
}
