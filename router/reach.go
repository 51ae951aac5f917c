package router

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/transport/ssu2/nat"
)

const (
	// reachInterval is how often tests that are due start, and our addresses are looked at.
	reachInterval = 5 * time.Second
	// republishInterval is the least time between two RouterInfos because of addresses that changed: introducers come and
	// go, and each RouterInfo goes to floodfills.
	republishInterval = time.Minute
)

// reach gathers what tells whether others can connect to us, and makes the transports publish what follows:
//
//	ssu2 (peer tests, Address blocks, strangers), portmap -> keeper -> Report -> publish -> transports -> sign
type reach struct {
	r      *Router
	keeper *reachability.Keeper

	mu      sync.Mutex
	changed bool // since the last publish
	mapped  []portmap.State
}

func newReach(r *Router) *reach {
	c := &reach{r: r}
	var advertise []netip.AddrPort
	if list, err := r.cfg.SSU2.advertise("ssu2"); err == nil && !r.cfg.SSU2.Disabled {
		advertise = list
	}
	c.keeper = reachability.New(reachability.Config{
		Hidden: r.cfg.Hidden, Advertise: advertise, AllowPrivate: r.cfg.AllowPrivate,
		Changed: func(reachability.Report) { c.note() },
	}, time.Now())
	return c
}

// bound says which addresses SSU2 listens on.
func (c *reach) bound() {
	if c.r.ssu2 != nil {
		c.keeper.LocalChanged(time.Now(), c.r.ssu2.Bound())
	}
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
		c.keeper.Tick(now)
		c.startTests(now)
		c.seekIntroducers(ctx)
		if c.takeChanged() {
			c.publish(now)
			signed = time.Time{} // a verdict does not wait
		}
		if now.Sub(signed) < republishInterval || sameAddresses(c.r.own.Load().Addresses(), c.r.addresses()) {
			continue
		}
		if err := c.r.sign(); err != nil {
			c.r.log.Error("RouterInfo not signed", "err", err)
			continue
		}
		signed = now
		c.r.db.SelfChanged()
	}
}

func (c *reach) startTests(now time.Time) {
	if c.r.ssu2 == nil {
		return
	}
	for _, f := range families {
		if at := c.keeper.NextTest(now, f); at.IsZero() || now.Before(at) {
			continue
		}
		if err := c.r.ssu2.TestReachability(f == reachability.V6); err != nil {
			c.r.log.Debug("no peer test", "family", family(f), "err", err)
			c.keeper.TestFailed(now, f)
		} else {
			c.keeper.TestStarted(now, f)
		}
	}
}

// introducersAtOnce bounds the sessions that are opened for introducers in each turn.
const introducersAtOnce = 2

// seekIntroducers opens sessions with routers that can introduce others to us, while those that do are too few.
func (c *reach) seekIntroducers(ctx context.Context) {
	if c.r.ssu2 == nil {
		return
	}
	for _, f := range families {
		missing := min(c.r.ssu2.MissingIntroducers(f == reachability.V6), introducersAtOnce)
		if missing <= 0 {
			continue
		}
		var fit []i2p.Hash
		c.r.db.Routers(func(ri *i2p.RouterInfo) bool {
			if c.r.ssu2.WantsIntroducer(ri, f == reachability.V6) && c.r.book.Reaches(ri.Hash()) && !c.r.mux.Connected(ri.Hash()) {
				fit = append(fit, ri.Hash())
			}
			return true
		})
		rnd := newRand()
		rnd.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
		for _, router := range fit[:min(missing, len(fit))] {
			c.r.mux.Want(router)
		}
	}
}

var families = []reachability.Family{reachability.V4, reachability.V6}

