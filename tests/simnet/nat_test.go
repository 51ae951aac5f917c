package simnet_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// lab is a host inside a box, and strangers outside.
type lab struct {
	t       *testing.T
	net     *simnet.Internet
	box     *simnet.NAT
	inside  *simnet.Socket
	sibling *simnet.Socket
	x1, x2  *simnet.Socket // two ports of one host
	y       *simnet.Socket // another host
}

const timeout = 30 * time.Second

func newLab(t *testing.T, o simnet.NATOptions) *lab {
	n := simnet.NewInternet(7)
	o.Timeout = timeout
	in, sibling := addr("10.0.0.2"), addr("10.0.0.3")
	if o.Kind == simnet.Firewall {
		in, sibling = addr("203.0.113.2"), addr("203.0.113.3")
	} else if !o.External.IsValid() {
		o.External = addr("203.0.113.1")
	}
	box := n.NAT("box", o)
	x := n.Host("x", addr("192.0.2.1"))
	return &lab{
		t: t, net: n, box: box,
		inside:  listen(t, box.Host("inside", in), "0.0.0.0:5000"),
		sibling: listen(t, box.Host("sibling", sibling), "0.0.0.0:5000"),
		x1:      listen(t, x, "0.0.0.0:1001"), x2: listen(t, x, "0.0.0.0:1002"),
		y: listen(t, n.Host("y", addr("192.0.2.2")), "0.0.0.0:1001"),
	}
}

// at is the address of a socket, of which the host has one.
func at(s *simnet.Socket, ip string) netip.AddrPort {
	return netip.AddrPortFrom(addr(ip), s.LocalAddr().Port())
}

func (l *lab) x1At() netip.AddrPort { return at(l.x1, "192.0.2.1") }
func (l *lab) yAt() netip.AddrPort  { return at(l.y, "192.0.2.2") }

// send sends and reports whether it arrived, and from where.
func (l *lab) send(from *simnet.Socket, to netip.AddrPort, at *simnet.Socket) (netip.AddrPort, bool) {
	l.t.Helper()
	trains := []udp.Train{{To: to, Data: []byte("hello")}}
	if err := from.Write(trains); err != nil || trains[0].Err != nil {
		l.t.Fatal(err, trains[0].Err)
	}
	before := l.net.Count(simnet.Delivered)
	time.Sleep(time.Millisecond)
	synctest.Wait()
	if l.net.Count(simnet.Delivered) == before {
		return netip.AddrPort{}, false
	}
	ps := make([]udp.Packet, 4)
	n, err := at.Read(ps)
	if err != nil || n != 1 || string(ps[0].Data) != "hello" {
		l.t.Fatal(n, err)
	}
	return ps[0].From, true
}

// out sends from inside and returns what is seen outside.
func (l *lab) out(to netip.AddrPort, at *simnet.Socket) netip.AddrPort {
	l.t.Helper()
	from, ok := l.send(l.inside, to, at)
	if !ok {
		l.t.Fatal("nothing came out")
	}
	return from
}

func (l *lab) gets(from *simnet.Socket, to netip.AddrPort) bool {
	l.t.Helper()
	_, ok := l.send(from, to, l.inside)
	return ok
}

// eachKind runs f in a bubble for each kind of box with what is expected of it.
func eachKind[T comparable](t *testing.T, want map[simnet.NATKind]T, f func(l *lab) T) {
	t.Helper()
	for k := simnet.FullCone; k <= simnet.Firewall; k++ {
		t.Run(k.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := f(newLab(t, simnet.NATOptions{Kind: k})); got != want[k] {
					t.Errorf("%v, not %v", got, want[k])
				}
			})
		})
	}
}

const (
	full, addrs, ports, symm, fire = simnet.FullCone, simnet.AddressRestricted, simnet.PortRestricted, simnet.Symmetric, simnet.Firewall
)

