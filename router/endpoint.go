package router

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
)

// validateLinks reports the first impossible value of how the router connects to others.
func (c Config) validateLinks() error {
	switch {
	case c.Upstream != "" && c.NTCP2.Disabled:
		return errors.New("router: an upstream proxy needs NTCP2: SSU2 does not go through it")
	case c.NTCP2.Disabled && c.SSU2.Disabled:
		return errors.New("router: NTCP2 and SSU2 are both off: nothing is left to connect with")
	case c.NoIPv4 && c.NoIPv6:
		return errors.New("router: IPv4 and IPv6 are both off: nothing is left to connect with")
	}
	for name, e := range map[string]Endpoint{"ntcp2": c.NTCP2, "ssu2": c.SSU2} {
		if _, err := e.listen(name); err != nil {
			return err
		}
		if _, err := e.advertise(name); err != nil {
			return err
		}
		if _, err := c.endpoints(name, e, 0); err != nil {
			return err
		}
	}
	if _, ok := batching[c.Batching]; !ok {
		return fmt.Errorf("router: batching %q: want auto, batched or plain", c.Batching)
	}
	if _, err := c.postQuantum(); err != nil {
		return err
	}
	_, err := c.upstream()
	return err
}

// listen parses Listen: without a host, all addresses of both IP versions.
func (e Endpoint) listen(name string) ([]netip.AddrPort, error) {
	if len(e.Listen) > 0 && e.Listen[0] == ':' {
		port, err := strconv.ParseUint(e.Listen[1:], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("router: %s listen address %q: want IP:port or :port", name, e.Listen)
		}
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)),
		}, nil
	}
	at, err := netip.ParseAddrPort(e.Listen)
	if err != nil {
		return nil, fmt.Errorf("router: %s listen address %q: want IP:port or :port", name, e.Listen)
	}
	return []netip.AddrPort{at}, nil
}

// advertise parses Advertise; port 0 stands for the port that is listened on.
func (e Endpoint) advertise(name string) ([]netip.AddrPort, error) {
	if e.Advertise == "" {
		return nil, nil
	}
	if ip, err := netip.ParseAddr(e.Advertise); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, 0)}, nil
	}
	at, err := netip.ParseAddrPort(e.Advertise)
	if err != nil {
		return nil, fmt.Errorf("router: %s advertise address %q: want IP or IP:port", name, e.Advertise)
	}
	return []netip.AddrPort{at}, nil
}

// advertised are the addresses to publish for an endpoint; none where nobody can connect, or is to know.
func (c Config) advertised(name string, e Endpoint) ([]netip.AddrPort, error) {
	all, err := e.advertise(name)
	if e.Disabled || c.Hidden || c.Upstream != "" {
		all = nil
	}
	return all, err
}

// endpoints are where a transport listens: what the configuration says, of the IP versions in use, with the port that was
// chosen before for port 0. A transport that is off, or behind a proxy, listens nowhere.
func (c Config) endpoints(name string, e Endpoint, kept uint16) ([]netip.AddrPort, error) {
	at, err := e.listen(name)
	if err != nil || e.Disabled || c.Upstream != "" {
		return nil, err
	}
	var out []netip.AddrPort
	for _, a := range at {
		if v4 := a.Addr().Unmap().Is4(); v4 && c.NoIPv4 || !v4 && c.NoIPv6 {
			continue
		}
		if a.Port() == 0 {
			a = netip.AddrPortFrom(a.Addr(), kept)
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("router: %s listen address %q is of an IP version that is switched off", name, e.Listen)
	}
	return out, nil
}

// withoutIPv6 is what remains of the addresses to listen on where the system has no IPv6 (Linux: ipv6.disable=1), as err says, and
// the configuration did not ask for it by name; none otherwise.
func (e Endpoint) withoutIPv6(listen []netip.AddrPort, err error) []netip.AddrPort {
	if !errors.Is(err, syscall.EAFNOSUPPORT) || e.Listen == "" || e.Listen[0] != ':' {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(listen), func(a netip.AddrPort) bool { return a.Addr().Is6() })
}

// both adds to bound addresses the one of IPv4 that [::] stands for where nothing else listens on IPv4.
func (c Config) both(bound []netip.AddrPort) []netip.AddrPort {
	if c.NoIPv4 || slices.ContainsFunc(bound, func(b netip.AddrPort) bool { return b.Addr().Unmap().Is4() }) {
		return bound
	}
	for _, b := range bound {
		if b.Addr().IsUnspecified() {
			return append(slices.Clone(bound), netip.AddrPortFrom(netip.IPv4Unspecified(), b.Port()))
		}
	}
	return bound
}