// publish hands the verdicts to the transports.
func (c *reach) publish(now time.Time) {
	var hosts []netip.AddrPort // of NTCP2
	var p ssu2.Publication
	for _, f := range families {
		report := c.keeper.Report(now, f)
		c.r.log.Info("reachability", "family", family(f), "state", report.State.String(), "reason", report.Reason)
		of := &p.V4
		if f == reachability.V6 {
			of = &p.V6
		}
		switch report.State {
		case reachability.OK:
			*of = ssu2.Family{Presence: ssu2.Direct, At: report.External}
			if host, ok := c.tcp(report.External.Addr()); ok {
				hosts = append(hosts, host)
			}
		case reachability.Firewalled, reachability.Symmetric:
			*of = ssu2.Family{Presence: ssu2.Firewalled, At: c.forwarded(f)}
		case reachability.Unknown:
			*of = ssu2.Family{At: c.forwarded(f)}
		case reachability.Hidden, reachability.Disabled:
			*of = ssu2.Family{Presence: ssu2.Hidden}
		}
	}
	if c.r.ssu2 != nil {
		c.r.ssu2.Publish(p)
	}
	if c.r.ntcp2 != nil && c.r.cfg.NTCP2.Advertise == "" {
		c.r.ntcp2.Publish(hosts...)
	}
}

// tcp is where NTCP2 is reached at an address that SSU2 is reached at: peer tests say nothing of TCP, so the address has to be of
// this machine, or forwarded for TCP too. Port 0 is the bound port.
func (c *reach) tcp(ip netip.Addr) (netip.AddrPort, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mapped {
		if m.Port.Transport == portmap.TCP && m.Public() && m.External.Addr() == ip {
			return m.External, true
		}
	}
	return netip.AddrPortFrom(ip, 0), slices.Contains(ownAddresses(), ip)
}

// forwarded is where the home router takes what is for SSU2: peer tests should try it.
func (c *reach) forwarded(f reachability.Family) netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mapped {
		if f == reachability.V4 && m.Port.Transport == portmap.UDP && m.Public() {
			return m.External
		}
	}
	return netip.AddrPort{}
}

// ownAddresses are those of the interfaces of this machine.
func ownAddresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out
}

// wantsMapping: not where an address is configured, nor where there can be no home router.
func (c *reach) wantsMapping() bool {
	cfg := c.r.cfg
	if !cfg.PortMapping || cfg.Hidden || cfg.Upstream != "" || cfg.AllowPrivate && !cfg.portmap.AllowPrivate {
		return false
	}
	return len(c.mappedPorts()) > 0
}

// mappedPorts are those that a home router could forward: of listeners whose public address is not known.
func (c *reach) mappedPorts() (ports []portmap.Port) {
	add := func(t portmap.Transport, e Endpoint, bound []netip.AddrPort) {
		for _, b := range bound {
			ip := b.Addr().Unmap()
			if e.Advertise == "" && ip.Is4() && (ip.IsUnspecified() || ip.IsPrivate() || ip.IsLoopback() && c.r.cfg.portmap.AllowPrivate) {
				ports = append(ports, portmap.Port{Transport: t, Internal: b.Port()})
			}
		}
	}
	if c.r.ssu2 != nil {
		add(portmap.UDP, c.r.cfg.SSU2, c.r.ssu2.Bound())
	}
	if c.r.ntcp2 != nil {
		add(portmap.TCP, c.r.cfg.NTCP2, c.r.ntcp2.Bound())
	}
	return ports
}

// mapPorts keeps the ports mapped until ctx ends, and takes the mappings away then.
func (c *reach) mapPorts(ctx context.Context) error {
	cfg := c.r.cfg.portmap
	cfg.Ports, cfg.Logger, cfg.Changed = c.mappedPorts(), c.r.log, c.noteMapping
	m, err := portmap.New(cfg)
	if err != nil {
		return err
	}
	if err := m.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.r.log.Warn("ports are not mapped", "err", err)
	}
	return nil
}

func (c *reach) noteMapping(s portmap.State) {
	c.mu.Lock()
	i := slices.IndexFunc(c.mapped, func(m portmap.State) bool { return m.Port == s.Port })
	if i < 0 {
		c.mapped = append(c.mapped, s)
	} else {
		c.mapped[i] = s
	}
	c.changed = true // NTCP2 may be reached now, or no longer
	c.mu.Unlock()
	if s.Port.Transport != portmap.UDP {
		return
	}
	if s.Public() {
		c.keeper.Mapped(time.Now(), s.External, s.Protocol.String())
	} else {
		c.keeper.Unmapped(time.Now(), reachability.V4)
	}
}

func (c *reach) mappings() []portmap.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mapped)
}

// reports are the verdicts for both families.
func (c *reach) reports(now time.Time) (all []reachability.Report) {
	for _, f := range families {
		all = append(all, c.keeper.Report(now, f))
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
