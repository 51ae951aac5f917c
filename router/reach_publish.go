package router

import (
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/netaddr"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport/ssu2"
)

// publish hands the verdicts to the transports.
func (c *reach) publish(now time.Time) {
	var p ssu2.Publication
	var absent [2]bool
	hosts, _ := c.r.cfg.advertised("ntcp2", c.r.cfg.NTCP2)
	for _, f := range families {
		report := c.keeper.Report(now, f)
		c.say(report)
		if report.State == reachability.OK && !report.External.IsValid() {
			report.State = reachability.Unknown // strangers come, but where to is not known
		}
		of := &p.V4
		if f == reachability.V6 {
			of = &p.V6
		}
		switch report.State {
		case reachability.OK:
			*of = ssu2.Family{Presence: ssu2.Direct, At: report.External}
		case reachability.Firewalled, reachability.Symmetric:
			*of = ssu2.Family{Presence: ssu2.Firewalled, At: c.forwarded(report)}
		case reachability.Unknown:
			*of = ssu2.Family{At: c.forwarded(report)}
		case reachability.Hidden, reachability.Disabled:
			*of = ssu2.Family{Presence: ssu2.Hidden}
		}
		of.MTU = c.linkMTU(f)
		if absent[f] = c.absent(report); absent[f] {
			of.Presence = ssu2.Absent
		}
		if host, ok := c.tcp(report); ok && !slices.ContainsFunc(hosts, of4or6(f)) {
			hosts = append(hosts, host)
		}
	}
	if c.r.ssu2 != nil {
		c.r.ssu2.Publish(p)
	}
	if c.r.ntcp2 != nil {
		c.r.ntcp2.Absent(absent[reachability.V4], absent[reachability.V6])
		c.r.ntcp2.Publish(hosts...)
	}
}

// say logs a verdict that is another one.
func (c *reach) say(r reachability.Report) {
	old := c.said[r.Family]
	c.said[r.Family] = r
	if r.State != old.State || r.External != old.External {
		c.r.log.Info("reachability", "family", family(r.Family), "state", r.State.String(), "reason", r.Reason)
	}
}

// absent reports whether this machine has the internet over the other IP version only: then we do not say that we use this one.
func (c *reach) absent(r reachability.Report) bool {
	if r.External.IsValid() || c.r.cfg.AllowPrivate || !c.roams(r.Family) {
		return false
	}
	return !c.sourceOf(r.Family).IsValid() && c.sourceOf(reachability.V4+reachability.V6-r.Family).IsValid()
}

// tcp is where NTCP2 is reached, with port 0 for the bound one. Peer tests say nothing of TCP, so the address at which SSU2 is
// reached has to be of this machine, or forwarded for TCP too. Where there is no SSU2, and so no test, it is the forwarded
// one, or that of this machine if it is of the internet.
func (c *reach) tcp(r reachability.Report) (netip.AddrPort, bool) {
	if c.r.ntcp2 == nil || c.r.cfg.Hidden || c.r.cfg.Upstream != "" {
		return netip.AddrPort{}, false
	}
	ip := r.External.Addr()
	switch {
	case r.State == reachability.OK:
	case r.State == reachability.Disabled && c.r.ssu2 == nil && !c.r.cfg.AllowPrivate:
		ip = netip.Addr{}
	default:
		return netip.AddrPort{}, false
	}
	if at, ok := c.forward(portmap.TCP); ok && r.Family == reachability.V4 && (at.Addr() == ip || !ip.IsValid()) {
		return at, true
	}
	own := ip
	if !ip.IsValid() {
		own = c.sourceOf(r.Family)
	}
	ok := own.IsValid() && (c.r.cfg.AllowPrivate || netaddr.Public(own)) && slices.Contains(ownAddresses(), own)
	return netip.AddrPortFrom(own, 0), ok && c.listensTCP(own)
}

// listensTCP reports whether NTCP2 takes connections to an address of this machine.
func (c *reach) listensTCP(ip netip.Addr) bool {
	return slices.ContainsFunc(c.r.cfg.both(c.r.ntcp2.Bound()), func(b netip.AddrPort) bool {
		return b.Addr() == ip || b.Addr().IsUnspecified() && b.Addr().Is4() == ip.Is4()
	})
}

func of4or6(f reachability.Family) func(netip.AddrPort) bool {
	return func(a netip.AddrPort) bool { return a.Addr().Unmap().Is4() == (f == reachability.V4) }
}

// forwarded is where the home router takes what is for SSU2, unless peers see us elsewhere: peer tests should try it.
func (c *reach) forwarded(r reachability.Report) netip.AddrPort {
	if at, ok := c.forward(portmap.UDP); ok && at == r.External {
		return at
	}
	return netip.AddrPort{}
}

// forward is the address outside that the home router forwards.
func (c *reach) forward(t portmap.Transport) (netip.AddrPort, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mapped {
		if m.Port.Transport == t && m.Public() {
			return m.External, true
		}
	}
	return netip.AddrPort{}, false
}
