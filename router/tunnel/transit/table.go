package transit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
)

// A Table is the tunnels of others through this router. It is safe for concurrent use; the tunnels live while Run
// does.
type Table struct {
	cfg     Config
	self    i2p.Hash
	keys    *i2p.RouterKeys
	clock   *clock.Clock
	limiter *bandwidth.Limiter
	sender  Sender
	local   Local
	log     *slog.Logger

	shards  [shards]shard
	queue   *queue
	sources *buckets // build requests by previous hop
	targets *buckets // admitted ones by next hop
	replay  *build.Replay
	budget  *tunnel.Budget // of all endpoints
	batches sync.Pool      // *batch
	stats   stats

	mu    sync.Mutex
	order []*hop // all tunnels, oldest first: their lifetimes are the same
	first int    // of order

	draining atomic.Bool
}

// shard is a part of the tunnels, by their id.
type shard struct {
	mu   sync.RWMutex
	hops map[i2p.TunnelID]*hop
}

// New returns an empty table.
func New(cfg Config, deps Deps) (*Table, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := deps.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t := &Table{
		cfg: cfg, self: deps.Keys.Identity.Hash(), keys: deps.Keys, clock: deps.Clock, limiter: deps.Limiter,
		sender: deps.Sender, local: deps.Local, log: deps.Logger,
		queue:   newQueue(cfg.Queue),
		sources: newBuckets(cfg.PeerRate, cfg.PeerBurst),
		targets: newBuckets(cfg.PeerRate, cfg.PeerBurst),
		replay:  build.NewReplay(),
		budget:  tunnel.NewBudget(unfinishedBytes),
	}
	t.batches.New = func() any { return newBatch(t) }
	for i := range t.shards {
		t.shards[i].hops = make(map[i2p.TunnelID]*hop)
	}
	return t, nil
}

func (t *Table) shard(id i2p.TunnelID) *shard { return &t.shards[id%shards] }

// find returns the tunnel with this id, or nil.
func (t *Table) find(id i2p.TunnelID) *hop {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hops[id]
}

// insert adds a tunnel unless there is no room for it or its id is taken.
func (t *Table) insert(h *hop) bool {
	if t.local.Reserved(h.id) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order)-t.first >= t.cfg.MaxTunnels {
		return false
	}
	s := t.shard(h.id)
	s.mu.Lock()
	_, taken := s.hops[h.id]
	if !taken {
		s.hops[h.id] = h
	}
	s.mu.Unlock()
	if taken {
		return false
	}
	t.order = append(t.order, h)
	t.stats.roles[h.role].tunnels.Add(1)
	t.stats.roles[h.role].admitted.Add(1)
	return true
}

// Len is the number of tunnels.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.order) - t.first
}

// Load is how busy the router is with tunnels of others, 0 to 1: the larger of its parts of the tunnels and of the
// bandwidth that it may give.
func (t *Table) Load() float64 {
	return min(max(float64(t.Len())/float64(t.cfg.MaxTunnels), t.limiter.TransitLoad()), 1)
}

// Run answers build requests and expires tunnels until ctx ends. When it returns the table is empty.
func (t *Table) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for range t.cfg.Workers {
		running.Go(func() { t.work(ctx) })
	}
	t.expire(ctx)
	running.Wait()
	t.queue.clear()
	t.removeUntil(time.Now().Add(2 * t.cfg.Lifetime))
	return nil
}

// Drain rejects all requests from now on; the tunnels there are live on. For an orderly end.
func (t *Table) Drain() { t.draining.Store(true) }

// expire removes tunnels at the end of their time. A tunnel that comes while it sleeps lives longer than a
// sweepInterval.
func (t *Table) expire(ctx context.Context) {
	sweep := time.Now().Add(sweepInterval)
	timer := time.NewTimer(sweepInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		next := t.removeUntil(now)
		if !now.Before(sweep) {
			t.sweep()
			sweep = now.Add(sweepInterval)
		}
		if next.IsZero() || next.After(sweep) {
			next = sweep
		}
		timer.Reset(time.Until(next))
	}
}

// removeUntil removes the tunnels whose time is over and returns when that of the next one is, zero without one.
func (t *Table) removeUntil(now time.Time) time.Time {
	for {
		t.mu.Lock()
		if t.first == len(t.order) {
			t.order, t.first = nil, 0
			t.mu.Unlock()
			return time.Time{}
		}
		h := t.order[t.first]
		if h.expires.After(now) {
			t.mu.Unlock()
			return h.expires
		}
		t.order[t.first] = nil
		if t.first++; t.first >= 1024 && t.first*2 >= len(t.order) {
			t.order = append([]*hop(nil), t.order[t.first:]...)
			t.first = 0
		}
		t.mu.Unlock()

		s := t.shard(h.id)
		s.mu.Lock()
		delete(s.hops, h.id)
		s.mu.Unlock()
		t.stats.roles[h.role].tunnels.Add(-1)
		h.close()
	}
}

// sweep relieves quiet endpoints of old fragments, and forgets peers that asked for nothing lately.
func (t *Table) sweep() {
	now := t.clock.Now()
	for _, h := range t.snapshot() {
		h.expireFragments(now)
	}
	t.sources.sweep(time.Now())
	t.targets.sweep(time.Now())
}

func (t *Table) snapshot() []*hop {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*hop(nil), t.order[t.first:]...)
}
