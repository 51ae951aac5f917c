package simnet

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"clove.i2p/router/udp"
)

// A Host has addresses and sockets.
type Host struct {
	net   *Internet
	at    *domain
	name  string
	addrs []netip.Addr
	out   lane
	in    lane
	socks map[netip.AddrPort]*Socket
	last  uint16
}

// Host adds a host with public addresses.
func (n *Internet) Host(name string, addrs ...netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host(&n.root, name, addrs)
}

func (n *Internet) host(at *domain, name string, addrs []netip.Addr) *Host {
	h := &Host{net: n, at: at, name: name, out: n.lane(), in: n.lane(), socks: map[netip.AddrPort]*Socket{}, last: 49151}
	h.join(addrs)
	return h
}

func (h *Host) join(addrs []netip.Addr) {
	for _, a := range addrs {
		a = a.Unmap()
		h.at.add(a, h)
		h.at.announce(a)
		h.addrs = append(h.addrs, a)
	}
}

// Move gives the host other addresses in place of its own. Sockets bound to all addresses go on with them; what is on
// its way to an old address is lost.
func (h *Host) Move(addrs ...netip.Addr) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, a := range h.addrs {
		delete(h.at.nodes, a)
		h.at.withdraw(a)
	}
	h.addrs = nil
	h.join(addrs)
}

// SetPath changes what packets go through on their way out of the host and in.
func (h *Host) SetPath(out, in Path) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.out.set(out)
	h.in.set(in)
}

// Listen binds a socket. Of the options only IPv6Only counts; port 0 is one that is free.
func (h *Host) Listen(at netip.AddrPort, o udp.Options) (*Socket, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if !at.Addr().IsUnspecified() && !slices.Contains(h.addrs, at.Addr()) {
		return nil, fmt.Errorf("simnet: listen on %s: %w", at, syscall.EADDRNOTAVAIL)
	}
	if at.Port() == 0 {
		for h.last++; h.used(netip.AddrPortFrom(at.Addr(), h.last), o); h.last++ {
		}
		at = netip.AddrPortFrom(at.Addr(), h.last)
	}
	if h.used(at, o) {
		return nil, fmt.Errorf("simnet: listen on %s: %w", at, syscall.EADDRINUSE)
	}
	s := newSocket(h, at, at.Addr().Is6() && at.Addr().IsUnspecified() && !o.IPv6Only)
	h.socks[at] = s
	return s, nil
}

// used reports whether another socket takes what this one would.
func (h *Host) used(at netip.AddrPort, o udp.Options) bool {
	if h.socks[at] != nil {
		return true
	}
	if !at.Addr().IsUnspecified() {
		return false
	}
	v4 := h.socks[netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port())]
	v6 := h.socks[netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())]
	return at.Addr().Is6() && !o.IPv6Only && v4 != nil || at.Addr().Is4() && v6 != nil && v6.dual
}

// socket finds who takes a datagram: the most exact one.
func (h *Host) socket(to netip.AddrPort) *Socket {
	if s := h.socks[to]; s != nil {
		return s
	}
	if to.Addr().Is4() {
		if s := h.socks[netip.AddrPortFrom(netip.IPv4Unspecified(), to.Port())]; s != nil {
			return s
		}
	}
	s := h.socks[netip.AddrPortFrom(netip.IPv6Unspecified(), to.Port())]
	if s == nil || to.Addr().Is4() && !s.dual {
		return nil
	}
	return s
}

func (h *Host) arrive(p datagram) {
	s := h.socket(p.to)
	switch {
	case s == nil:
		h.net.watch(h.name, p, NoSocket)
	case !s.take(p):
		h.net.watch(h.name, p, QueueFull)
	default:
		h.net.watch(h.name, p, Delivered)
	}
}

func (h *Host) down() (*lane, string) { return &h.in, h.name }

// source is the address that a datagram leaves from.
func (h *Host) source(s *Socket, wish netip.Addr, to netip.Addr) (netip.Addr, bool) {
	if !s.at.Addr().IsUnspecified() {
		return s.at.Addr(), s.at.Addr().Is4() == to.Is4()
	}
	if to.Is4() && s.at.Addr().Is6() && !s.dual || to.Is6() && s.at.Addr().Is4() {
		return netip.Addr{}, false
	}
	if wish.IsValid() && wish.Is4() == to.Is4() && slices.Contains(h.addrs, wish) {
		return wish, true
	}
	for _, a := range h.addrs {
		if a.Is4() == to.Is4() {
			return a, true
		}
	}
	return netip.Addr{}, false
}
