package simnet

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// A Path is what packets go through between a host or NAT and the network it is attached to, in one direction. The zero
// value delivers at once. Link.LossOnce and Link.Drop see the UDP payload.
type Path struct {
	Link
	// Corrupt is the share of packets of which one bit is turned over, 0 to 1.
	Corrupt float64
	// MTU is the largest packet with its IP and UDP header (28 bytes, 48 of IPv6); 0 for none. On the way out of a
	// host, Write reports what is larger with udp.ErrTooLarge; everywhere else it vanishes.
	MTU int
	// BlackHole lets it vanish on the way out of a host too.
	BlackHole bool
}

// lane is one direction of an attachment, with its own chances.
type lane struct {
	wire wire
	Path
	rnd *rand.Rand
	id  int
	seq uint64
}

// fits reports whether a packet is not larger than the MTU.
func (p Path) fits(to netip.Addr, payload int) bool {
	return p.MTU == 0 || payload+overhead(to) <= p.MTU
}

// overhead is the size of the IP and UDP headers.
func overhead(a netip.Addr) int {
	if a.Is6() && !a.Is4In6() {
		return 48
	}
	return 28
}

// set changes the path for what is sent from now on.
func (l *lane) set(p Path) {
	l.Path = p
	l.wire.Link = p.Link
}

// pass sends a packet through the lane and then to next.
func (n *Internet) pass(l *lane, where string, p datagram, next func(datagram)) {
	if !l.fits(p.to.Addr(), len(p.data)) {
		n.watch(where, p, TooLarge)
		return
	}
	if l.wire.drops(p.data, l.rnd) {
		n.watch(where, p, Lost)
		return
	}
	copies := 1
	if l.Duplicate > 0 && l.rnd.Float64() < l.Duplicate {
		copies = 2
	}
	for i := range copies {
		at, ok := l.wire.arrival(time.Now(), len(p.data)+overhead(p.to.Addr()), l.rnd)
		if !ok {
			n.watch(where, p, QueueFull)
			continue
		}
		c := p
		if i > 0 {
			c.data = append([]byte(nil), p.data...)
		}
		if l.Corrupt > 0 && len(c.data) > 0 && l.rnd.Float64() < l.Corrupt {
			c.data[l.rnd.IntN(len(c.data))] ^= 1 << l.rnd.IntN(8)
			n.watch(where, c, Corrupted)
		}
		l.seq++
		n.push(event{at: at, lane: l.id, seq: l.seq, datagram: c, next: next})
	}
}
