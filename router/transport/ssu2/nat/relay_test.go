package nat_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// relayWorld is an Alice and a Charlie with a tag, both with a session to Bob.
func relayWorld(t testing.TB, a, c kind) (w *world, alice, bob, charlie *node, tag uint32) {
	w = newWorld(t)
	alice, bob, charlie = w.add("alice", "91.10.0.1", a, ""), w.add("bob", "92.20.0.1", open, "BC"), w.add("charlie", "93.30.0.1", c, "")
	w.connect(alice, bob)
	w.connect(charlie, bob)
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	w.run(time.Second)
	in := charlie.engine.Introducers(nat.V4)
	if len(in) != 1 || in[0].Router != bob.hash() || in[0].Tag == 0 || !in[0].Expires.After(w.now.Add(time.Hour)) {
		w.fail("introducers %v", in)
		t.FailNow()
	}
	return w, alice, bob, charlie, in[0].Tag
}

func relay(w *world, alice, bob, charlie *node, tag uint32) []nat.RelayResult {
	w.t.Helper()
	if _, err := alice.engine.Relay(w.now, charlie.ri, bob.hash(), tag, nat.V4); err != nil {
		w.t.Fatal(err)
	}
	w.run(15 * time.Second)
	if s := alice.engine.Stats(); s.RelaysAlice != 0 {
		w.fail("a relay is left")
	}
	return alice.relays
}

// connects tells whether a session comes about through an introducer: not where both sides want to know the other's port beforehand and one of them
// has another for each destination.
func connects(alice, charlie kind) bool {
	strict := func(k kind) bool { return k == portRestricted || k == firewalled }
	switch {
	case alice == symmetric && charlie == symmetric, alice == symmetric && strict(charlie), strict(alice) && charlie == symmetric:
		return false
	}
	return true
}

func TestRelayByKindsOfNAT(t *testing.T) {
	for _, a := range kinds {
		for _, c := range kinds {
			t.Run(fmt.Sprintf("%v to %v", a, c), func(t *testing.T) {
				w, alice, bob, charlie, tag := relayWorld(t, a, c)
				results := relay(w, alice, bob, charlie, tag)
				if len(results) == 0 || results[0].Err != nil || results[0].Charlie != charlie.hash() || results[0].Bob != bob.hash() {
					w.fail("%+v", results)
				}
				if got, want := alice.met[charlie.hash()], connects(a, c); got != want {
					w.fail("connected: %v, want %v", got, want)
				}
				if n := bob.engine.Stats(); n.RelaysBob != 0 || n.RelaysPassed != 1 {
					w.fail("%+v", n)
				}
			})
		}
	}
}

// A restricted Alice gets HolePunches from a symmetric Charlie only after her SessionRequest went to the port that he has towards Bob.
func TestHolePunchFromAnotherPortMovesTheHandshake(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, restricted, symmetric)
	r := relay(w, alice, bob, charlie, tag)
	if len(r) != 2 || r[0].Moved || !r[1].Moved || !r[1].Punched || r[0].Address == r[1].Address || r[0].Address.Addr() != r[1].Address.Addr() {
		w.fail("%+v", r)
	}
}

func TestRelaySurvivesLosses(t *testing.T) {
	for _, lost := range []string{"HolePunch", "RelayResponse", "SessionRequest"} {
		for _, c := range []kind{restricted, portRestricted, symmetric} {
			w, alice, bob, charlie, tag := relayWorld(t, fullCone, c)
			first := true
			w.lose = func(m string) bool {
				hit := m == lost && first
				first = first && !hit
				return hit
			}
			if r := relay(w, alice, bob, charlie, tag); len(r) == 0 || r[0].Err != nil || !alice.met[charlie.hash()] {
				w.fail("%v without the first %s: %+v", c, lost, r)
			}
		}
	}
}

func TestRelayWaitsForTheRouterInfo(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, portRestricted, portRestricted)
	w.delay = func(m string) time.Duration {
		if m == "RouterInfo" {
			return 2 * time.Second
		}
		return 0
	}
	if r := relay(w, alice, bob, charlie, tag); len(r) == 0 || r[0].Err != nil || !alice.met[charlie.hash()] {
		w.fail("%+v", r)
	}
}

func TestRelayFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *world, alice, bob, charlie *node, tag *uint32)
		code byte // of *Rejected
		err  error
	}{
		{name: "wrong tag", set: func(_ *world, _, _, _ *node, tag *uint32) { *tag++ }, code: wire.RelayCodeTagNotFound},
		{name: "Charlie left", set: func(w *world, _, bob, charlie *node, _ *uint32) { w.disconnect(bob, charlie) }, code: wire.RelayCodeTagNotFound},
		{name: "Bob bans Charlie", set: func(_ *world, _, bob, charlie *node, _ *uint32) { bob.banned[charlie.hash()] = true }, code: wire.RelayCodeCharlieBanned},
		{name: "Bob bans Alice", set: func(_ *world, alice, bob, _ *node, _ *uint32) { bob.banned[alice.hash()] = true }, code: wire.CodeBobUnspecified},
		{name: "Charlie bans Alice", set: func(_ *world, alice, _, charlie *node, _ *uint32) { charlie.banned[alice.hash()] = true }, code: wire.CodeCharlieBannedAlice},
		{name: "Bob does not know Alice", set: func(_ *world, alice, bob, _ *node, _ *uint32) { delete(bob.known, alice.hash()) }, code: wire.RelayCodeUnknownAlice},
		{name: "RouterInfo lost", set: func(w *world, _, _, _ *node, _ *uint32) {
			w.lose = func(m string) bool { return m == "RouterInfo" }
		}, code: wire.CodeCharlieUnknownAlice},
		{name: "request lost", set: func(w *world, _, _, _ *node, _ *uint32) {
			w.lose = func(m string) bool { return m == "RelayRequest" }
		}, err: nat.ErrTimeout},
		{name: "Charlie does not know his tag", set: func(w *world, _, bob, charlie *node, _ *uint32) {
			charlie.engine.NeedIntroducers(w.now, nat.V4, false)
			charlie.engine.SessionClosed(w.now, bob.hash())
		}, code: wire.CodeCharlieUnspecified},
		{name: "Charlie knows no address of his", set: func(_ *world, _, bob, charlie *node, _ *uint32) {
			s := charlie.sessions[bob.hash()]
			s.Seen = netip.AddrPort{}
			charlie.sessions[bob.hash()] = s
			charlie.fixed, charlie.own = true, netip.MustParseAddrPort("192.168.1.1:12345")
		}, code: wire.CodeCharlieUnspecified},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlie, tag := relayWorld(t, portRestricted, portRestricted)
			c.set(w, alice, bob, charlie, &tag)
			r := relay(w, alice, bob, charlie, tag)
			var rejected *nat.Rejected
			switch {
			case len(r) != 1 || r[0].Err == nil || alice.met[charlie.hash()]:
				w.fail("%+v", r)
			case c.err != nil && !errors.Is(r[0].Err, c.err), c.code != 0 && (!errors.As(r[0].Err, &rejected) || rejected.Code != c.code):
				w.fail("%v, want %v or code %d", r[0].Err, c.err, c.code)
			case rejected != nil && rejected.Error() == "":
				t.Error("no text")
			}
		})
	}
}

func TestSessionWithTheIntroducerEnds(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, open, open)
	w.lose = func(m string) bool { return m == "RelayIntro" }
	if _, err := alice.engine.Relay(w.now, charlie.ri, bob.hash(), tag, nat.V4); err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	w.disconnect(alice, bob)
	if len(alice.relays) != 1 || !errors.Is(alice.relays[0].Err, nat.ErrSession) {
		t.Errorf("%+v", alice.relays)
	}
	if _, err := alice.engine.Relay(w.now, charlie.ri, bob.hash(), tag, nat.V4); !errors.Is(err, nat.ErrSession) {
		t.Error(err)
	}
}

