package reachability

import (
	"net/netip"
	"time"
)

// sightings are where peers see us, the latest of each network.
type sightings map[network]sighting

type sighting struct {
	at   time.Time
	addr netip.AddrPort
}

// add enters one; a full table loses its oldest.
func (s sightings) add(now time.Time, by network, addr netip.AddrPort) {
	if _, known := s[by]; !known && len(s) >= maxSeen {
		var oldest network
		first := true
		for n, o := range s {
			if first || o.at.Before(s[oldest].at) {
				oldest, first = n, false
			}
		}
		delete(s, oldest)
	}
	s[by] = sighting{at: now, addr: addr}
}

func (s sightings) expire(now time.Time) {
	for n, o := range s {
		if now.Sub(o.at) >= seenLife {
			delete(s, n)
		}
	}
}

// at counts the networks that see an IP address, and those of them that saw it after a time.
func (s sightings) at(ip netip.Addr, after time.Time) (all, later int) {
	for _, o := range s {
		if o.addr.Addr() == ip {
			all++
			if o.at.After(after) {
				later++
			}
		}
	}
	return all, later
}

// last is when an IP address was seen last.
func (s sightings) last(ip netip.Addr) (t time.Time) {
	for _, o := range s {
		if o.addr.Addr() == ip && o.at.After(t) {
			t = o.at
		}
	}
	return t
}

// most returns the IP address other than current that most networks see, and how many do.
func (s sightings) most(current netip.Addr) (best netip.Addr, n int) {
	counted := map[netip.Addr]int{}
	for _, o := range s {
		counted[o.addr.Addr()]++
	}
	for ip, c := range counted {
		if ip != current && (c > n || c == n && ip.Less(best)) {
			best, n = ip, c
		}
	}
	return best, n
}

// port returns the port that most networks see at an IP address, how many do, and how many different ones they see. Where as many see bound, it is that.
func (s sightings) port(ip netip.Addr, bound uint16) (port uint16, n, different int) {
	counted := map[uint16]int{}
	for _, o := range s {
		if o.addr.Addr() == ip {
			counted[o.addr.Port()]++
		}
	}
	for p, c := range counted {
		if c > n || c == n && port != bound && (p == bound || p < port) {
			port, n = p, c
		}
	}
	return port, n, len(counted)
}

// varies reports whether our port is another for every network that sees us.
func (s sightings) varies(ip netip.Addr) bool {
	_, n, different := s.port(ip, 0)
	all, _ := s.at(ip, time.Time{})
	return different >= agreePorts && n*2 <= all
}
