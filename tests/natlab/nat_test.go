//go:build linux

package natlab_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/tests/natlab"
)

// quiet is how long nothing comes before nothing will.
const quiet = 400 * time.Millisecond

func newProbe(t *testing.T, h *natlab.Host, port uint16) *natlab.Probe {
	t.Helper()
	p, err := h.NewProbe(port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func send(t *testing.T, p *natlab.Probe, to netip.AddrPort, word string) {
	t.Helper()
	if err := p.Send(to, word); err != nil {
		t.Fatal(err)
	}
}

func seen(t *testing.T, p, by *natlab.Probe, at netip.AddrPort) netip.AddrPort {
	t.Helper()
	a, err := p.Seen(by, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// words are the texts that arrive, in order of the alphabet.
func words(t *testing.T, p *natlab.Probe) string {
	t.Helper()
	all, err := p.Drain(quiet)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, w := range all {
		texts = append(texts, w.Text)
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// The four of RFC 3489 by what it tells them apart: the address that three destinations see, and who of those that were
// sent something, or not, gets through.
func TestKindsOfNAT(t *testing.T) {
	l := newLab(t)
	a, b := newHost(t, l, natlab.Spec{Name: "a"}), newHost(t, l, natlab.Spec{Name: "b"})
	const port, shown = 9200, 31000
	for _, test := range []struct {
		kind     natlab.Kind
		ports    map[uint16]uint16
		stranger string // what arrives before anything was sent
		arrives  string // what arrives when one port of a, and nothing of b, was sent to
		one      bool   // the same port for all destinations
		port     uint16 // which one; 0: another than the host's
	}{
		{natlab.Public, nil, "a1 a2 b1", "a1 a2 b1", true, port},
		{natlab.Firewalled, nil, "", "a1", true, port},
		{natlab.FullCone, nil, "a1 a2 b1", "a1 a2 b1", true, port},
		{natlab.FullCone, map[uint16]uint16{port: shown}, "a1 a2 b1", "a1 a2 b1", true, shown},
		{natlab.AddressRestricted, nil, "", "a1 a2", true, port},
		{natlab.AddressRestricted, map[uint16]uint16{port: shown}, "", "a1 a2", true, shown},
		{natlab.PortRestricted, nil, "", "a1", true, port},
		{natlab.PortRestricted, map[uint16]uint16{port: shown}, "", "a1", true, shown},
		{natlab.Symmetric, nil, "", "a1", false, 0},
	} {
		t.Run(fmt.Sprintf("%v/%d", test.kind, test.port), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, l, natlab.Spec{Name: "host", Kind: test.kind, Ports: test.ports})
			p := newProbe(t, h, port)
			a1, a2, b1 := newProbe(t, a, 0), newProbe(t, a, 0), newProbe(t, b, 0)
			at := func(h *natlab.Host, p *natlab.Probe) netip.AddrPort { return netip.AddrPortFrom(h.Outside(), p.Port()) }
			everybody := func(to netip.AddrPort) string {
				send(t, b1, to, "b1")
				send(t, a2, to, "a2")
				send(t, a1, to, "a1")
				return words(t, p)
			}

			expected := netip.AddrPortFrom(h.Outside(), max(test.port, 1))
			if got := everybody(expected); got != test.stranger {
				t.Errorf("before anything was sent %q arrives, want %q", got, test.stranger)
			}
			first := seen(t, p, a1, at(a, a1))
			if first.Addr() != h.Outside() {
				t.Errorf("seen as %v, want %v", first, h.Outside())
			}
			if test.port != 0 && first.Port() != test.port || test.port == 0 && first.Port() == port {
				t.Errorf("port %d is shown as %d, want %d", port, first.Port(), test.port)
			}
			if got := everybody(first); got != test.arrives {
				t.Errorf("%q arrives, want %q", got, test.arrives)
			}
			second, third := seen(t, p, a2, at(a, a2)), seen(t, p, b1, at(b, b1))
			if one := first == second && second == third; one != test.one {
				t.Errorf("destinations see %v, %v and %v", first, second, third)
			}
			if second.Port() == third.Port() && !test.one {
				t.Errorf("two destinations see port %d", second.Port())
			}
		})
	}
}

// Two hosts that send to each other at what a third sees of them: what relays and introducers live on. The first packet
// of one of them finds a closed door, and must leave no trace in it.
func TestHolesArePunched(t *testing.T) {
	l := newLab(t)
	m := newHost(t, l, natlab.Spec{Name: "middle"})
	for i, k := range natlab.Kinds() {
		for _, k2 := range natlab.Kinds()[i:] {
			t.Run(fmt.Sprintf("%v and %v", k, k2), func(t *testing.T) {
				t.Parallel()
				middle := newProbe(t, m, 0)
				p1, p2 := newProbe(t, newHost(t, l, natlab.Spec{Kind: k}), 9201), newProbe(t, newHost(t, l, natlab.Spec{Kind: k2}), 9202)
				at := netip.AddrPortFrom(m.Outside(), middle.Port())
				a1, a2 := seen(t, p1, middle, at), seen(t, p2, middle, at)
				for range 2 {
					send(t, p1, a2, "1")
					send(t, p2, a1, "2")
				}
				got1, got2 := words(t, p1), words(t, p2)
				if through := got1 != "" && got2 != ""; through && blocked(k, k2) {
					t.Errorf("%q and %q got through", got1, got2)
				}
				// An address-restricted or open side gets what the symmetric one sends, and can answer there.
				if !blocked(k, k2) && got1 == "" {
					t.Errorf("%v gets nothing of %v", k, k2)
				}
				if !blocked(k, k2) && got2 == "" && k2 != natlab.Symmetric {
					t.Errorf("%v gets nothing of %v", k2, k)
				}
			})
		}
	}
}

func TestMoveAndRemap(t *testing.T) {
	l := newLab(t)
	m := newHost(t, l, natlab.Spec{Name: "middle"})
	middle := newProbe(t, m, 0)
	at := netip.AddrPortFrom(m.Outside(), middle.Port())
	for _, kind := range natlab.Kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			h := newHost(t, l, natlab.Spec{Kind: kind})
			p := newProbe(t, h, 9200)
			before := seen(t, p, middle, at)
			if err := h.Move(); err != nil {
				t.Fatal(err)
			}
			if h.Outside() == before.Addr() {
				t.Errorf("%v after the move as before", before)
			}
			after := seen(t, p, middle, at)
			if after.Addr() != h.Outside() {
				t.Errorf("seen as %v after the move to %v", after, h.Outside())
			}
			send(t, middle, after, "new")
			send(t, middle, before, "old")
			if got := words(t, p); got != "new" {
				t.Errorf("%q arrives after the move, want what was sent to the new address", got)
			}
			if kind < natlab.FullCone || kind == natlab.Symmetric {
				return
			}
			if err := h.Remap(9200, 40000); err != nil {
				t.Fatal(err)
			}
			if again := seen(t, p, middle, at); again != netip.AddrPortFrom(h.Outside(), 40000) {
				t.Errorf("seen as %v after the change of the port to 40000", again)
			}
		})
	}
}
