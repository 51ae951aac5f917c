package nat_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

func routerAddress(t testing.TB, options map[string]string) i2p.RouterAddress {
	t.Helper()
	a, err := i2p.NewRouterAddress(10, "SSU2", options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// body is a block without its header.
func body(block []byte) []byte { return block[wire.BlockHeaderLen:] }

// answers are the codes of the test or relay answers that a node sent in sessions, by message.
func (n *node) answers(name string) (codes []byte) {
	for _, m := range n.inside {
		hexBody, ok := strings.CutPrefix(m, name+" ")
		if !ok {
			continue
		}
		var a, b byte
		fmt.Sscanf(hexBody[:4], "%2x%2x", &a, &b)
		codes = append(codes, b)
	}
	return codes
}

// Bob tests nobody for a peer but the peer itself.
func TestBobRefusesTests(t *testing.T) {
	for _, c := range []struct {
		name    string
		address string
		skew    time.Duration
		forge   bool
		code    byte
	}{
		{name: "another's address", address: "8.8.8.8:12345", code: wire.PeerTestCodeBobAddress},
		{name: "a neighbour's address", address: "91.10.0.2:12345", code: wire.PeerTestCodeBobAddress},
		{name: "another family", address: "[2a01:100::1]:12345", code: wire.PeerTestCodeBobAddress},
		{name: "private address", address: "10.0.0.1:12345", code: wire.PeerTestCodeBobAddress},
		{name: "privileged port", address: "91.10.0.1:53", code: wire.PeerTestCodeBobAddress},
		{name: "well-known service", address: "91.10.0.1:11211", code: wire.PeerTestCodeBobAddress},
		{name: "old", address: "91.10.0.1:12345", skew: -3 * time.Minute, code: wire.CodeBobUnspecified},
		{name: "of the future", address: "91.10.0.1:12345", skew: 3 * time.Minute, code: wire.CodeBobUnspecified},
		{name: "signed by another", address: "91.10.0.1:12345", forge: true, code: wire.CodeBobSignature},
		{name: "good", address: "91.10.0.1:12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlies := testWorld(t, open)
			key := alice.keys.Signing
			if c.forge {
				key = charlies[0].keys.Signing
			}
			p := wire.NewPeerTest(key, bob.hash(), 7, wire.Seconds(w.now.Add(c.skew)), netip.MustParseAddrPort(c.address))
			bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockPeerTest, body(p.Append(nil)))
			codes, asked := bob.answers("test 4"), len(bob.answers("test 2"))
			if c.code == 0 {
				if len(codes) != 0 || asked != 1 {
					t.Errorf("answers %v, asked %d", codes, asked)
				}
				return
			}
			if len(codes) != 1 || codes[0] != c.code || asked != 0 {
				t.Errorf("answers %v, want %d; asked %d Charlies", codes, c.code, asked)
			}
		})
	}
}

