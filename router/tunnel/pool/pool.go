package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// Config of a pool.
type Config struct {
	Inbound, Outbound Shape
}

// A Shape is what one direction of a pool keeps.
type Shape struct {
	Length   int // hops, 0 to MaxHops
	Quantity int // tunnels, 1 to MaxQuantity
}

// Validate reports the first value that is out of range.
func (c Config) Validate() error {
	for _, s := range []struct {
		name  string
		shape Shape
	}{{"inbound", c.Inbound}, {"outbound", c.Outbound}} {
		if s.shape.Length < 0 || s.shape.Length > MaxHops {
			return fmt.Errorf("pool: %s tunnel length %d: want 0 to %d hops", s.name, s.shape.Length, MaxHops)
		}
		if s.shape.Quantity < 1 || s.shape.Quantity > MaxQuantity {
			return fmt.Errorf("pool: %s tunnel quantity %d: want 1 to %d", s.name, s.shape.Quantity, MaxQuantity)
		}
	}
	return nil
}

// Peers chooses the hops of a tunnel and learns how they did.
type Peers interface {
	// Hops chooses n routers in the order that a message passes them. It may return fewer when there are not
	// enough, or an error that says why there are none.
	Hops(d Direction, n int) ([]*i2p.RouterInfo, error)
	// Replied tells that a router agreed to a build request or refused it with a code.
	Replied(router i2p.Hash, code byte)
	// TimedOut tells that a build request through these routers was not answered.
	TimedOut(routers []i2p.Hash)
	// Tested tells that a test through these routers came back or was lost.
	Tested(routers []i2p.Hash, ok bool)
}

// Deps are what a pool works with. Fallback, a pool whose tunnels carry build messages while this one has none, is
// nil for the exploratory pool.
type Deps struct {
	Self     i2p.Hash
	Clock    *clock.Clock
	Peers    Peers
	Sender   Sender
	Table    *Table
	Owner    Owner
	Fallback *Pool
	Log      *slog.Logger
}

// A Pool keeps the tunnels of one owner. It is safe for concurrent use.
type Pool struct {
	cfg      Config
	self     i2p.Hash
	clock    *clock.Clock
	peers    Peers
	sender   Sender
	table    *Table
	owner    Owner
	fallback *Pool
	log      *slog.Logger
	wake     chan struct{} // one token: something changed, look at the schedule anew

	mu       sync.Mutex
	tunnels  [2][]*Tunnel
	pending  [2][]*attempt
	backoff  [2]backoff
	tests    map[i2np.MessageID]*test
	suspects []*Tunnel // to be tested before it is their turn
	next     [2]int    // where choose begins, by direction
	stats    counters
}

type counters struct {
	built, refused, timedOut, noPeers, testsPassed, testsFailed atomic.Uint64
}

// Stats of a pool since its start.
type Stats struct {
	Built, Refused, TimedOut, NoPeers uint64
	TestsPassed, TestsFailed          uint64
	Pending, Testing                  int // builds and tests under way now
}

// New returns a pool that has no tunnels before Run.
func New(cfg Config, deps Deps) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Pool{
		cfg: cfg, self: deps.Self, clock: deps.Clock, peers: deps.Peers, sender: deps.Sender, table: deps.Table,
		owner: deps.Owner, fallback: deps.Fallback, log: deps.Log,
		wake: make(chan struct{}, 1), tests: make(map[i2np.MessageID]*test),
	}, nil
}

// Run builds and replaces tunnels until ctx ends; then it forgets them.
func (p *Pool) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	nextTests := time.Now().Add(testFirst)
	nextSweep := time.Now().Add(sweepInterval)
	for {
		select {
		case <-ctx.Done():
			p.close()
			return nil
		case <-timer.C:
		case <-p.wake:
		}
		now := time.Now()
		p.expireBuilds(now)
		p.expireTests(now)
		p.expireTunnels(now)
		if !now.Before(nextTests) {
			p.startTests(now)
			nextTests = now.Add(p.testPause())
		}
		if !now.Before(nextSweep) {
			for _, t := range p.alive(Inbound, now) {
				t.sweep(p.clock.Now())
			}
			nextSweep = now.Add(sweepInterval)
		}
		next := earlier(nextTests, p.testSuspects(now))
		for _, d := range []Direction{Inbound, Outbound} {
			next = earlier(next, p.fill(d, now))
		}
		timer.Reset(max(time.Until(earlier(next, p.deadline(now))), time.Millisecond))
	}
}

func (p *Pool) remove(t *Tunnel) {
	t.close()
	p.mu.Lock()
	p.tunnels[t.direction] = slices.DeleteFunc(p.tunnels[t.direction], func(o *Tunnel) bool { return o == t })
	p.mu.Unlock()
	if t.direction == Inbound {
		p.table.remove(t)
	}
	p.owner.TunnelsChanged()
}

func (p *Pool) close() {
	p.mu.Lock()
	var all []*Tunnel
	for d := range p.tunnels {
		all = append(all, p.tunnels[d]...)
		p.tunnels[d] = nil
	}
	var pending []*attempt
	for d := range p.pending {
		pending = append(pending, p.pending[d]...)
		p.pending[d] = nil
	}
	p.mu.Unlock()
	for _, t := range all {
		t.close()
		p.table.remove(t)
	}
	for _, a := range pending {
		p.table.removePending(a.reply)
		p.discard(a.tunnel)
	}
}

// Ready reports whether there is a tunnel in both directions.
func (p *Pool) Ready() bool {
	now := time.Now()
	return len(p.alive(Inbound, now)) > 0 && len(p.alive(Outbound, now)) > 0
}

// Tunnels is a snapshot of the tunnels that are alive.
func (p *Pool) Tunnels() []Status {
	now := time.Now()
	var out []Status
	for _, d := range []Direction{Inbound, Outbound} {
		for _, t := range p.alive(d, now) {
			out = append(out, t.Status())
		}
	}
	return out
}

// Stats is a snapshot of the counters.
func (p *Pool) Stats() Stats {
	s := &p.stats
	p.mu.Lock()
	pending, testing := len(p.pending[Inbound])+len(p.pending[Outbound]), len(p.tests)
	p.mu.Unlock()
	return Stats{
		Pending: pending, Testing: testing,
		Built: s.built.Load(), Refused: s.refused.Load(), TimedOut: s.timedOut.Load(), NoPeers: s.noPeers.Load(),
		TestsPassed: s.testsPassed.Load(), TestsFailed: s.testsFailed.Load(),
	}
}

// ErrNoTunnel says that a pool has no tunnel in the direction needed.
var ErrNoTunnel = errors.New("pool: no tunnel")
