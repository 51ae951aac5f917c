package router

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"clove.i2p/router/udp"
)

// A Port is one that a router listens on.
type Port struct {
	Style string // NTCP2, SSU2
	// At is where it is bound. Err of TryPorts says why it cannot be.
	At  netip.AddrPort
	Err error
}

// Network is "TCP" or "UDP".
func (p Port) Network() string {
	if p.Style == "NTCP2" {
		return "TCP"
	}
	return "UDP"
}

// ports are where the transports listen.
func (r *Router) ports() (all []Port) {
	if r.ntcp2 != nil {
		for _, at := range r.ntcp2.Bound() {
			all = append(all, Port{Style: "NTCP2", At: at})
		}
	}
	if r.ssu2 != nil {
		for _, at := range r.ssu2.Bound() {
			all = append(all, Port{Style: "SSU2", At: at})
		}
	}
	return all
}

// TryPorts binds the ports that New would, as far as they are known before it, and frees them: for a router that does not run. It
// changes nothing. The error is about the configuration, or about files.
func TryPorts(cfg Config) ([]Port, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	var all []Port
	for _, t := range []struct {
		style, name string
		e           Endpoint
		mask        int
		try         func(netip.AddrPort, bool) error
	}{{"NTCP2", "ntcp2", cfg.NTCP2, ivLen, tryTCP}, {"SSU2", "ssu2", cfg.SSU2, introKeyLen, tryUDP}} {
		k, err := loadLinkKeys(cfg.DataDir, t.name, t.mask)
		if err != nil {
			return nil, err
		}
		at, err := cfg.endpoints(t.name, t.e, k.port)
		if err != nil {
			return nil, err
		}
		for _, a := range at {
			if a.Port() == 0 {
				continue // any that is free
			}
			p := Port{Style: t.style, At: a}
			if err := t.try(a, len(at) > 1); len(t.e.withoutIPv6(at, err)) > 0 {
				continue // as New does
			} else if err != nil {
				p.Err = taken(t.name, a.Port(), err)
			}
			all = append(all, p)
		}
	}
	return all, nil
}

func tryTCP(at netip.AddrPort, other bool) error {
	network := "tcp"
	switch {
	case at.Addr().Unmap().Is4():
		network = "tcp4"
	case other:
		network = "tcp6"
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), network, at.String())
	if err != nil {
		return err
	}
	return l.Close()
}

func tryUDP(at netip.AddrPort, other bool) error {
	s, err := udp.Listen(at, udp.Options{Mode: udp.Plain, IPv6Only: other})
	if err != nil {
		return err
	}
	return s.Close()
}

// taken says what to do about a port that another program has.
func taken(name string, port uint16, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	network := "TCP"
	if name == "ssu2" {
		network = "UDP"
	}
	which := fmt.Sprintf("%s port %d", network, port)
	if port == 0 {
		which = "the " + network + " port"
	}
	return fmt.Errorf("%s is taken: another program has it, or another clove; end that, or set router.%s.listen to \":PORT\" with another one: %w",
		which, name, err)
}