// Charlie sends packets to nobody who did not sign for them.
func TestCharlieRefusesTests(t *testing.T) {
	for _, c := range []struct {
		name    string
		address string
		skew    time.Duration
		alice   func(alice, bob, charlie *node) i2p.Hash
		bob     func(alice, bob, charlie *node) i2p.Hash
		code    byte
	}{
		{name: "private address", address: "192.168.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "loopback", address: "127.0.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "multicast", address: "224.0.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "no socket for IPv6", address: "[2a01:100::1]:12345", code: wire.CodeCharlieAddress},
		{name: "ourselves", address: "93.30.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "our neighbour", address: "93.30.77.1:12345", code: wire.CodeCharlieAddress},
		{name: "old", address: "91.10.0.1:12345", skew: 3 * time.Minute, code: wire.CodeCharlieUnspecified},
		{name: "signed for another Bob", address: "91.10.0.1:12345", bob: func(_, _, c *node) i2p.Hash { return c.hash() }, code: wire.CodeCharlieSignature},
		{name: "Bob himself", address: "91.10.0.1:12345", alice: func(_, b, _ *node) i2p.Hash { return b.hash() }, code: wire.CodeCharlieUnspecified},
		{name: "connected", address: "92.20.0.1:12345", code: wire.CodeCharlieAlreadyHasAlice},
		{name: "good", address: "91.10.0.1:12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlies := testWorld(t, open)
			charlie := charlies[0]
			charlie.known[alice.hash()] = alice.ri
			forBob, from := bob.hash(), alice.hash()
			if c.bob != nil {
				forBob = c.bob(alice, bob, charlie)
			}
			if c.alice != nil {
				from = c.alice(alice, bob, charlie)
			}
			p := wire.NewPeerTest(alice.keys.Signing, forBob, 7, wire.Seconds(w.now.Add(c.skew)), netip.MustParseAddrPort(c.address))
			two := p.Forward(2, 0, from)
			for range 3 { // the repeats are replays
				charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
			}
			codes := charlie.answers("test 3")
			w.run(time.Minute)
			if c.code == 0 {
				if len(codes) != 1 || codes[0] != 0 || len(charlie.outside) != 3 {
					t.Errorf("answers %v, %d packets out", codes, len(charlie.outside))
				}
				return
			}
			if len(codes) == 0 || codes[0] != c.code || len(charlie.outside) != 0 {
				t.Errorf("answers %v, want %d; %d packets out", codes, c.code, len(charlie.outside))
			}
		})
	}
}

// A nonce is good once, for as long as what is signed with it.
func TestReplaysAreNothing(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	for _, c := range charlies[1:] {
		w.disconnect(bob, c)
	}
	charlie := charlies[0]
	p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), 7, wire.Seconds(w.now), alice.box.addr)
	one := body(p.Append(nil))
	two := p.Forward(2, 0, alice.hash())
	charlie.known[alice.hash()] = alice.ri
	for range 400 {
		delete(charlie.sentTo, alice.box.addr.Addr()) // not what keeps him from it
		bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockPeerTest, one)
		charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
		w.run(time.Second)
	}
	if n := len(charlie.outside); n != 3 {
		t.Errorf("%d packets out", n)
	}
	if n := len(bob.answers("test 2")); n != 1 {
		t.Errorf("Charlie was asked %d times", n)
	}
}

// Peers that ask without end get few answers, and nobody else gets packets for them.
func TestFloodIsBounded(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	for n := uint32(1); n <= 5000; n++ {
		p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), n, wire.Seconds(w.now), alice.box.addr)
		bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockPeerTest, body(p.Append(nil)))
		if n%100 == 0 {
			w.run(100 * time.Millisecond)
		}
	}
	s := bob.engine.Stats()
	if s.TestsPassed > 20 || len(bob.answers("test 4")) > 80 || s.Dropped[nat.DropFlood] < 4000 {
		t.Errorf("%+v, %d answers", s, len(bob.answers("test 4")))
	}
	out := 0
	for _, c := range charlies {
		out += len(c.outside)
	}
	if out > 20*3*3 {
		t.Errorf("%d packets to Alice", out)
	}

	// Bob as the one who floods: one Alice after the other.
	w, _, bob, charlies = testWorld(t, open)
	charlie := charlies[0]
	for n := range uint32(500) {
		a := w.add(fmt.Sprint("alice", n), fmt.Sprintf("%d.%d.0.1", 100+n/200, n%200), open, "")
		charlie.known[a.hash()] = a.ri
		p := wire.NewPeerTest(a.keys.Signing, bob.hash(), n, wire.Seconds(w.now), a.box.addr)
		two := p.Forward(2, 0, a.hash())
		charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
	}
	w.run(10 * time.Second)
	if s := charlie.engine.Stats(); s.TestsAnswered > 60 || len(charlie.outside) > 60*3 {
		t.Errorf("%+v, %d packets out", s, len(charlie.outside))
	}
}

// A test that waited for Alice's RouterInfo is one test of Bob's.
func TestWaitingTestCountsOnce(t *testing.T) {
	w, _, bob, charlies := testWorld(t, open)
	charlie := charlies[0]
	for n := range uint32(60) {
		a := w.add(fmt.Sprint("alice", n), fmt.Sprintf("100.%d.0.1", n), open, "")
		p := wire.NewPeerTest(a.keys.Signing, bob.hash(), n, wire.Seconds(w.now), a.box.addr)
		two := p.Forward(2, 0, a.hash())
		charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
		charlie.known[a.hash()] = a.ri
		charlie.engine.HandleRouterInfo(w.now, a.hash())
		w.run(time.Second)
	}
	if s := charlie.engine.Stats(); s.TestsAnswered != 60 {
		t.Errorf("%+v", s)
	}
}

// To know whether we were in contact with an address all sessions are looked at: no peer has that done as often as it likes.
func TestRefusalsAreCheapInAFlood(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	charlie := charlies[0]
	charlie.known[alice.hash()] = alice.ri
	for n := range uint32(5000) { // "connected"
		p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), n, wire.Seconds(w.now), netip.MustParseAddrPort("92.20.0.1:12345"))
		two := p.Forward(2, 0, alice.hash())
		charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
	}
	if charlie.searches > 60 {
		t.Errorf("%d searches", charlie.searches)
	}
}

