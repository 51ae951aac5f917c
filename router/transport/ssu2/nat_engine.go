package ssu2

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// A natEngine runs ssu2/nat on a goroutine of its own: what the readers bring for it waits in a bounded queue, so that neither
// a signature nor a session's lock holds a reader up. Lock order: natEngine, then session, then table.
type natEngine struct {
	s     *server
	queue chan func(now time.Time)

	need [2]atomic.Bool // by nat.Family: introducers; a full queue must not lose that

	mu     sync.Mutex
	engine *nat.Engine // nil without a signing key: no tests, no relays
	relays map[uint32]*relay
	voted  [2]voted // by nat.Family
}

// voted is the address that most peers saw us at when they were asked last, for votedTime.
type voted struct {
	at    netip.AddrPort
	until time.Time
}

func newNATEngine(s *server) (*natEngine, error) {
	n := &natEngine{s: s, queue: make(chan func(time.Time), maxNATQueue), relays: make(map[uint32]*relay)}
	if s.cfg.SigningKey.IsZero() {
		return n, nil
	}
	var err error
	n.engine, err = nat.New(nat.Config{
		Self: s.cfg.SelfHash, Signing: s.cfg.SigningKey, AllowPrivate: s.cfg.AllowPrivate, Offset: s.clock.Offset,
	}, (*natHost)(n))
	return n, err
}

// run works until ctx ends.
func (n *natEngine) run(ctx context.Context) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	for {
		var do func(time.Time)
		select {
		case <-ctx.Done():
			return
		case do = <-n.queue:
		case <-timer.C:
		}
		if n.engine == nil {
			continue
		}
		n.mu.Lock()
		now := time.Now()
		for f := range n.need {
			n.engine.NeedIntroducers(now, nat.Family(f), n.need[f].Load())
		}
		if do != nil {
			do(now)
		}
		n.engine.Tick(now) // after each: were it left to the timer, whoever sends fast would put it off
		if next := n.engine.Deadline(); !next.IsZero() {
			timer.Reset(max(next.Sub(now), time.Millisecond))
		}
		n.mu.Unlock()
	}
}

func (n *natEngine) post(do func(now time.Time)) {
	if n.engine == nil {
		return
	}
	select {
	case n.queue <- do:
	default:
		n.s.c.droppedEvents.Add(1)
	}
}

// block takes a block of a session; the body moves.
func (n *natEngine) block(from i2p.Hash, t wire.BlockType, body []byte) {
	n.post(func(now time.Time) { n.engine.HandleBlock(now, from, t, body) })
}

// outside takes a packet that was opened with our intro key; the payload moves.
func (n *natEngine) outside(from netip.AddrPort, h wire.Header, payload []byte) {
	if len(n.queue) >= maxNATOutside {
		n.s.c.droppedEvents.Add(1)
		return
	}
	n.post(func(now time.Time) { n.engine.HandleOutside(now, from, h, payload) })
}

func (n *natEngine) routerInfo(of i2p.Hash) {
	n.post(func(now time.Time) { n.engine.HandleRouterInfo(now, of) })
}

func (n *natEngine) closed(peer i2p.Hash) {
	n.post(func(now time.Time) {
		if n.s.table.session(peer) == nil {
			n.engine.SessionClosed(now, peer)
		}
	})
}

// published tells the engine whether introducers are needed.
func (n *natEngine) published(p Publication) {
	n.need[nat.V4].Store(p.V4.Presence == Firewalled)
	n.need[nat.V6].Store(p.V6.Presence == Firewalled)
	n.awake()
}

func (n *natEngine) wantsTag(ri *i2p.RouterInfo, at netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.engine != nil && n.engine.WantTag(nat.FamilyOf(at), ri)
}

func (n *natEngine) helpsTests(ri *i2p.RouterInfo, f nat.Family) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.engine != nil && n.engine.HelpsTests(f, ri)
}

func (n *natEngine) introducers(f nat.Family) []nat.Introducer {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.engine == nil {
		return nil
	}
	return n.engine.Introducers(f)
}

func (n *natEngine) missing(f nat.Family) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.engine == nil {
		return 0
	}
	return n.engine.MissingIntroducers(f)
}

func (n *natEngine) test(f nat.Family) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.engine == nil {
		return nat.ErrNoBob
	}
	err := n.engine.StartTest(time.Now(), f)
	n.awake()
	return err
}

// awake makes run look at the deadline.
func (n *natEngine) awake() { n.post(func(time.Time) {}) }

// keep says that a session serves a relay: it is not idle for as long as an introducer is published.
func (n *natEngine) keep(peer i2p.Hash) {
	if sn := n.s.table.session(peer); sn != nil {
		sn.kept.Store(int64(time.Since(sn.since) + nat.IntroducerTime))
	}
}
