//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Kind is what stands between a host and the internet. Those of NAT are named as in RFC 3489; all of them but Symmetric
// show the port of the inside, one for all destinations.
type Kind uint8

const (
	Public            Kind = iota // nothing
	Firewalled                    // a firewall: what was not asked for is dropped, no NAT
	FullCone                      // NAT, and everybody may send to the port
	AddressRestricted             // who was sent something from the port may send to it, from any port
	PortRestricted                // what was sent something may send
	Symmetric                     // as PortRestricted, with another random port for each destination
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{Public, Firewalled, FullCone, AddressRestricted, PortRestricted, Symmetric}
}

var kindNames = []string{"public", "firewalled", "full cone", "address-restricted", "port-restricted", "symmetric"}

func (k Kind) String() string { return kindNames[k] }

func (k Kind) isNAT() bool { return k >= FullCone }

// contactTime is for how long AddressRestricted remembers; conntrack's own time for UDP in both directions is the same.
const contactTime = "2m"

// loadRules gives the edge the rules of its kind, in place of those that it has.
func (h *Host) loadRules() error {
	switch {
	case h.Kind == Firewalled:
		return h.edge.nft(replaceTable("inet", firewall))
	case h.Kind.isNAT():
		return h.edge.nft(replaceTable("ip", h.nat()))
	}
	return nil
}

func replaceTable(family, chains string) string {
	return fmt.Sprintf("add table %[1]s lab\ndelete table %[1]s lab\ntable %[1]s lab {\n%[2]s}\n", family, chains)
}

const firewall = `
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		meta l4proto ipv6-icmp accept
		ct state established,related accept
	}
`

// nat are the chains of a NAT box. What is unwanted is dropped before conntrack confirms it: an entry of it would be in
// the way when the inside sends to the same place, and would get that another port.
//
// All kinds translate what comes to their address, also that from strangers, and differ in what is forwarded of it.
func (h *Host) nat() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`set contacted { type ipv4_addr . inet_service; flags dynamic; timeout %s; }`, contactTime) // with the inside's port
	ports := slices.Sorted(maps.Keys(h.Ports))

	line(`chain arrive { type nat hook prerouting priority dstnat;`)
	if h.Kind != Symmetric {
		for _, p := range ports {
			line(`iifname "up" ip daddr %s udp dport %d dnat to %s:%d`, h.v4, h.Ports[p], inside, p)
		}
		for _, p := range ports {
			line(`iifname "up" ip daddr %s udp dport %d return`, h.v4, p) // nothing is shown there
		}
		line(`iifname "up" ip daddr %s meta l4proto udp dnat to %s`, h.v4, inside)
	}
	line(`}`)

	line(`chain leave { type nat hook postrouting priority srcnat;`)
	if h.Kind == Symmetric {
		line(`oifname "up" masquerade random,fully-random`)
	} else {
		for _, p := range ports {
			line(`oifname "up" udp sport %d snat to %s:%d`, p, h.v4, h.Ports[p])
		}
		line(`oifname "up" snat to %s`, h.v4)
	}
	line(`}`)

	line(`chain forward { type filter hook forward priority filter; policy drop;`)
	line(`iifname "lan" oifname "up" meta l4proto udp update @contacted { ip daddr . udp sport }`)
	line(`iifname "lan" oifname "up" accept`)
	line(`ct state established,related accept`)
	switch h.Kind {
	case FullCone:
		line(`iifname "up" meta l4proto udp accept`)
	case AddressRestricted:
		line(`iifname "up" ip saddr . udp dport @contacted accept`)
	}
	line(`}`)

	line(`chain input { type filter hook input priority filter; policy drop; iifname { "lo", "lan" } accept; }`)
	return b.String()
}

// Move gives the edge another outside address, as providers do over night: what was known of sessions is gone.
func (h *Host) Move() error {
	old4, old6 := h.v4, h.v6
	var err error
	if h.v4, h.v6, err = h.lab.newAddress(); err != nil {
		return err
	}
	if err := h.appear(); err != nil {
		return err
	}
	gone := []string{"addr del " + old4.String() + "/32 dev up"}
	if h.hasIPv6() {
		gone = append(gone, "addr del "+old6.String()+"/128 dev up")
	}
	if err := h.edge.ip(gone...); err != nil {
		return err
	}
	if err := errors.Join(h.loadRules(), h.settle()); err != nil {
		return err
	}
	return h.Forget()
}

// Remap makes the NAT box show a UDP port of the inside as another, from the next packet on.
func (h *Host) Remap(inside, outside uint16) error {
	if h.Ports == nil {
		h.Ports = make(map[uint16]uint16)
	}
	h.Ports[inside] = outside
	if err := h.loadRules(); err != nil {
		return err
	}
	return h.Forget()
}