// A peer that asks for far more than it gets takes nothing from others.
func TestFloodLeavesOthersTheirTestsAndRelays(t *testing.T) {
	w, alice, bob, _ := testWorld(t, open)
	other := w.add("other", "92.10.0.1", open, "")
	w.connect(other, bob)
	ask := func(a *node, key keys.SigningPrivateKey, nonce uint32) {
		p := wire.NewPeerTest(key, bob.hash(), nonce, wire.Seconds(w.now), a.box.addr)
		bob.engine.HandleBlock(w.now, a.hash(), wire.BlockPeerTest, body(p.Append(nil)))
	}
	for n := uint32(1); n <= 2000; n++ {
		ask(alice, other.keys.Signing, n)
	}
	ask(other, other.keys.Signing, 1)
	if asked := len(bob.answers("test 2")); asked != 1 {
		t.Errorf("%d tests", asked)
	}

	w, alice, bob, charlie, tag := relayWorld(t, open, open)
	other = w.add("other", "92.10.0.1", open, "")
	w.connect(other, bob)
	relay := func(a *node, key keys.SigningPrivateKey, nonce uint32) {
		p := wire.NewRelayRequest(key, bob.hash(), charlie.hash(), nonce, tag, wire.Seconds(w.now), a.box.addr)
		bob.engine.HandleBlock(w.now, a.hash(), wire.BlockRelayRequest, body(p.Append(nil)))
	}
	for n := uint32(1); n <= 5000; n++ {
		relay(alice, other.keys.Signing, n)
	}
	relay(other, other.keys.Signing, 1)
	if intros := len(bob.answers("RelayIntro")); intros != 1 {
		t.Errorf("%d relays", intros)
	}
}

// Messages for RouterInfos that never come do not pile up.
func TestWaitingIsBounded(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	charlie := charlies[0]
	for n := range uint32(1000) {
		p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), n, wire.Seconds(w.now), alice.box.addr)
		two := p.Forward(2, 0, i2p.Hash{1, byte(n), byte(n >> 8)})
		charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
	}
	if n := charlie.engine.Stats().Waiting; n > 4 {
		t.Errorf("%d of one peer wait", n)
	}
	w.run(10 * time.Second)
	if s := charlie.engine.Stats(); s.Waiting != 0 || len(charlie.outside) != 0 {
		t.Errorf("%+v", s)
	}
}

// Charlie answers a few messages 6, and each with one packet.
func TestMessageSixIsAnsweredAFewTimes(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	charlie := charlies[0]
	charlie.known[alice.hash()] = alice.ri
	p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), 7, wire.Seconds(w.now), alice.box.addr)
	two := p.Forward(2, 0, alice.hash())
	charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(two.Append(nil)))
	h, payload := fakeTest(w, 6, 7, alice.box.addr, charlie.box.addr)
	h.DestID, h.SrcID = h.SrcID, h.DestID
	before := len(charlie.outside)
	for range 100 {
		charlie.engine.HandleOutside(w.now, alice.box.addr, h, payload)
	}
	if n := len(charlie.outside) - before; n != 4 {
		t.Errorf("%d answers", n)
	}
	charlie.engine.HandleOutside(w.now, netip.MustParseAddrPort("10.0.0.1:12345"), h, payload)
	if n := len(charlie.outside) - before; n != 4 {
		t.Error("an answer to a private address")
	}
}

// Only the Charlie that Bob asked can answer for him.
func TestBobTakesMessageThreeFromCharlieOnly(t *testing.T) {
	w, alice, bob, charlies := testWorld(t, open)
	w.lose = func(string) bool { return true }
	p := wire.NewPeerTest(alice.keys.Signing, bob.hash(), 7, wire.Seconds(w.now), alice.box.addr)
	bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockPeerTest, body(p.Append(nil)))
	two := p.Forward(2, 0, alice.hash())
	three := two.Answer(charlies[0].keys.Signing, bob.hash(), 3, wire.CodeCharlieSignature)
	asked := ""
	for _, l := range w.trace {
		if strings.HasSuffix(l, "test 2") {
			asked = strings.Fields(l)[3]
		}
	}
	for _, right := range []bool{false, true} {
		for _, c := range charlies {
			if (c.name+":" == asked) == right {
				bob.engine.HandleBlock(w.now, c.hash(), wire.BlockPeerTest, body(three.Append(nil)))
			}
		}
		if n := len(bob.answers("test 4")); (n == 1) != right {
			t.Errorf("%d messages 4, from the one asked: %v (%s)", n, right, asked)
		}
	}
}

