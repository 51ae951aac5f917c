package router

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport/ssu2/nat"
)

// reach gathers what tells whether others can connect to us, and makes the transports publish what follows:
//
//	ssu2 (peer tests, Address blocks, strangers), portmap, look -> keeper -> Report -> publish -> transports -> resign
type reach struct {
	r      *Router
	keeper *reachability.Keeper

	// sourceOf is the address that the system sends from; the fields below it are of run.
	sourceOf func(reachability.Family) netip.Addr
	sources  [2]source
	looked   time.Time
	said     [2]reachability.Report // in the log
	seeks    [2]seek
	opening  sync.WaitGroup // sessions for tests and introducers

	mu      sync.Mutex
	changed bool // since the last publish
	mapped  []portmap.State
	moved   chan struct{} // this machine is in another network: the ports are to be mapped there
}

func newReach(r *Router) *reach {
	c := &reach{r: r, sourceOf: sourceAddress, moved: make(chan struct{}, 1)}
	advertise, _ := r.cfg.advertised("ssu2", r.cfg.SSU2)
	c.keeper = reachability.New(reachability.Config{
		Hidden: r.cfg.Hidden, Advertise: advertise, AllowPrivate: r.cfg.AllowPrivate,
		Changed: func(reachability.Report) { c.note() },
	}, time.Now())
	return c
}

// bound says which addresses SSU2 listens on, and has published what follows from that and the configuration alone.
func (c *reach) bound() {
	now := time.Now()
	if c.r.ssu2 != nil {
		c.keeper.LocalChanged(now, c.r.cfg.both(c.r.ssu2.Bound()))
	}
	c.takeChanged()
	c.publish(now)
}

func (c *reach) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = true
}

func (c *reach) takeChanged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.changed
	c.changed = false
	return was
}

// AddressSeen, InboundFrom and Tested are what SSU2 tells: it is an ssu2.Observer.
func (c *reach) AddressSeen(peer i2p.Hash, from netip.Addr, seen netip.AddrPort) {
	c.keeper.AddressSeen(time.Now(), reachability.Peer(peer), from, seen)
}

// InboundFrom: a stranger opened a session.
func (c *reach) InboundFrom(peer i2p.Hash, from netip.Addr) {
	c.keeper.Inbound(time.Now(), reachability.Peer(peer), from)
}

// Tested: a peer test ended.
func (c *reach) Tested(t nat.TestResult) {
	c.keeper.Tested(time.Now(), reachability.Test{
		Family: reachability.Family(t.Family), Outcome: outcomes[t.Outcome], Tested: t.Tested, External: t.External,
		Bob: reachability.Peer(t.Bob), Charlie: reachability.Peer(t.Charlie), BobIP: t.BobIP, CharlieIP: t.CharlieIP, Why: t.Why,
	})
}

var outcomes = map[nat.Outcome]reachability.State{
	nat.OK: reachability.OK, nat.Firewalled: reachability.Firewalled, nat.Symmetric: reachability.Symmetric,
}

// run starts the tests that are due, and signs anew when what we publish changed.
func (c *reach) run(ctx context.Context) error {
	defer c.opening.Wait()
	ticker := time.NewTicker(reachInterval)
	defer ticker.Stop()
	var signed time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := time.Now()
		c.look(now)
		c.keeper.Tick(now)
		c.startTests(ctx, now)
		c.seekIntroducers(ctx, now)
		if c.takeChanged() {
			c.publish(now)
			signed = time.Time{} // a verdict does not wait
		}
		if now.Sub(signed) < republishInterval || c.r.saysSo() {
			continue
		}
		c.r.resign(now)
		signed = now
	}
}

func (c *reach) startTests(ctx context.Context, now time.Time) {
	if c.r.ssu2 == nil {
		return
	}
	for _, f := range families {
		if at := c.keeper.NextTest(now, f); at.IsZero() || now.Before(at) {
			continue
		}
		err := c.r.ssu2.TestReachability(nat.Family(f))
		if err == nil {
			c.keeper.TestStarted(now, f)
			continue
		}
		c.r.log.Debug("no peer test", "family", family(f), "err", err)
		c.keeper.TestFailed(now, f)
		if errors.Is(err, nat.ErrNoBob) {
			c.seekBob(ctx, now, f)
		}
	}
}

var families = []reachability.Family{reachability.V4, reachability.V6}

func (c *reach) mappings() []portmap.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mapped)
}

// reports are the verdicts for both families.
func (c *reach) reports(now time.Time) (all []reachability.Report) {
	for _, f := range families {
		r := c.keeper.Report(now, f)
		if r.State == reachability.Unknown && c.roams(f) && !c.sourceOf(f).IsValid() {
			r.Reason = "this machine has no " + family(f) + " to the internet"
		}
		all = append(all, r)
	}
	return all
}

func family(f reachability.Family) string {
	if f == reachability.V6 {
		return "IPv6"
	}
	return "IPv4"
}

// sameAddresses compares what is published, in any order.
func sameAddresses(a, b []i2p.RouterAddress) bool {
	if len(a) != len(b) {
		return false
	}
	has := make(map[string]int, len(a))
	for _, x := range a {
		has[string(x.Append(nil))]++
	}
	for _, x := range b {
		if has[string(x.Append(nil))]--; has[string(x.Append(nil))] < 0 {
			return false
		}
	}
	return true
}
