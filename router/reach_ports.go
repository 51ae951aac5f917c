package router

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
)

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
		add(portmap.UDP, c.r.cfg.SSU2, c.r.cfg.both(c.r.ssu2.Bound()))
	}
	if c.r.ntcp2 != nil {
		add(portmap.TCP, c.r.cfg.NTCP2, c.r.cfg.both(c.r.ntcp2.Bound()))
	}
	return ports
}

// portmap is how to have them mapped: not by a gateway that our packets do not pass.
func (c *reach) portmap() portmap.Config {
	cfg := c.r.cfg.portmap
	cfg.Ports, cfg.Logger, cfg.Changed = c.mappedPorts(), c.r.log, c.noteMapping
	if !c.r.cfg.AllowPrivate {
		cfg.Source = func() netip.Addr { return c.leaves(reachability.V4) }
	}
	return cfg
}

// mapPorts keeps the ports mapped until ctx ends, and takes the mappings away then; as well when this machine is in another
// network, where it starts anew.
func (c *reach) mapPorts(ctx context.Context) error {
	cfg := c.portmap()
	for ctx.Err() == nil {
		m, err := portmap.New(cfg)
		if err != nil {
			return err
		}
		here, leave := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- m.Run(here) }()
		select {
		case <-c.moved:
		case <-ctx.Done():
		}
		leave()
		if err := <-ended; err != nil {
			return err
		}
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