func TestTagsEndWithTheSessionOrUnused(t *testing.T) {
	w, _, bob, charlie, tag := relayWorld(t, open, open)
	if n := bob.engine.Stats().TagsGiven; n != 1 {
		t.Fatal(n)
	}
	// Asked again, the same tag.
	bob.engine.HandleBlock(w.now, charlie.hash(), wire.BlockRelayTagRequest, nil)
	w.run(time.Second)
	if in := charlie.engine.Introducers(nat.V4); len(in) != 1 || in[0].Tag != tag {
		t.Errorf("%v, had %d", in, tag)
	}
	charlie.engine.NeedIntroducers(w.now, nat.V4, false) // and asks no more
	w.run(7 * time.Hour)
	if n := bob.engine.Stats().TagsGiven; n != 0 {
		t.Errorf("%d tags after 7 hours without use", n)
	}
	bob.engine.HandleBlock(w.now, charlie.hash(), wire.BlockRelayTagRequest, nil)
	w.disconnect(bob, charlie)
	if n := bob.engine.Stats().TagsGiven; n != 0 {
		t.Errorf("%d tags without a session", n)
	}
}

func TestWhoDoesNotIntroduceGivesNoTags(t *testing.T) {
	w := newWorld(t)
	bob, charlie := w.add("bob", "92.20.0.1", open, "BC"), w.add("charlie", "93.30.0.1", open, "")
	w.connect(charlie, bob)
	bob.full = true
	bob.engine.HandleBlock(w.now, charlie.hash(), wire.BlockRelayTagRequest, nil)
	if len(bob.inside) != 0 || bob.engine.Stats().TagsGiven != 0 {
		t.Error("a tag was given")
	}
}

// Three introducers from different networks, kept while they serve, replaced when they go; each keeps its end ahead, and gets pings.
func TestIntroducersAreChosenKeptAndReplaced(t *testing.T) {
	w := newWorld(t)
	charlie := w.add("charlie", "93.30.0.1", portRestricted, "")
	var bobs []*node
	for i := range 6 {
		b := w.add(fmt.Sprint("bob", i), fmt.Sprintf("92.%d.0.1", 20+i), open, "BC")
		w.connect(charlie, b)
		bobs = append(bobs, b)
	}
	for i, caps := range []string{"B", ""} { // these do not introduce
		w.connect(charlie, w.add(fmt.Sprint("other", i), fmt.Sprintf("94.%d.0.1", 20+i), open, caps))
	}
	w.connect(charlie, w.add("neighbour of a bob", "92.20.7.7", open, "BC"))
	w.connect(charlie, w.add("our neighbour", "93.30.7.7", open, "BC"))
	if n := charlie.engine.MissingIntroducers(nat.V4); n != 0 {
		t.Errorf("not firewalled, and misses %d introducers", n)
	}
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	if n := charlie.engine.MissingIntroducers(nat.V4); n != nat.MaxIntroducers {
		t.Errorf("misses %d introducers", n)
	}
	if !charlie.engine.WantTag(nat.V4, bobs[0].ri) || charlie.engine.WantTag(nat.V6, bobs[0].ri) {
		t.Error("WantTag")
	}
	w.run(time.Minute)
	first := charlie.engine.Introducers(nat.V4)
	check := func(list []nat.Introducer) {
		t.Helper()
		seen := map[string]bool{}
		for _, in := range list {
			n := w.nodes[in.Router]
			group := n.box.addr.Addr().String()[:5]
			if seen[group] || n.ri.Addresses()[0].Caps() != "BC" || group == "93.30" || !in.Expires.After(w.now.Add(25*time.Minute)) {
				t.Errorf("%s, until %v", n.name, in.Expires.Sub(w.now))
			}
			seen[group] = true
		}
		if len(list) != nat.MaxIntroducers {
			t.Errorf("%d introducers", len(list))
		}
	}
	check(first)
	pings := charlie.pings
	w.run(3 * time.Hour)
	later := charlie.engine.Introducers(nat.V4)
	check(later)
	for i := range first {
		if first[i].Router != later[i].Router {
			t.Errorf("introducer %d changed without need", i)
		}
	}
	if n := charlie.pings - pings; n < 3*3*3600/20 || n > 3*3*3600/10 {
		t.Errorf("%d pings in 3 hours", n)
	}
	w.disconnect(charlie, w.nodes[later[0].Router])
	w.run(time.Minute)
	check(charlie.engine.Introducers(nat.V4))
	charlie.engine.NeedIntroducers(w.now, nat.V4, false)
	if n := len(charlie.engine.Introducers(nat.V4)); n != 0 {
		t.Errorf("%d introducers after the need is over", n)
	}
}