// The table of kinds: who may answer when the inside has sent to x1.
func TestNATFilters(t *testing.T) {
	type answers struct{ asked, otherPort, otherHost bool }
	eachKind(t, map[simnet.NATKind]answers{
		full:  {true, true, true},
		addrs: {true, true, false},
		ports: {true, false, false},
		symm:  {true, false, false},
		fire:  {true, false, false},
	}, func(l *lab) answers {
		seen := l.out(l.x1At(), l.x1)
		return answers{l.gets(l.x1, seen), l.gets(l.x2, seen), l.gets(l.y, seen)}
	})
}

func TestNATMapsToOnePortUnlessSymmetric(t *testing.T) {
	type seen struct{ translated, samePort bool }
	eachKind(t, map[simnet.NATKind]seen{
		full: {true, true}, addrs: {true, true}, ports: {true, true}, symm: {true, false}, fire: {false, true},
	}, func(l *lab) seen {
		a, b := l.out(l.x1At(), l.x1), l.out(l.yAt(), l.y)
		return seen{a.Addr() == addr("203.0.113.1"), a == b}
	})
}

// What nobody inside asked for does not get in, whatever the kind.
func TestNATDropsTheUnasked(t *testing.T) {
	eachKind(t, map[simnet.NATKind]bool{}, func(l *lab) bool {
		return l.gets(l.x1, port("203.0.113.1:5000")) || l.gets(l.x1, port("203.0.113.2:5000"))
	})
}

// A hole of the inside toward y lets y in: what introducers are for. Toward a symmetric box y does not know the port.
func TestNATHolePunching(t *testing.T) {
	eachKind(t, map[simnet.NATKind]bool{full: true, addrs: true, ports: true, symm: false, fire: true}, func(l *lab) bool {
		known := l.out(l.x1At(), l.x1) // as x1 tells y
		l.out(l.yAt(), l.y)            // the hole
		return l.gets(l.y, known)
	})
}

func TestNATMappingsEnd(t *testing.T) {
	type times struct{ before, after, keptAlive, byInbound bool }
	want := times{before: true, keptAlive: true}
	eachKind(t, map[simnet.NATKind]times{full: want, addrs: want, ports: want, symm: want, fire: want}, func(l *lab) (got times) {
		seen := l.out(l.x1At(), l.x1)
		time.Sleep(timeout - time.Second)
		got.before = l.gets(l.x1, seen)
		time.Sleep(time.Second)
		got.after = l.gets(l.x1, seen)

		seen = l.out(l.x1At(), l.x1)
		for range 4 {
			time.Sleep(timeout / 2)
			if again := l.out(l.x1At(), l.x1); again != seen {
				l.t.Error("a mapping in use changed")
			}
		}
		got.keptAlive = l.gets(l.x1, seen)
		for range 4 {
			time.Sleep(timeout / 3)
			got.byInbound = l.gets(l.x1, seen)
		}
		return got
	})
}

// A filter's entry ends by itself, though the mapping is kept alive toward others.
func TestNATFilterEntriesEnd(t *testing.T) {
	eachKind(t, map[simnet.NATKind]bool{full: true}, func(l *lab) bool {
		seen := l.out(l.x1At(), l.x1)
		for range 4 {
			time.Sleep(timeout / 2)
			l.out(l.yAt(), l.y)
		}
		return l.gets(l.x1, seen)
	})
}

func TestNATMigration(t *testing.T) {
	type change struct{ old, new, moved bool }
	moved := change{old: false, new: true, moved: true}
	for name, f := range map[string]func(*lab){
		"rebind one": func(l *lab) { l.box.Rebind(port("10.0.0.2:5000")) },
		"rebind all": func(l *lab) { l.box.Rebind() },
		"address":    func(l *lab) { l.box.SetExternal(addr("203.0.113.99")) },
	} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, map[simnet.NATKind]change{full: moved, addrs: moved, ports: moved, symm: moved, fire: {true, true, false}}, func(l *lab) (c change) {
				if l.box.Kind() == simnet.Firewall {
					f = func(*lab) {}
				}
				before := l.out(l.x1At(), l.x1)
				f(l)
				c.old = l.gets(l.x1, before)
				after := l.out(l.x1At(), l.x1)
				c.moved = after != before
				c.new = l.gets(l.x1, after)
				if m, ok := l.box.Mapping(port("10.0.0.2:5000"), l.x1At()); l.box.Kind() != simnet.Firewall && (!ok || m != after) {
					l.t.Error(m, after)
				}
				return c
			})
		})
	}
}

