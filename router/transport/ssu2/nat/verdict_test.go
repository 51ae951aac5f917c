package nat_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// testWorld is an Alice with a session to Bob, and Charlies with sessions to him.
func testWorld(t testing.TB, k kind) (w *world, alice, bob *node, charlies []*node) {
	w = newWorld(t)
	alice = w.add("alice", "91.10.0.1", k, "")
	bob = w.add("bob", "92.20.0.1", open, "BC")
	w.connect(alice, bob)
	for i := range 3 {
		c := w.add(fmt.Sprint("charlie", i), fmt.Sprintf("93.3%d.0.1", i), open, "BC")
		w.connect(c, bob)
		charlies = append(charlies, c)
	}
	return w, alice, bob, charlies
}

// startTest runs one test to its end.
func startTest(w *world, alice *node) nat.TestResult {
	w.t.Helper()
	if err := alice.engine.StartTest(w.now, nat.FamilyOf(alice.own.Addr())); err != nil {
		w.t.Fatal(err)
	}
	w.run(nat.TestTime)
	if len(alice.tests) != 1 {
		w.fail("%d results of a test", len(alice.tests))
		w.t.FailNow()
	}
	return alice.tests[0]
}

func TestVerdictByKindOfNAT(t *testing.T) {
	want := map[kind]nat.Outcome{
		open: nat.OK, fullCone: nat.OK, restricted: nat.Firewalled, portRestricted: nat.Firewalled, symmetric: nat.Symmetric,
		firewalled: nat.Firewalled, deaf: nat.Firewalled,
	}
	for k, o := range want {
		t.Run(k.String(), func(t *testing.T) {
			w, alice, bob, _ := testWorld(t, k)
			r := startTest(w, alice)
			if r.Outcome != o || r.Bob != bob.hash() || w.nodes[r.Charlie] == nil || r.Charlie == bob.hash() {
				w.fail("%s: %+v, want %v", k, r, o)
			}
			if r.Tested != alice.sessions[bob.hash()].Seen {
				w.fail("tested %v", r.Tested)
			}
			if k != deaf && (r.External.Addr() != r.Tested.Addr() || (r.External.Port() == r.Tested.Port()) != (k != symmetric)) {
				w.fail("external %v, tested %v", r.External, r.Tested)
			}
			if s := alice.engine.Stats(); s.TestsAlice != 0 {
				t.Errorf("test still in the table")
			}
		})
	}
}

func TestVerdictOverIPv6(t *testing.T) {
	for k, o := range map[kind]nat.Outcome{open: nat.OK, firewalled: nat.Firewalled} {
		w := newWorld(t)
		alice := w.add("alice", "2a01:100::1", k, "")
		bob := w.add("bob", "2a01:200::1", open, "BC")
		w.connect(alice, bob)
		// Bob must not take this one: it publishes IPv4 only.
		w.connect(w.add("charlie4", "93.30.0.1", open, "BC"), bob)
		charlie := w.add("charlie6", "2a01:300::1", open, "B")
		w.connect(charlie, bob)
		if r := startTest(w, alice); r.Outcome != o || r.Charlie != charlie.hash() || r.Family != nat.V6 {
			w.fail("%v: %+v", k, r)
		}
	}
}

// The port that is forwarded differs from the one that Bob sees: the first is what counts, the second what a symmetric NAT is told by.
func TestForwardedPortIsTheOneTested(t *testing.T) {
	w, alice, _, _ := testWorld(t, fullCone)
	alice.fixed, alice.own = true, alice.box.addr
	s := alice.sessions[w.bobOf(alice)]
	s.Seen = netipPort(s.Seen, 40000)
	alice.sessions[s.Router] = s
	if r := startTest(w, alice); r.Outcome != nat.OK || r.Tested != alice.own {
		w.fail("%+v", r)
	}
}

// A port that the user had forwarded is found although the NAT sends from another one, whatever its kind, and the verdict about the port that
// peers see stays what it is.
func TestPortForwardedByHandIsFound(t *testing.T) {
	for k, o := range map[kind]nat.Outcome{
		fullCone: nat.OK, restricted: nat.Firewalled, portRestricted: nat.Firewalled, symmetric: nat.Symmetric,
	} {
		for _, forwarded := range []bool{true, false} {
			w, alice, bob, charlies := testWorld(t, k)
			at := netipPort(alice.box.addr, 12345)
			if forwarded {
				alice.box.hand = at
			}
			seen := alice.sessions[bob.hash()].Seen
			var got []nat.TestResult
			for range 4 {
				got = append(got, startTest(w, alice))
				alice.tests, alice.sentTo, alice.box.sent = nil, map[netip.Addr]bool{bob.box.addr.Addr(): true}, map[netip.AddrPort]bool{}
				for _, c := range charlies {
					delete(c.sentTo, at.Addr()) // a stranger again
				}
			}
			wantAt, want := []netip.AddrPort{seen, at, seen, at}, []nat.Outcome{o, nat.Unknown, o, nat.Unknown}
			switch {
			case k == fullCone:
				wantAt, want = []netip.AddrPort{seen, seen, seen, seen}, []nat.Outcome{o, o, o, o}
			case forwarded:
				wantAt, want = []netip.AddrPort{seen, at, at, at}, []nat.Outcome{o, nat.OK, nat.OK, nat.OK}
			case k == symmetric:
				want = []nat.Outcome{o, o, o, o}
			}
			for i, r := range got {
				if r.Tested != wantAt[i] || r.Outcome != want[i] {
					w.fail("%v, forwarded %v, test %d: %v of %v (%s), want %v of %v", k, forwarded, i, r.Outcome, r.Tested, r.Why, want[i], wantAt[i])
				}
			}
		}
	}
}

