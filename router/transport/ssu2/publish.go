package ssu2

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
)

const (
	style = "SSU2"
	// costPublished is more than that of NTCP2 addresses, so that peers prefer those; costUnpublished is the value that the
	// specification suggests.
	costPublished   = 8
	costUnpublished = 14
)

// Presence is how much of one IP version is published.
type Presence uint8

// A direct address has a host and port, a firewalled one introducers, a hidden one keys only. With Automatic, Config.Advertise
// and the bound addresses decide. Absent: the IP version is not used at all.
const (
	Automatic Presence = iota
	Direct
	Firewalled
	Hidden
	Absent
)

// A Publication is what the published addresses shall say.
type Publication struct{ V4, V6 Family }

// A Family is one IP version.
type Family struct {
	Presence Presence
	// At is the address of Direct; port 0 stands for the bound port. Of the others, if it is valid, the one that a peer test
	// should try, such as a mapped one.
	At netip.AddrPort
	// MTU in bytes of our link to the internet over this IP version; 0: Config.MTU, which it may not be above.
	MTU int
}

// Publish replaces what is published. Addresses changes with it.
func (t *Transport) Publish(p Publication) {
	t.mu.Lock()
	moved := p.V4.At != t.published.V4.At || p.V6.At != t.published.V6.At
	t.published = p
	s := t.server
	if s != nil {
		s.nat.published(p) // in the order of the calls
	}
	t.mu.Unlock()
	if s != nil && moved { // the tokens that peers gave us are for our old address
		s.purse.forget()
	}
}

func (t *Transport) family(f nat.Family) Family {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f == nat.V4 {
		return t.published.V4
	}
	return t.published.V6
}

// mtu is the largest IP packet, in bytes, that we send to an IP version (specification: "MTU") and say that we take.
func (t *Transport) mtu(ip netip.Addr) int {
	if mtu := t.family(nat.FamilyOf(ip)).MTU; mtu != 0 {
		return min(max(mtu, minMTU), t.cfg.MTU)
	}
	return t.cfg.MTU
}

// Addresses are the RouterAddresses to publish: of each IP version the direct addresses; those with introducers where it is
// firewalled; and one without either for all the rest, so that peers know our keys.
func (t *Transport) Addresses() []i2p.RouterAddress {
	var all []i2p.RouterAddress
	var rest []string // IP versions that are not in another address
	narrow := t.cfg.MTU
	for _, f := range []nat.Family{nat.V4, nat.V6} {
		p := t.family(f)
		if t.socketFor(anyOf(f)) < 0 || p.Presence == Absent {
			continue
		}
		hosts := t.hosts(f, p)
		for _, h := range hosts {
			all = append(all, t.address(costPublished, t.mtu(anyOf(f)), map[string]string{
				"host": h.Addr().Unmap().String(), "port": strconv.Itoa(int(h.Port())), "caps": "BC",
			}))
		}
		if len(hosts) > 0 {
			continue
		}
		var through []nat.Introducer
		if p.Presence == Firewalled {
			through = t.Introducers(f)
		}
		if len(through) == 0 {
			rest, narrow = append(rest, capOf(f)), min(narrow, t.mtu(anyOf(f)))
			continue
		}
		options := map[string]string{"caps": capOf(f)}
		nat.PublishIntroducers(options, through)
		all = append(all, t.address(costUnpublished, t.mtu(anyOf(f)), options))
	}
	if len(rest) > 0 || len(all) == 0 {
		options := map[string]string{}
		if len(rest) > 0 {
			options["caps"] = strings.Join(rest, "")
		}
		all = append(all, t.address(costUnpublished, narrow, options))
	}
	return all
}

func anyOf(f nat.Family) netip.Addr {
	if f == nat.V4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func capOf(f nat.Family) string {
	if f == nat.V4 {
		return "4"
	}
	return "6"
}

// hosts are the direct addresses of one IP version.
func (t *Transport) hosts(f nat.Family, p Family) (hosts []netip.AddrPort) {
	var from []netip.AddrPort
	switch p.Presence {
	case Direct:
		from = []netip.AddrPort{p.At}
	case Automatic:
		from = t.cfg.Advertise
		if len(from) == 0 {
			for _, b := range t.bound {
				if ip := b.Addr(); !ip.IsUnspecified() && (t.cfg.AllowPrivate || netaddr.Public(ip)) {
					from = append(from, b)
				}
			}
		}
	}
	for _, h := range from {
		if !h.Addr().IsValid() || nat.FamilyOf(h.Addr()) != f {
			continue
		}
		if h.Port() == 0 {
			if i := t.socketFor(h.Addr()); i >= 0 {
				h = netip.AddrPortFrom(h.Addr(), t.bound[i].Port())
			}
		}
		if h.Port() != 0 && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// address adds what every address has.
func (t *Transport) address(cost uint8, mtu int, options map[string]string) i2p.RouterAddress {
	s := t.cfg.StaticKey.Public()
	options["s"] = i2p.EncodeBase64(s[:])
	options["i"] = i2p.EncodeBase64(t.cfg.IntroKey[:])
	options["v"] = "2"
	if mtu != maxMTU {
		options["mtu"] = strconv.Itoa(mtu)
	}
	// i2pd reads the first of the list alone, and takes the plain handshake if that one does not fit.
	var pq []string
	for _, v := range t.variants {
		if mtu >= v.MinMTU(true) {
			pq = append(pq, strconv.Itoa(int(v.Version())))
		}
	}
	if len(pq) > 0 {
		options["pq"] = strings.Join(pq, ",")
	}
	a, err := i2p.NewRouterAddress(cost, style, options)
	if err != nil {
		panic(fmt.Sprintf("ssu2: our address: %v", err))
	}
	return a
}

// MissingIntroducers is how many more sessions with routers for which WantsIntroducer is true should be opened.
func (t *Transport) MissingIntroducers(f nat.Family) int {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	if s == nil {
		return 0
	}
	return s.nat.missing(f)
}

// WantsIntroducer reports whether a router should be dialled to become our introducer.
func (t *Transport) WantsIntroducer(ri *i2p.RouterInfo, f nat.Family) bool {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	return s != nil && s.nat.wantsTag(ri, anyOf(f))
}

// HelpsTests reports whether a router should be dialled to arrange a peer test of one IP version.
func (t *Transport) HelpsTests(ri *i2p.RouterInfo, f nat.Family) bool {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	return s != nil && s.nat.helpsTests(ri, f)
}

// Introducers are those of one IP version that lead to us, at most 3.
func (t *Transport) Introducers(f nat.Family) []nat.Introducer {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.nat.introducers(f)
}

// TestReachability begins a peer test of one IP version; Observer.Tested hears how it ended.
func (t *Transport) TestReachability(f nat.Family) error {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	if s == nil {
		return transport.ErrClosed
	}
	return s.nat.test(f)
}