// Once Alice has sent message 6 her NAT lets in what proves nothing; and only Charlie knows where he sees her.
func TestLateAndForeignAnswers(t *testing.T) {
	w, alice, _, _ := testWorld(t, firewalled)
	w.lose = func(m string) bool { return m == "test 7" }
	if err := alice.engine.StartTest(w.now, nat.V4); err != nil {
		t.Fatal(err)
	}
	w.run(5 * time.Second)
	if len(alice.outside) == 0 {
		t.Fatal("no message 6")
	}
	to := alice.outside[0].To
	h, p := fakeTest(w, 5, nonceOf(alice), alice.box.addr, netip.AddrPort{})
	alice.engine.HandleOutside(w.now, to, h, p)
	h, p = fakeTest(w, 7, nonceOf(alice), alice.box.addr, netipPort(alice.box.addr, 999))
	alice.engine.HandleOutside(w.now, netip.MustParseAddrPort("95.1.1.1:12345"), h, p)
	w.run(nat.TestTime)
	if len(alice.tests) != 1 || alice.tests[0].Outcome != nat.Firewalled || alice.tests[0].Received5 || alice.tests[0].Received7 {
		w.fail("%+v", alice.tests)
	}
}

func TestCharlieThatWeKnowSaysNothing(t *testing.T) {
	w, alice, _, charlies := testWorld(t, open)
	for _, c := range charlies {
		alice.sentTo[c.box.addr.Addr()] = true
	}
	if r := startTest(w, alice); r.Outcome != nat.Unknown || !r.Received4 || len(alice.outside) != 0 {
		w.fail("%+v", r)
	}
}

// fakeTest makes a PeerTest packet as nonce's Charlie would.
func fakeTest(w *world, message byte, nonce uint32, alice netip.AddrPort, seen netip.AddrPort) (wire.Header, []byte) {
	p := wire.PeerTest{Message: message, Version: 2, Nonce: nonce, Time: wire.Seconds(w.now), Alice: alice}
	dest, src := wire.NonceIDs(nonce)
	payload := wire.AppendDateTime(nil, w.now)
	if seen.IsValid() {
		payload = wire.AppendAddress(payload, seen)
	}
	return wire.Header{Type: wire.PeerTestPacket, DestID: dest, SrcID: src}, p.Append(payload)
}

// nonceOf reads the nonce of the first message 1 that a node sent.
func nonceOf(n *node) (nonce uint32) {
	for _, m := range n.inside {
		if h, ok := strings.CutPrefix(m, "test 1 "); ok {
			fmt.Sscanf(h[8:16], "%08x", &nonce)
			return nonce
		}
	}
	return 0
}