// What Alice concludes when one kind of message never comes, as in the table of "Results State Machine".
func TestVerdictWhenMessagesAreLost(t *testing.T) {
	for _, c := range []struct {
		kind kind
		lost string
		want nat.Outcome
		got  string // messages 4, 5, 7
	}{
		{open, "test 1", nat.Unknown, "nnn"},
		{open, "test 4", nat.OK, "nyn"},
		{open, "test 5", nat.Firewalled, "yny"},
		{open, "test 6", nat.OK, "yyn"},
		{open, "test 7", nat.OK, "yyn"},
		{symmetric, "test 7", nat.Firewalled, "ynn"},
		{firewalled, "test 4", nat.Unknown, "nnn"},
		{portRestricted, "test 6", nat.Firewalled, "ynn"},
	} {
		w, alice, _, _ := testWorld(t, c.kind)
		w.lose = func(m string) bool { return m == c.lost }
		r := startTest(w, alice)
		if got := yn(r.Received4, r.Received5, r.Received7); r.Outcome != c.want || got != c.got {
			w.fail("%v without %s: %v from %s (%s), want %v from %s", c.kind, c.lost, r.Outcome, got, r.Why, c.want, c.got)
		}
	}
}

func yn(bs ...bool) (s string) {
	for _, b := range bs {
		s += map[bool]string{true: "y", false: "n"}[b]
	}
	return s
}

// Each message lost once: in a session never to come again, for which Bob has other Charlies; outside it is sent again.
func TestOneLossChangesNoVerdict(t *testing.T) {
	for _, k := range kinds {
		for _, lost := range []string{"test 2", "test 3", "test 5", "test 6", "test 7", "RouterInfo"} {
			w, alice, _, _ := testWorld(t, k)
			want := startTest(w, alice).Outcome
			w, alice, _, _ = testWorld(t, k)
			done := false
			w.lose = func(m string) bool {
				hit := m == lost && !done
				done = done || hit
				return hit
			}
			if r := startTest(w, alice); r.Outcome != want {
				w.fail("%v without the first %s: %v (%s), want %v", k, lost, r.Outcome, r.Why, want)
			}
		}
	}
}

// Messages 4 and 5, and the RouterInfos that should come before, in any order.
func TestOrderDoesNotMatter(t *testing.T) {
	for _, late := range []string{"test 4", "RouterInfo", "test 3"} {
		for _, k := range []kind{open, symmetric, firewalled} {
			w, alice, _, _ := testWorld(t, k)
			want := startTest(w, alice).Outcome
			w, alice, _, _ = testWorld(t, k)
			w.delay = func(m string) time.Duration {
				if m == late {
					return 900 * time.Millisecond
				}
				return 0
			}
			if r := startTest(w, alice); r.Outcome != want {
				w.fail("%v with a late %s: %v (%s)", k, late, r.Outcome, r.Why)
			}
		}
	}
}

func TestBobAsksAnotherCharlie(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	// Two know Alice already and refuse.
	for _, c := range charlies[:2] {
		c.sentTo[alice.box.addr.Addr()] = true
	}
	r := startTest(w, alice)
	if r.Outcome != nat.OK || r.Charlie != charlies[2].hash() {
		w.fail("%+v", r)
	}
	if s := bob.engine.Stats(); s.TestsPassed != 1 || s.TestsBob != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRefusalsEndATest(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *world, alice, bob *node, charlies []*node)
		code byte
	}{
		{"no Charlie", func(w *world, _, bob *node, charlies []*node) {
			for _, c := range charlies {
				w.disconnect(bob, c)
			}
		}, wire.PeerTestCodeNoCharlie},
		{"all know Alice", func(_ *world, alice, _ *node, charlies []*node) {
			for _, c := range charlies {
				c.sentTo[alice.box.addr.Addr()] = true
			}
		}, wire.CodeCharlieAlreadyHasAlice},
		{"all ban Alice", func(_ *world, alice, _ *node, charlies []*node) {
			for _, c := range charlies {
				c.banned[alice.hash()] = true
			}
		}, wire.CodeCharlieBannedAlice},
		{"Alice's RouterInfo never comes", func(w *world, _, _ *node, _ []*node) {
			w.lose = func(m string) bool { return m == "RouterInfo" }
		}, wire.CodeCharlieUnknownAlice},
		{"Bob does not know Alice", func(_ *world, alice, bob *node, _ []*node) { delete(bob.known, alice.hash()) }, wire.CodeBobUnspecified},
		{"Bob bans Alice", func(_ *world, alice, bob *node, _ []*node) { bob.banned[alice.hash()] = true }, wire.CodeBobUnspecified},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlies := testWorld(t, open)
			c.set(w, alice, bob, charlies)
			r := startTest(w, alice)
			if r.Outcome != nat.Unknown || r.Code != c.code {
				w.fail("%v, code %d (%s), want code %d", r.Outcome, r.Code, r.Why, c.code)
			}
		})
	}
}

