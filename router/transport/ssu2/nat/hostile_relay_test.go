package nat_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// Bob introduces nobody at an address that is not theirs: Charlie would send packets there.
func TestBobRefusesRelays(t *testing.T) {
	for _, c := range []struct {
		name, address string
		skew          time.Duration
		forge         bool
		code          byte
	}{
		{name: "another's address", address: "8.8.8.8:12345", code: wire.CodeBobUnspecified},
		{name: "another's address of the other family", address: "[2a01:100::1]:12345", code: wire.CodeBobUnspecified},
		{name: "private address", address: "10.0.0.1:12345", code: wire.CodeBobUnspecified},
		{name: "privileged port", address: "91.10.0.1:53", code: wire.CodeBobUnspecified},
		{name: "old", address: "91.10.0.1:12345", skew: -3 * time.Minute, code: wire.CodeBobUnspecified},
		{name: "signed by another", address: "91.10.0.1:12345", forge: true, code: wire.CodeBobSignature},
		{name: "good", address: "91.10.0.1:12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlie, tag := relayWorld(t, open, open)
			key := alice.keys.Signing
			if c.forge {
				key = charlie.keys.Signing
			}
			p := wire.NewRelayRequest(key, bob.hash(), charlie.hash(), 7, tag, wire.Seconds(w.now.Add(c.skew)), netip.MustParseAddrPort(c.address))
			for range 3 {
				bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockRelayRequest, body(p.Append(nil)))
			}
			codes, intros := bob.answers("RelayResponse"), len(bob.answers("RelayIntro"))
			if c.code == 0 {
				if len(codes) != 0 || intros != 1 {
					t.Errorf("answers %v, %d intros", codes, intros)
				}
				return
			}
			if len(codes) == 0 || codes[0] != c.code || intros != 0 {
				t.Errorf("answers %v, want %d; %d intros", codes, c.code, intros)
			}
		})
	}
}

func TestRelayFloodIsBounded(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, open, open)
	for n := uint32(1); n <= 3000; n++ {
		p := wire.NewRelayRequest(alice.keys.Signing, bob.hash(), charlie.hash(), n, tag, wire.Seconds(w.now), alice.box.addr)
		bob.engine.HandleBlock(w.now, alice.hash(), wire.BlockRelayRequest, body(p.Append(nil)))
		if n%100 == 0 {
			w.run(100 * time.Millisecond)
		}
	}
	w.run(20 * time.Second)
	if s := bob.engine.Stats(); s.RelaysPassed > 100 || len(bob.answers("RelayResponse")) > 200 {
		t.Errorf("%+v", s)
	}
	// Charlie bounds what goes to one address further.
	if n := len(charlie.outside); n > 30*4 {
		t.Errorf("%d HolePunches", n)
	}
}

// Charlie punches for nobody whose introducer he has no tag with, or who did not sign.
func TestCharlieRefusesRelays(t *testing.T) {
	for _, c := range []struct {
		name    string
		address string
		tag     uint32 // more than the right one
		forge   bool
		code    byte
	}{
		{name: "another tag", address: "91.10.0.1:12345", tag: 1, code: wire.CodeCharlieUnspecified},
		{name: "signed by Bob", address: "91.10.0.1:12345", forge: true, code: wire.CodeCharlieSignature},
		{name: "private address", address: "10.0.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "ourselves", address: "93.30.0.1:12345", code: wire.CodeCharlieAddress},
		{name: "good", address: "91.10.0.1:12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, alice, bob, charlie, tag := relayWorld(t, open, open)
			charlie.known[alice.hash()] = alice.ri
			key := alice.keys.Signing
			if c.forge {
				key = bob.keys.Signing
			}
			p := wire.NewRelayRequest(key, bob.hash(), charlie.hash(), 7, tag+c.tag, wire.Seconds(w.now), netip.MustParseAddrPort(c.address))
			intro := wire.RelayIntro{From: alice.hash(), Request: p}
			for range 3 {
				charlie.engine.HandleBlock(w.now, bob.hash(), wire.BlockRelayIntro, body(intro.Append(nil)))
			}
			codes := charlie.answers("RelayResponse")
			w.run(30 * time.Second)
			punches := 0
			if c.code == 0 {
				punches = 4
			}
			if len(codes) == 0 || codes[0] != c.code || len(charlie.outside) != punches || c.code == 0 && len(codes) != 1 {
				t.Errorf("answers %v, want %d; %d punches", codes, c.code, len(charlie.outside))
			}
		})
	}
}

