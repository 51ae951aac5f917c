package simnet

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"time"
)

// NATKind is how a box translates and filters (RFC 4787 names in brackets).
type NATKind uint8

// Kinds of NAT.
const (
	FullCone          NATKind = iota // one mapping for an inside port, open to all (endpoint-independent filtering)
	AddressRestricted                // open to addresses it sent to (address-dependent filtering)
	PortRestricted                   // open to addresses and ports it sent to (address and port-dependent filtering)
	Symmetric                        // and another mapping for each of them (address and port-dependent mapping)
	Firewall                         // no translation; filters as PortRestricted
)

func (k NATKind) String() string {
	return [...]string{"full cone", "address-restricted", "port-restricted", "symmetric", "firewall"}[k]
}

// defaultMapping is how long a mapping lives without being used from the inside: many boxes at home use this, though
// RFC 4787 asks for two minutes.
const defaultMapping = 60 * time.Second

// NATOptions of a box. The zero value with an External address is one that is common.
type NATOptions struct {
	Kind NATKind
	// External is the address outside; not used by a Firewall.
	External netip.Addr
	// Timeout of mappings and of what a filter lets in, counted from the last packet out; 0 for a minute.
	Timeout time.Duration
	// Hairpin lets hosts inside reach each other by their mappings.
	Hairpin bool
	// KeepPort gives a mapping the number of the port inside, if that is free.
	KeepPort bool
}

// A NAT is a box between a domain of its own and the one it stands in. It translates IPv4; for IPv6 it is a firewall, as
// boxes are: hosts inside keep their public addresses.
type NAT struct {
	net     *Internet
	at      *domain
	name    string
	o       NATOptions
	inside  domain
	out, in lane

	byInside  map[flowKey]*mapping
	byOutside map[netip.AddrPort]*mapping
	flows     map[flowKey]time.Time // of what is filtered without translation
	turn      uint64
}

// flowKey is a port inside, and whom it speaks to where that matters.
type flowKey struct{ inside, remote netip.AddrPort }

type mapping struct {
	key     flowKey
	outside netip.AddrPort
	last    time.Time
	static  bool
	sent    map[netip.AddrPort]time.Time // to whom; without port for AddressRestricted
}

// NAT adds a box to the public network.
func (n *Internet) NAT(name string, o NATOptions) *NAT {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.nat(&n.root, name, o)
}

// NAT adds a box behind this one, as providers have them.
func (b *NAT) NAT(name string, o NATOptions) *NAT {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return b.net.nat(&b.inside, name, o)
}

func (n *Internet) nat(at *domain, name string, o NATOptions) *NAT {
	if o.Timeout == 0 {
		o.Timeout = defaultMapping
	}
	b := &NAT{net: n, at: at, name: name, o: o, out: n.lane(), in: n.lane()}
	b.inside = domain{net: n, gateway: b}
	b.reset()
	if o.Kind != Firewall {
		at.add(o.External, b)
	}
	return b
}

func (b *NAT) reset() {
	b.byInside, b.byOutside = map[flowKey]*mapping{}, map[netip.AddrPort]*mapping{}
	b.flows = map[flowKey]time.Time{}
}

// Host adds a host inside: private addresses, or public ones of IPv6 or behind a Firewall.
func (b *NAT) Host(name string, addrs ...netip.Addr) *Host {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return b.net.host(&b.inside, name, addrs)
}

// SetPath changes what packets go through on their way out of the box and in.
func (b *NAT) SetPath(out, in Path) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.out.set(out)
	b.in.set(in)
}

// passes reports whether the box forwards an address without translation.
func (b *NAT) passes(a netip.Addr) bool { return b.o.Kind == Firewall || a.Is6() }

// announce makes an address inside a box reachable where the box does not translate.
func (d *domain) announce(a netip.Addr) {
	if b := d.gateway; b != nil && b.passes(a) {
		b.at.add(a, b)
		b.at.announce(a)
	}
}

func (d *domain) withdraw(a netip.Addr) {
	if b := d.gateway; b != nil && b.passes(a) {
		delete(b.at.nodes, a)
		b.at.withdraw(a)
	}
}

func (b *NAT) down() (*lane, string) { return &b.in, b.name }

// Forward maps a port outside to a host inside, open to all and for good, as UPnP does.
func (b *NAT) Forward(port uint16, inside netip.AddrPort) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	m := &mapping{key: flowKey{inside: inside}, outside: netip.AddrPortFrom(b.o.External, port), static: true}
	b.byInside[m.key], b.byOutside[m.outside] = m, m
}

// Rebind forgets the mappings of ports inside, of all ports if none is named: the next packet out makes others.
func (b *NAT) Rebind(inside ...netip.AddrPort) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.turn++
	if len(inside) == 0 {
		b.reset()
		return
	}
	for _, p := range inside {
		for k, m := range b.byInside {
			if k.inside == p {
				b.forget(m)
			}
		}
	}
}