// A fixed address with another IP than the one we have is out of date.
func TestOldAddressIsNotTested(t *testing.T) {
	w, alice, bob, _ := testWorld(t, open)
	alice.fixed, alice.own = true, netip.MustParseAddrPort("91.99.0.1:12345")
	if r := startTest(w, alice); r.Outcome != nat.OK || r.Tested != alice.sessions[bob.hash()].Seen {
		w.fail("%+v", r)
	}
}

// What is signed has the network's time, whatever the local clock says.
func TestTimesAreTheNetworks(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, symmetric)
	for _, n := range append(charlies, alice, bob) {
		n.offset = 20 * time.Minute
	}
	if r := startTest(w, alice); r.Outcome != nat.Symmetric {
		w.fail("all at one time: %+v", r)
	}
	w, alice, _, _ = testWorld(t, symmetric)
	alice.offset = 20 * time.Minute
	if r := startTest(w, alice); r.Code != wire.CodeBobUnspecified {
		w.fail("Alice at another time: %+v", r)
	}
}

func TestSessionEndsWhileTesting(t *testing.T) {
	w, alice, bob, _ := testWorld(t, open)
	w.lose = func(m string) bool { return m == "test 4" || m == "test 5" }
	if err := alice.engine.StartTest(w.now, nat.V4); err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	w.disconnect(alice, bob)
	if len(alice.tests) != 1 || alice.tests[0].Outcome != nat.Unknown || !strings.Contains(alice.tests[0].Why, "ended") {
		t.Fatalf("%+v", alice.tests)
	}
	if err := alice.engine.StartTest(w.now, nat.V4); !errors.Is(err, nat.ErrNoBob) {
		t.Fatal(err)
	}
}

func TestStartTestErrors(t *testing.T) {
	w, alice, bob, _ := testWorld(t, open)
	if err := alice.engine.StartTest(w.now, nat.V6); !errors.Is(err, nat.ErrNoBob) {
		t.Errorf("no session of the family: %v", err)
	}
	s := alice.sessions[bob.hash()]
	s.Seen = netipPort(s.Seen, 0)
	alice.sessions[bob.hash()] = s
	alice.own = netipPort(alice.own, 0)
	if err := alice.engine.StartTest(w.now, nat.V4); !errors.Is(err, nat.ErrNoAddress) {
		t.Errorf("no address: %v", err)
	}
	alice.own = netipPort(alice.own, 12345)
	if err := alice.engine.StartTest(w.now, nat.V4); err != nil {
		t.Fatal(err)
	}
	if err := alice.engine.StartTest(w.now, nat.V4); !errors.Is(err, nat.ErrBusy) {
		t.Errorf("second test: %v", err)
	}
}

// Peers without B, firewalled ones, hidden ones and neighbours are no Bob and no Charlie.
func TestWhoCannotHelp(t *testing.T) {
	w := newWorld(t)
	alice := w.add("alice", "91.10.0.1", open, "")
	for i, n := range []*node{
		w.add("no B", "92.20.0.1", open, "C"), w.add("no address", "92.21.0.1", open, ""), w.add("neighbour", "91.10.200.1", open, "BC"),
	} {
		w.connect(alice, n)
		if err := alice.engine.StartTest(w.now, nat.V4); !errors.Is(err, nat.ErrNoBob) {
			t.Errorf("%d: %v", i, err)
		}
	}
	bob := w.add("bob", "92.50.0.1", open, "B")
	w.connect(alice, bob)
	w.connect(w.add("no B", "92.30.0.1", open, "C"), bob)
	w.connect(w.add("neighbour", "91.10.250.1", open, "BC"), bob)
	if r := startTest(w, alice); r.Code != wire.PeerTestCodeNoCharlie {
		w.fail("%+v", r)
	}
}

func netipPort(a netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), port)
}

func (w *world) bobOf(alice *node) i2p.Hash {
	for h := range alice.sessions {
		return h
	}
	return i2p.Hash{}
}
