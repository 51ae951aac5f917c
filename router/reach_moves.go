package router

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/reachability"
)

// A source is the address that this machine sends from over one IP version. Another one means another network; one that is back
// may be the same address in another one.
type source struct {
	ip   netip.Addr // the last
	gone bool       // there is none now
}

// look notes whether this machine is in another network, or slept.
func (c *reach) look(now time.Time) {
	if !c.looked.IsZero() && now.Round(0).Sub(c.looked.Round(0)) >= restLeast { // by the wall: other clocks sleep too
		c.r.log.Info("the clock jumped: did the machine sleep?")
		c.keeper.Retest(now)
		c.remap()
	}
	c.looked = now
	for _, f := range families {
		if !c.roams(f) {
			continue
		}
		ip, was := c.sourceOf(f), c.sources[f]
		if !ip.IsValid() {
			if !was.gone {
				c.note()
			}
			c.sources[f].gone = true
			continue
		}
		c.sources[f] = source{ip: ip}
		if ip == was.ip && !was.gone {
			continue
		}
		c.note()
		if !was.ip.IsValid() {
			continue // the first
		}
		c.r.log.Info("another network", "family", family(f))
		c.keeper.Moved(now, f)
		if f == reachability.V4 {
			c.remap()
		}
	}
}

// roams: the sockets of an IP version are of all addresses, and those of the system.
func (c *reach) roams(f reachability.Family) bool {
	if c.r.cfg.Sockets.Listen != nil || c.r.cfg.Sockets.ListenPacket != nil {
		return false
	}
	return slices.ContainsFunc(c.r.cfg.both(c.r.bound()), func(b netip.AddrPort) bool {
		return b.Addr().IsUnspecified() && of4or6(f)(b)
	})
}

// remap has the ports mapped anew.
func (c *reach) remap() {
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// sourceAddress is the address that the system would send from to the internet; not valid if it would not. It sends nothing: the
// targets are of documentation, and a connected UDP socket is silent.
func sourceAddress(f reachability.Family) netip.Addr {
	network, to := "udp4", netip.MustParseAddrPort("192.0.2.1:9")
	if f == reachability.V6 {
		network, to = "udp6", netip.MustParseAddrPort("[2001:db8::1]:9")
	}
	conn, err := net.DialUDP(network, nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// leaves is the address that our packets to the internet leave from over an IP version: the bound one, or that of the system where
// all are bound; not valid if not known.
func (c *reach) leaves(f reachability.Family) netip.Addr {
	if c.roams(f) {
		return c.sourceOf(f)
	}
	i := slices.IndexFunc(c.r.bound(), of4or6(f))
	if i < 0 || c.r.cfg.Sockets.ListenPacket != nil || c.r.bound()[i].Addr().IsUnspecified() {
		return netip.Addr{}
	}
	return c.r.bound()[i].Addr().Unmap()
}

// linkMTU is the MTU in bytes of the link to the internet over an IP version: of the interface with the address that we send from;
// 0 if not known.
func (c *reach) linkMTU(f reachability.Family) int {
	ip := c.leaves(f)
	all, err := net.Interfaces()
	if err != nil || !ip.IsValid() {
		return 0
	}
	for _, i := range all {
		addresses, _ := i.Addrs()
		if i.MTU > 0 && slices.ContainsFunc(addresses, func(a net.Addr) bool { return addressOf(a) == ip }) {
			return i.MTU
		}
	}
	return 0
}

// ownAddresses are those of the interfaces of this machine.
func ownAddresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range all {
		if ip := addressOf(a); ip.IsValid() {
			out = append(out, ip)
		}
	}
	return out
}

func addressOf(a net.Addr) netip.Addr {
	p, err := netip.ParsePrefix(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}
