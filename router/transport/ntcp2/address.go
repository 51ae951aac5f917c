package ntcp2

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
)

const (
	style = "NTCP2"
	// costPublished is less than the cost of SSU2 addresses, so that peers prefer NTCP2; costUnpublished is the
	// value that the specification suggests.
	costPublished   = 3
	costUnpublished = 14
)

// A target is what an address of a peer says about dialling it.
type target struct {
	at   netip.AddrPort
	peer keys.X25519Public
	iv   [16]byte
	// hybrid is the handshake: with ML-KEM, or plain if 0.
	hybrid mlkem.Params
}

// isNTCP2 tells whether an address speaks version 2: also one of style "NTCP" may.
func isNTCP2(a i2p.RouterAddress) bool {
	return (a.Style == style || a.Style == "NTCP") && slices.Contains(strings.Split(a.Options.Get("v"), ","), "2")
}

// targets are the addresses of ri that we can dial, the cheapest first and IPv4 before IPv6; only those with a hybrid
// handshake if there is one (see best).
func (t *Transport) targets(ri *i2p.RouterInfo) []target {
	addresses := ri.Addresses()
	slices.SortStableFunc(addresses, func(a, b i2p.RouterAddress) int {
		if a.Cost != b.Cost {
			return int(a.Cost) - int(b.Cost)
		}
		return a.Host().BitLen() - b.Host().BitLen()
	})
	var all []target
	for _, a := range addresses {
		at := a.AddrPort()
		if !isNTCP2(a) || !at.IsValid() || !t.mayDial(at.Addr()) {
			continue
		}
		peer, okKey := a.StaticKey()
		iv, okIV := a.IV()
		if okKey && okIV {
			all = append(all, target{at, peer, iv, hybridOf(a, t.cfg.PostQuantum)})
		}
	}
	return best(all, t.cfg.PostQuantum)
}

// mayDial refuses private addresses, and IP versions that we do not listen on although we listen on the other one.
func (t *Transport) mayDial(ip netip.Addr) bool {
	if !t.cfg.AllowPrivate && !netaddr.Public(ip) {
		return false
	}
	_, ok := t.source(ip)
	return ok
}

// source is the local IP for a connection to ip; not valid if any will do.
func (t *Transport) source(ip netip.Addr) (local netip.Addr, ok bool) {
	if v4 := ip.Unmap().Is4(); v4 && t.cfg.NoIPv4 || !v4 && t.cfg.NoIPv6 {
		return netip.Addr{}, false
	}
	if len(t.cfg.Listen) == 0 {
		return netip.Addr{}, true
	}
	for _, l := range t.cfg.Listen {
		a := l.Addr().Unmap()
		switch {
		case a == netip.IPv6Unspecified() && t.dualStack():
			return netip.Addr{}, true
		case a.Is4() != ip.Is4():
		case a.IsUnspecified():
			return netip.Addr{}, true
		default:
			return a, true
		}
	}
	return netip.Addr{}, false
}

// dualStack: without a listener for IPv4, [::] is for both IP versions that are in use.
func (t *Transport) dualStack() bool {
	return !t.cfg.NoIPv4 && !slices.ContainsFunc(t.cfg.Listen, func(a netip.AddrPort) bool { return a.Addr().Unmap().Is4() })
}

// Addresses are the RouterAddresses to publish: one for each of Config.Advertise or of the last Publish; without these,
// each specific IP of Config.Listen that may be published; without these, one without host.
func (t *Transport) Addresses() []i2p.RouterAddress {
	t.mu.Lock()
	hosts := t.advertised
	t.mu.Unlock()
	if len(hosts) == 0 {
		for _, b := range t.Bound() {
			if ip := b.Addr(); !ip.IsUnspecified() && (t.cfg.AllowPrivate || netaddr.Public(ip)) {
				hosts = append(hosts, b)
			}
		}
	}
	if t.cfg.Hidden {
		hosts = nil
	}
	var all []i2p.RouterAddress
	for _, h := range hosts {
		if h.Port() == 0 {
			h = netip.AddrPortFrom(h.Addr(), t.boundPort(h.Addr()))
		}
		if h.Port() == 0 {
			continue // nothing listens on this IP version
		}
		options := map[string]string{
			"host": h.Addr().Unmap().String(),
			"port": strconv.Itoa(int(h.Port())),
			"i":    i2p.EncodeBase64(t.cfg.IV[:]),
		}
		if p := t.cfg.accepted(); p != 0 {
			options["pq"] = pqOption(p)
		}
		all = append(all, t.address(costPublished, options))
	}
	if len(all) == 0 {
		all = append(all, t.address(costUnpublished, map[string]string{"caps": t.outboundCaps()}))
	}
	return all
}

// Publish replaces the addresses to publish, once the public host is known. Port 0 stands for the bound port; an empty list
// unpublishes.
func (t *Transport) Publish(hosts ...netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advertised = slices.Clone(hosts)
}

// Absent says over which IP versions this machine has no way to the internet: the address without a host does not name them.
func (t *Transport) Absent(v4, v6 bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.absent4, t.absent6 = v4, v6
}

func (t *Transport) address(cost uint8, options map[string]string) i2p.RouterAddress {
	s := t.cfg.StaticKey.Public()
	options["s"] = i2p.EncodeBase64(s[:])
	options["v"] = "2"
	a, err := i2p.NewRouterAddress(cost, style, options)
	if err != nil {
		panic(fmt.Sprintf("ntcp2: our address: %v", err))
	}
	return a
}

// outboundCaps are the IP versions that we dial.
func (t *Transport) outboundCaps() string {
	t.mu.Lock()
	no4, no6 := t.absent4, t.absent6
	t.mu.Unlock()
	caps := ""
	if _, ok := t.source(netip.IPv4Unspecified()); ok && !no4 {
		caps += "4"
	}
	if _, ok := t.source(netip.IPv6Unspecified()); ok && !no6 {
		caps += "6"
	}
	return caps
}

// Bound are the addresses that the transport listens on, with the ports that the system chose.
func (t *Transport) Bound() []netip.AddrPort {
	var all []netip.AddrPort
	for _, l := range t.listeners {
		all = append(all, addrPort(l.Addr()))
	}
	return all
}

func (t *Transport) boundPort(ip netip.Addr) uint16 {
	for _, b := range t.Bound() {
		if b.Addr().Is4() == ip.Unmap().Is4() || b.Addr() == netip.IPv6Unspecified() && t.dualStack() {
			return b.Port()
		}
	}
	return 0
}