func TestIntroducersAreOfDifferentNetworks(t *testing.T) {
	w := newWorld(t)
	charlie := w.add("charlie", "93.30.0.1", portRestricted, "")
	for i := range 5 {
		w.connect(charlie, w.add(fmt.Sprint("bob", i), fmt.Sprintf("92.20.%d.1", i), open, "BC"))
	}
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	w.run(time.Hour)
	if n := len(charlie.engine.Introducers(nat.V4)); n != 1 {
		t.Errorf("%d introducers in one network", n)
	}
	if n := charlie.engine.MissingIntroducers(nat.V4); n != 2 {
		t.Errorf("%d missing", n)
	}
}

// A network of tests has private addresses, all in one network.
func TestPrivateNetwork(t *testing.T) {
	w := newWorld(t)
	w.private = true
	alice, bob := w.add("alice", "10.0.0.1", symmetric, ""), w.add("bob", "10.0.0.2", open, "BC")
	charlie := w.add("charlie", "10.0.0.3", open, "BC")
	w.connect(alice, bob)
	w.connect(charlie, bob)
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	if r := startTest(w, alice); r.Outcome != nat.Symmetric || r.Charlie != charlie.hash() {
		w.fail("%+v", r)
	}
	in := charlie.engine.Introducers(nat.V4)
	if len(in) != 1 {
		t.Fatal(in)
	}
	if r := relay(w, alice, bob, charlie, in[0].Tag); len(r) == 0 || !alice.met[charlie.hash()] {
		w.fail("%+v", r)
	}
}

// Who opened a session to us and offers a tag that nobody asked for is not taken.
func TestUnaskedTagIsIgnored(t *testing.T) {
	w := newWorld(t)
	charlie, mallory := w.add("charlie", "93.30.0.1", open, ""), w.add("mallory", "92.20.0.1", open, "BC")
	w.connect(mallory, charlie)
	charlie.engine.HandleBlock(w.now, mallory.hash(), wire.BlockRelayTag, []byte{0, 0, 0, 7})
	if n := charlie.engine.Stats(); n.TagsGot != 0 || n.Dropped[nat.DropUnasked] != 1 {
		t.Errorf("%+v", n)
	}
	if charlie.kept[mallory.hash()] != 0 {
		t.Error("the session is kept")
	}
}

// Who sends tags has no session for longer: only who introduces us.
func TestOnlySessionsWithIntroducersAreKept(t *testing.T) {
	w := newWorld(t)
	charlie, bob, mallory := w.add("charlie", "93.30.0.1", open, ""), w.add("bob", "92.20.0.1", open, "BC"), w.add("mallory", "94.20.0.1", open, "")
	w.connect(charlie, bob)
	w.connect(charlie, mallory)
	for tag := range byte(9) {
		for _, from := range []*node{bob, mallory} {
			charlie.engine.HandleBlock(w.now, from.hash(), wire.BlockRelayTag, []byte{0, 0, 0, tag + 1})
		}
	}
	w.run(time.Hour)
	if len(charlie.kept) != 0 {
		t.Error("sessions are kept without need")
	}
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	w.run(3 * time.Hour)
	if n := charlie.kept[bob.hash()]; n < 4 || n > 5 { // at first, and each 50 minutes
		t.Errorf("the introducer was kept %d times", n)
	}
	if charlie.kept[mallory.hash()] != 0 {
		t.Error("kept who does not introduce")
	}
}

