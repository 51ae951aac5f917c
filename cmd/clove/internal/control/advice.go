package control

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
)

// patience is how long others have to find out whether they reach us, before that needs an explanation.
const patience = 15 * time.Minute

// advice is what a user can do about the state of an IP version: for people who have seen the settings of their home router once.
func advice(s router.Status, r reachability.Report, now time.Time) string {
	ports := portsOf(s.Ports, r.Family)
	const works = "; clove works without it, through routers that introduce others to it"
	switch r.State {
	case reachability.Firewalled, reachability.Symmetric:
		if r.Family == reachability.V6 {
			return "let " + ports + " of this machine in, in the IPv6 firewall of your home router" + works
		}
		if slices.ContainsFunc(s.Mappings, func(m portmap.State) bool { return m.External.IsValid() }) {
			return "the home router forwards the ports, and yet nobody gets through: there may be another one before it, a firewall on this machine, " +
				"or a provider that gives no address of your own" + works
		}
		return "forward " + ports + " in your home router to this machine, and let it in where this machine has a firewall" + works
	case reachability.Unknown:
		udp, all := sessionsOver(s, r.Family)
		switch {
		case now.Sub(s.Started) < patience || all == 0: // too early to tell, or no such network here
			return ""
		case udp == 0:
			return "nobody answers over UDP: where a firewall keeps it from getting out, let it"
		}
		return "wait for more peers to try; if it stays so, forward " + ports + " in your home router to this machine"
	}
	return ""
}

// sessionsOver counts the sessions of an IP version.
func sessionsOver(s router.Status, f reachability.Family) (udp, all int) {
	for _, session := range s.Sessions {
		if ip := session.Remote.Addr().Unmap(); !ip.IsValid() || ip.Is4() != (f == reachability.V4) {
			continue
		}
		all++
		if session.Style == "SSU2" {
			udp++
		}
	}
	return udp, all
}

// portsOf names what is to be forwarded: "port 1234 for UDP and TCP".
func portsOf(all []router.Port, f reachability.Family) string {
	var udp, tcp uint16
	for _, p := range all {
		port := &tcp
		if p.Network() == "UDP" {
			port = &udp
		}
		ours := p.At.Addr().Is4() == (f == reachability.V4)
		if ours || *port == 0 && p.At.Addr() == netip.IPv6Unspecified() { // [::] alone is for IPv4 too
			*port = p.At.Port()
		}
	}
	switch {
	case udp == tcp:
		return fmt.Sprintf("port %d for UDP and TCP", udp)
	case tcp == 0:
		return fmt.Sprintf("UDP port %d", udp)
	case udp == 0:
		return fmt.Sprintf("TCP port %d", tcp)
	}
	return fmt.Sprintf("UDP port %d and TCP port %d", udp, tcp)
}