// SetExternal gives the box another address outside; all mappings are forgotten.
func (b *NAT) SetExternal(a netip.Addr) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	delete(b.at.nodes, b.o.External)
	b.o.External = a
	b.at.add(a, b)
	b.turn++
	b.reset()
}

// Mapping is the address outside that a port inside has when it speaks to remote.
func (b *NAT) Mapping(inside, remote netip.AddrPort) (netip.AddrPort, bool) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	m := b.find(inside, remote)
	if m == nil {
		return netip.AddrPort{}, false
	}
	return m.outside, true
}

func (b *NAT) forget(m *mapping) {
	delete(b.byInside, m.key)
	delete(b.byOutside, m.outside)
}

// fresh reports whether a mapping is alive, and forgets it if not.
func (b *NAT) fresh(m *mapping) bool {
	if m.static || time.Since(m.last) < b.o.Timeout {
		return true
	}
	b.forget(m)
	return false
}

// find returns the mapping of a port inside toward remote; nil if there is none.
func (b *NAT) find(inside, remote netip.AddrPort) *mapping {
	if m := b.byInside[flowKey{inside: inside}]; m != nil && b.fresh(m) {
		return m
	}
	if b.o.Kind != Symmetric {
		return nil
	}
	if m := b.byInside[flowKey{inside, remote}]; m != nil && b.fresh(m) {
		return m
	}
	return nil
}

// open returns the mapping of a port inside toward remote, and makes it where there is none.
func (b *NAT) open(inside, remote netip.AddrPort) *mapping {
	m := b.find(inside, remote)
	if m == nil {
		m = &mapping{key: flowKey{inside: inside}, sent: map[netip.AddrPort]time.Time{}}
		if b.o.Kind == Symmetric {
			m.key.remote = remote
		}
		m.outside = b.choose(m.key)
		b.byInside[m.key], b.byOutside[m.outside] = m, m
	}
	if !m.static {
		m.last = time.Now()
		m.sent[b.scope(remote)] = m.last
	}
	return m
}

// choose finds a free port outside. It depends on the seed and on what is mapped, not on the order of mappings.
func (b *NAT) choose(k flowKey) netip.AddrPort {
	if b.o.KeepPort {
		if a := netip.AddrPortFrom(b.o.External, k.inside.Port()); !b.taken(a) {
			return a
		}
	}
	h := fnv.New64a()
	fmt.Fprint(h, b.net.seed, b.name, k.inside, k.remote, b.turn, time.Now().UnixNano())
	for x := h.Sum64(); ; x++ {
		if a := netip.AddrPortFrom(b.o.External, uint16(10000+x%50000)); !b.taken(a) {
			return a
		}
	}
}

func (b *NAT) taken(a netip.AddrPort) bool {
	m := b.byOutside[a]
	return m != nil && b.fresh(m)
}

// scope is the part of a remote address that the filter looks at.
func (b *NAT) scope(remote netip.AddrPort) netip.AddrPort {
	if b.o.Kind == AddressRestricted {
		return netip.AddrPortFrom(remote.Addr(), 0)
	}
	return remote
}

// outbound takes a datagram from inside that nobody inside has the address of.
func (b *NAT) outbound(p datagram) {
	if b.passes(p.from.Addr()) {
		b.flows[flowKey{p.from, p.to}] = time.Now()
	} else {
		if p.to.Addr() == b.o.External && !b.o.Hairpin {
			b.net.watch(b.name, p, NotHairpin)
			return
		}
		p.from = b.open(p.from, p.to).outside
	}
	if p.to.Addr() == b.o.External {
		b.arrive(p)
		return
	}
	b.net.pass(&b.out, b.name+" out", p, b.at.route)
}

// arrive takes a datagram from outside.
func (b *NAT) arrive(p datagram) {
	if b.passes(p.to.Addr()) {
		if at, ok := b.flows[flowKey{p.to, p.from}]; !ok || time.Since(at) >= b.o.Timeout {
			b.net.watch(b.name, p, Filtered)
			return
		}
		b.inside.route(p)
		return
	}
	m := b.byOutside[p.to]
	if m == nil || !b.fresh(m) {
		b.net.watch(b.name, p, NoMapping)
		return
	}
	if !m.static && b.o.Kind != FullCone {
		if at, ok := m.sent[b.scope(p.from)]; !ok || time.Since(at) >= b.o.Timeout {
			b.net.watch(b.name, p, Filtered)
			return
		}
	}
	p.to = m.key.inside
	b.inside.route(p)
}

// Kind is what the box is.
func (b *NAT) Kind() NATKind { return b.o.Kind }