func TestPublishedIntroducersAreRead(t *testing.T) {
	w, _, bob, charlie, tag := relayWorld(t, open, portRestricted)
	options := map[string]string{"caps": "4"}
	nat.PublishIntroducers(options, charlie.engine.Introducers(nat.V4))
	options["ih1"], options["itag1"], options["iexp1"] = bob.hash().String(), "9", fmt.Sprint(w.now.Unix()-1)
	options["ih2"], options["itag2"] = "nonsense", "9"
	got := nat.IntroducersOf(routerAddress(t, options), w.now)
	if len(got) != 1 || got[0].Router != bob.hash() || got[0].Tag != tag {
		t.Fatalf("%v", got)
	}
	// With a session to it, or known, or neither.
	in, connected, ok := charlie.engine.ChooseIntroducer(got)
	if !ok || !connected || in != got[0] {
		t.Error(in, connected, ok)
	}
	w.disconnect(charlie, bob)
	if in, connected, ok = charlie.engine.ChooseIntroducer(got); !ok || connected || in != got[0] {
		t.Error(in, connected, ok)
	}
	delete(charlie.known, bob.hash())
	if _, _, ok = charlie.engine.ChooseIntroducer(got); ok {
		t.Error("chose an unknown router")
	}
}

// An introducer is published for longer only if it said so: a Bob who does not answer, as i2pd, has forgotten us by then. Another one takes its
// place before.
func TestIntroducersAreAskedAgain(t *testing.T) {
	w := newWorld(t)
	charlie := w.add("charlie", "93.30.0.1", portRestricted, "")
	bobs := make([]*node, 4)
	for i := range bobs[:3] {
		bobs[i] = w.add(fmt.Sprint("bob", i), fmt.Sprintf("92.%d.0.1", 20+i), open, "BC")
		w.connect(charlie, bobs[i])
	}
	start := w.now
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	w.run(time.Minute)
	bobs[0].full = true // and answers no more
	w.run(60 * time.Minute)
	ends := map[i2p.Hash]time.Duration{}
	for _, in := range charlie.engine.Introducers(nat.V4) {
		ends[in.Router] = in.Expires.Sub(start).Round(time.Minute)
	}
	if len(ends) != 3 || ends[bobs[0].hash()] != 80*time.Minute || ends[bobs[1].hash()] < 129*time.Minute {
		t.Errorf("an hour later: %v", ends)
	}
	if n := charlie.engine.MissingIntroducers(nat.V4); n != 0 {
		t.Errorf("%d missing before the end comes near", n)
	}
	w.run(10 * time.Minute)
	if n := charlie.engine.MissingIntroducers(nat.V4); n != 1 {
		t.Errorf("%d missing, and one is about to go", n)
	}
	bobs[3] = w.add("bob3", "92.77.0.1", open, "BC")
	w.connect(charlie, bobs[3])
	w.run(time.Minute)
	list := charlie.engine.Introducers(nat.V4)
	if len(list) != 3 || slices.ContainsFunc(list, func(in nat.Introducer) bool { return in.Router == bobs[0].hash() }) {
		t.Errorf("introducers %v", list)
	}
	if n := charlie.engine.MissingIntroducers(nat.V4); n != 0 {
		t.Errorf("%d missing", n)
	}
	if n := charlie.kept[bobs[1].hash()]; n != 2 {
		t.Errorf("a session was kept %d times, want at first and when the tag was renewed", n)
	}
}

// Without another one, who does not answer stays until the end that is published, and no longer.
func TestIntroducerThatDoesNotAnswerEnds(t *testing.T) {
	w, _, bob, charlie, _ := relayWorld(t, open, portRestricted)
	bob.full = true
	w.run(79 * time.Minute)
	if n := len(charlie.engine.Introducers(nat.V4)); n != 1 {
		t.Errorf("%d introducers before the end", n)
	}
	w.run(2 * time.Minute)
	if n := len(charlie.engine.Introducers(nat.V4)); n != 0 {
		t.Errorf("%d introducers after the end", n)
	}
}

func TestUseKeepsTheSessionOfATag(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, open, portRestricted)
	relay(w, alice, bob, charlie, tag)
	if n := bob.kept[charlie.hash()]; n != 1 {
		t.Errorf("kept %d times", n)
	}
}