// A forged HolePunch does not keep the real one out; a forged RelayResponse ends the relay, as only Bob can send it.
func TestForgedIntroductions(t *testing.T) {
	w, alice, bob, charlie, tag := relayWorld(t, open, portRestricted)
	w.lose = func(m string) bool { return m == "RelayResponse" }
	nonce, err := alice.engine.Relay(w.now, charlie.ri, bob.hash(), tag, nat.V4)
	if err != nil {
		t.Fatal(err)
	}
	dest, src := wire.NonceIDs(nonce)
	mallory := netip.MustParseAddrPort("95.1.1.1:12345")
	h := wire.Header{Type: wire.HolePunch, DestID: dest, SrcID: src}
	for _, f := range []wire.RelayResponse{
		wire.NewRelayResponse(bob.keys.Signing, bob.hash(), 0, nonce, wire.Seconds(w.now), mallory, 9),
		wire.NewRelayResponse(charlie.keys.Signing, bob.hash(), 0, nonce, wire.Seconds(w.now), charlie.box.addr, 9), // Charlie's, from elsewhere
		wire.NewRelayResponse(charlie.keys.Signing, bob.hash(), 65, nonce, wire.Seconds(w.now), mallory, 9),
		wire.NewRelayResponse(charlie.keys.Signing, bob.hash(), 0, nonce, wire.Seconds(w.now.Add(-time.Hour)), mallory, 9),
		wire.NewRelayResponse(charlie.keys.Signing, alice.hash(), 0, nonce, wire.Seconds(w.now), mallory, 9), // through another Bob
	} {
		alice.engine.HandleOutside(w.now, mallory, h, f.Append(nil))
	}
	if len(alice.relays) != 0 {
		t.Fatalf("%+v", alice.relays)
	}
	w.run(15 * time.Second)
	if len(alice.relays) != 1 || !alice.relays[0].Punched || alice.relays[0].Address != charlie.box.addr || !alice.met[charlie.hash()] {
		w.fail("%+v", alice.relays)
	}

	for _, c := range []struct {
		f    func(nonce uint32) wire.RelayResponse
		want error
	}{
		{func(n uint32) wire.RelayResponse {
			return wire.NewRelayResponse(bob.keys.Signing, bob.hash(), 0, n, wire.Seconds(w.now), charlie.box.addr, 9)
		}, nat.ErrSignature},
		{func(n uint32) wire.RelayResponse {
			return wire.NewRelayResponse(charlie.keys.Signing, bob.hash(), 0, n, wire.Seconds(w.now), netip.MustParseAddrPort("10.0.0.1:12345"), 9)
		}, nat.ErrAddress},
	} {
		alice.relays = nil
		w.lose = func(string) bool { return true }
		if nonce, err = alice.engine.Relay(w.now, charlie.ri, bob.hash(), tag, nat.V4); err != nil {
			t.Fatal(err)
		}
		f := c.f(nonce)
		alice.engine.HandleBlock(w.now, bob.hash(), wire.BlockRelayResponse, body(f.Append(nil)))
		if len(alice.relays) != 1 || alice.relays[0].Err != c.want {
			t.Errorf("%+v, want %v", alice.relays, c.want)
		}
	}
}

// To know our address means to ask all sessions: neither the routers of the netDb that do not introduce nor tags that change cost that.
func TestOwnAddressIsNotLookedUpInVain(t *testing.T) {
	w := newWorld(t)
	charlie, none := w.add("charlie", "93.30.0.1", portRestricted, ""), w.add("none", "94.30.0.1", open, "B")
	bobs := make([]*node, 8)
	for i := range bobs {
		bobs[i] = w.add("bob", netip.AddrFrom4([4]byte{92, byte(i), 0, 1}).String(), open, "BC")
		w.connect(charlie, bobs[i])
	}
	charlie.engine.NeedIntroducers(w.now, nat.V4, true)
	w.run(time.Minute)
	before := charlie.owns
	if charlie.engine.WantTag(nat.V4, none.ri) || charlie.owns != before {
		t.Error("asked for one that does not introduce")
	}
	for tag := range byte(200) {
		for _, b := range bobs {
			charlie.engine.HandleBlock(w.now, b.hash(), wire.BlockRelayTag, []byte{0, 0, 1, tag + 1})
		}
	}
	if n := charlie.owns - before; n > 300 {
		t.Errorf("1600 tags made us ask %d times", n)
	}
}

// Identities cost nothing, addresses do.
func TestOneNetworkGetsOnlySoManyTags(t *testing.T) {
	for _, c := range []struct{ bob, one, other string }{
		{"92.20.0.1", "93.30.7.%d", "93.30.8.1"}, {"2a01:200::1", "2a01:300:7:%x::1", "2a01:300:8::1"},
	} {
		w := newWorld(t)
		bob := w.add("bob", c.bob, open, "BC")
		var all []*node
		ask := func(ip string) int {
			n := w.add("charlie", ip, open, "")
			w.connect(n, bob)
			bob.engine.HandleBlock(w.now, n.hash(), wire.BlockRelayTagRequest, nil)
			all = append(all, n)
			return bob.engine.Stats().TagsGiven
		}
		for i := range 40 {
			ask(fmt.Sprintf(c.one, i+1))
		}
		if n := bob.engine.Stats().TagsGiven; n != 8 {
			t.Errorf("%d tags in one network", n)
		}
		if n := ask(c.other); n != 9 {
			t.Errorf("none for another network: %d", n)
		}
		w.disconnect(all[0], bob)
		if n := ask(fmt.Sprintf(c.one, 99)); n != 9 {
			t.Errorf("none after one has gone: %d", n)
		}
		for _, n := range all {
			w.disconnect(n, bob)
		}
		if n := ask(fmt.Sprintf(c.one, 98)); n != 1 {
			t.Errorf("none after all have gone: %d", n)
		}
	}
}