func TestNATHairpin(t *testing.T) {
	for _, hairpin := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, simnet.NATOptions{Kind: full, Hairpin: hairpin})
			seen := l.out(l.x1At(), l.x1)
			from, ok := l.send(l.sibling, seen, l.inside)
			if ok != hairpin || hairpin && from.Addr() != addr("203.0.113.1") {
				t.Errorf("hairpin %v: %v from %v", hairpin, ok, from)
			}
			if from, ok := l.send(l.sibling, port("10.0.0.2:5000"), l.inside); !ok || from != port("10.0.0.3:5000") {
				t.Error("neighbours do not reach each other:", from, ok)
			}
		})
	}
}

func TestNATForwardsAndKeepsPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, simnet.NATOptions{Kind: ports, KeepPort: true})
		if seen := l.out(l.x1At(), l.x1); seen != port("203.0.113.1:5000") {
			t.Error("port not kept:", seen)
		}
		if from, ok := l.send(l.sibling, l.x1At(), l.x1); !ok || from == port("203.0.113.1:5000") {
			t.Error("port of two:", from, ok)
		}
		l.box.Rebind()
		l.box.Forward(7000, port("10.0.0.2:5000"))
		time.Sleep(10 * timeout)
		if !l.gets(l.y, port("203.0.113.1:7000")) {
			t.Error("not forwarded")
		}
		if seen := l.out(l.x1At(), l.x1); seen != port("203.0.113.1:7000") {
			t.Error("from", seen)
		}
	})
}

// A provider's NAT behind which the NAT at home is; and IPv6, which neither translates.
func TestNATBehindNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		isp := n.NAT("isp", simnet.NATOptions{Kind: symm, External: addr("203.0.113.1")})
		home := isp.NAT("home", simnet.NATOptions{Kind: full, External: addr("100.64.0.9")})
		in := listen(t, home.Host("in", addr("192.168.1.2"), addr("2001:db8:1::2")), "[::]:5000")
		x := listen(t, n.Host("x", addr("192.0.2.1"), addr("2001:db8:2::1")), "[::]:1001")
		y := listen(t, n.Host("y", addr("192.0.2.2"), addr("2001:db8:2::2")), "[::]:1001")
		l := &lab{t: t, net: n, inside: in}
		seen := l.out(port("192.0.2.1:1001"), x)
		if seen.Addr() != addr("203.0.113.1") || !l.gets(x, seen) || l.gets(y, seen) {
			t.Error("IPv4 seen as", seen)
		}
		if l.gets(y, port("[2001:db8:1::2]:5000")) {
			t.Error("IPv6 comes in unasked")
		}
		if seen := l.out(port("[2001:db8:2::1]:1001"), x); seen != port("[2001:db8:1::2]:5000") || !l.gets(x, seen) || l.gets(y, seen) {
			t.Error("IPv6 seen as", seen)
		}
	})
}

// A packet that a filter would have dropped when it was sent gets in through a hole made while it was on its way.
func TestFilterLooksWhenThePacketArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, simnet.NATOptions{Kind: ports})
		l.box.SetPath(simnet.Path{}, simnet.Path{Link: simnet.Link{Delay: 50 * time.Millisecond}})
		seen := l.out(l.x1At(), l.x1)
		if err := l.y.Write([]udp.Train{{To: seen, Data: []byte("early")}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		l.out(l.yAt(), l.y)
		ps := make([]udp.Packet, 1)
		if n, err := l.inside.Read(ps); err != nil || string(ps[0].Data) != "early" {
			t.Fatal(n, err)
		}
	})
}