func TestForgedMessagesMakeNoVerdict(t *testing.T) {
	good := netip.MustParseAddrPort
	for _, c := range []struct {
		name  string
		forge func(w *world, alice, bob *node, nonce uint32)
		five  bool
	}{
		{"message 5 from Bob's address", func(w *world, alice, bob *node, nonce uint32) {
			h, p := fakeTest(w, 5, nonce, alice.box.addr, netip.AddrPort{})
			alice.engine.HandleOutside(w.now, bob.box.addr, h, p)
		}, false},
		{"message 5 with another nonce", func(w *world, alice, _ *node, nonce uint32) {
			h, p := fakeTest(w, 5, nonce+1, alice.box.addr, netip.AddrPort{})
			alice.engine.HandleOutside(w.now, good("93.30.0.1:12345"), h, p)
		}, false},
		{"message 5 with another's connection ids", func(w *world, alice, _ *node, nonce uint32) {
			h, p := fakeTest(w, 5, nonce, alice.box.addr, netip.AddrPort{})
			h.DestID++
			alice.engine.HandleOutside(w.now, good("93.30.0.1:12345"), h, p)
		}, false},
		{"message 5 about another address", func(w *world, alice, _ *node, nonce uint32) {
			h, p := fakeTest(w, 5, nonce, good("91.10.0.9:1234"), netip.AddrPort{})
			alice.engine.HandleOutside(w.now, good("93.30.0.1:12345"), h, p)
		}, false},
		{"message 7 before 6", func(w *world, alice, _ *node, nonce uint32) {
			h, p := fakeTest(w, 7, nonce, alice.box.addr, good("91.10.0.1:999"))
			alice.engine.HandleOutside(w.now, good("93.30.0.1:12345"), h, p)
		}, false},
		{"message 5 in a session", func(w *world, alice, bob *node, nonce uint32) {
			p := wire.PeerTest{Message: 5, Version: 2, Nonce: nonce, Time: wire.Seconds(w.now), Alice: alice.box.addr}
			alice.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, body(p.Append(nil)))
		}, false},
		{"message 5 of another time", func(w *world, alice, _ *node, nonce uint32) {
			_, p := fakeTest(w, 5, nonce, alice.box.addr, netip.AddrPort{})
			h, _ := fakeTest(w, 5, nonce, alice.box.addr, netip.AddrPort{})
			alice.engine.HandleOutside(w.now.Add(time.Hour), good("93.30.0.1:12345"), h, p)
		}, false},
		{"a stranger's packet", func(w *world, alice, _ *node, nonce uint32) {
			h, p := fakeTest(w, 5, nonce, alice.box.addr, netip.AddrPort{})
			alice.engine.HandleOutside(w.now, good("95.30.0.1:12345"), h, p)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, _ := testWorld(t, open)
			w.lose = func(m string) bool { return m != "test 1" } // the forger only
			if err := alice.engine.StartTest(w.now, nat.V4); err != nil {
				t.Fatal(err)
			}
			c.forge(w, alice, bob, nonceOf(alice))
			w.run(nat.TestTime)
			want := nat.Unknown
			if c.five {
				want = nat.OK // it did come in, whoever sent it
			}
			if len(alice.tests) != 1 || alice.tests[0].Outcome != want {
				w.fail("%+v, want %v", alice.tests, want)
			}
		})
	}
}

// Message 4 must be from Bob and signed by the Charlie that it names, for this test.
func TestForgedAgreementMakesNoVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		four func(alice, bob *node, charlies []*node, one wire.PeerTest) wire.PeerTest
	}{
		{"signed by another", func(alice, bob *node, charlies []*node, one wire.PeerTest) wire.PeerTest {
			two := one.Forward(2, 0, alice.hash())
			three := two.Answer(charlies[1].keys.Signing, bob.hash(), 3, 0)
			return three.Forward(4, 0, charlies[0].hash())
		}},
		{"for another address", func(alice, bob *node, charlies []*node, one wire.PeerTest) wire.PeerTest {
			one.Alice = netip.MustParseAddrPort("8.8.8.8:12345")
			two := one.Forward(2, 0, alice.hash())
			three := two.Answer(charlies[0].keys.Signing, bob.hash(), 3, 0)
			return three.Forward(4, 0, charlies[0].hash())
		}},
		{"names Bob", func(alice, bob *node, _ []*node, one wire.PeerTest) wire.PeerTest {
			two := one.Forward(2, 0, alice.hash())
			three := two.Answer(bob.keys.Signing, bob.hash(), 3, 0)
			return three.Forward(4, 0, bob.hash())
		}},
		{"names Alice", func(alice, bob *node, _ []*node, one wire.PeerTest) wire.PeerTest {
			two := one.Forward(2, 0, alice.hash())
			three := two.Answer(alice.keys.Signing, bob.hash(), 3, 0)
			return three.Forward(4, 0, alice.hash())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlies := testWorld(t, open)
			w.lose = func(string) bool { return true }
			for _, ch := range charlies {
				alice.known[ch.hash()] = ch.ri
			}
			if err := alice.engine.StartTest(w.now, nat.V4); err != nil {
				t.Fatal(err)
			}
			one := wire.PeerTest{Message: 1, Version: 2, Nonce: nonceOf(alice), Time: wire.Seconds(w.now), Alice: alice.box.addr}
			four := c.four(alice, bob, charlies, one)
			block := body(four.Append(nil))
			mallory := w.add("mallory", "96.1.0.1", open, "C")
			w.connect(mallory, alice)
			alice.engine.HandleBlock(w.now, mallory.hash(), wire.BlockPeerTest, block)
			if len(alice.tests) != 0 {
				t.Fatal("an answer from a stranger counts")
			}
			alice.engine.HandleBlock(w.now, bob.hash(), wire.BlockPeerTest, block)
			w.run(nat.TestTime)
			if len(alice.tests) != 1 || alice.tests[0].Outcome != nat.Unknown || len(alice.outside) != 0 {
				w.fail("%+v", alice.tests)
			}
		})
	}
}
