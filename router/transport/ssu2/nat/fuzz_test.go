package nat_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// checkBounds fails if a table is longer than its limit.
func checkBounds(t *testing.T, s nat.Stats) {
	t.Helper()
	if s.TestsBob > 64 || s.TestsCharlie > 64 || s.RelaysAlice > 128 || s.RelaysBob > 128 || s.RelaysCharlie > 64 || s.Waiting > 64 ||
		s.TagsGiven > nat.MaxTags || s.TagsGot > 2*64 {
		t.Fatalf("a table is too long: %+v", s)
	}
}

// FuzzEngine gives one router whatever peers may send, in sessions and outside, in any order and time: blocks of its own making, and well-formed
// ones with parts changed. Nothing panics, every table stays within its limit, every test and relay that was begun ends once, and when it is
// quiet the tables are empty but for tags.
func FuzzEngine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Add(bytes.Repeat([]byte{3, 0, 1, 7, 9, 2, 5, 8, 1, 6, 4}, 40))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 9, 9, 3}, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		w, alice, bob, charlies := testWorld(t, open)
		nodes := append([]*node{alice, bob}, charlies...)
		for _, c := range charlies {
			w.connect(alice, c)
		}
		at := 0
		next := func() byte {
			if at >= len(data) {
				return 0
			}
			at++
			return data[at-1]
		}
		key := func() *node { return nodes[int(next())%len(nodes)] }
		addresses := []netip.AddrPort{
			alice.box.addr, bob.box.addr, charlies[0].box.addr, charlies[1].box.addr, netip.MustParseAddrPort("10.0.0.1:9999"),
			netip.MustParseAddrPort("8.8.8.8:12345"), netip.MustParseAddrPort("[2a01::1]:12345"), netip.MustParseAddrPort("[::ffff:8.8.8.8]:12345"),
		}
		address := func() netip.AddrPort { return addresses[int(next())%len(addresses)] }
		started, relays := 0, 0
		nonce := func() uint32 {
			if n := nonceOf(alice); n != 0 && next()%2 == 0 {
				return n
			}
			return uint32(next() % 8)
		}
		seconds := func() uint32 { return wire.Seconds(w.now.Add(time.Duration(int8(next())) * time.Second)) }
		block := func() []byte {
			switch next() % 7 {
			case 0:
				p := wire.NewPeerTest(key().keys.Signing, key().hash(), nonce(), seconds(), address())
				p = p.Forward(next()%8, next()%4*64, key().hash())
				return p.Append(nil)
			case 1:
				p := wire.PeerTest{Message: 2, Version: 2, Nonce: nonce(), Time: seconds(), Alice: address(), Router: key().hash()}
				p = p.Answer(key().keys.Signing, key().hash(), 3, next()%4*64)
				p = p.Forward(3+next()%5, 0, key().hash())
				return p.Append(nil)
			case 2:
				p := wire.NewRelayRequest(key().keys.Signing, key().hash(), key().hash(), nonce(), uint32(next()), seconds(), address())
				return p.Append(nil)
			case 3:
				p := wire.NewRelayRequest(key().keys.Signing, key().hash(), key().hash(), nonce(), uint32(next()), seconds(), address())
				in := wire.RelayIntro{From: key().hash(), Request: p}
				return in.Append(nil)
			case 4:
				p := wire.NewRelayResponse(key().keys.Signing, key().hash(), next()%4*64, nonce(), seconds(), address(), 5)
				return p.Append(nil)
			case 5:
				return wire.AppendRelayTag(nil, uint32(next())+1)
			}
			n := int(next())
			junk := make([]byte, 0, n)
			for range n {
				junk = append(junk, next())
			}
			return wire.AppendBlock(nil, wire.BlockType(7+next()%10), junk)
		}
		e := alice.engine
		for at < len(data) {
			switch next() % 12 {
			case 0, 1, 2, 3:
				b := block()
				if n := int(next()); n > 200 && len(b) > 3 { // damage
					b[3+n%(len(b)-3)] ^= next()
				}
				e.HandleBlock(w.now, key().hash(), wire.BlockType(b[0]), body(b))
			case 4, 5:
				b := append(wire.AppendAddress(nil, addresses[0]), block()...)
				dest, src := wire.NonceIDs(nonce())
				h := wire.Header{Type: wire.PeerTestPacket, DestID: dest, SrcID: src}
				if next()%2 == 0 {
					h.Type = wire.HolePunch
				}
				if next()%4 == 0 {
					h.DestID, h.SrcID = h.SrcID, h.DestID
				}
				e.HandleOutside(w.now, address(), h, b)
			case 6:
				if e.StartTest(w.now, nat.Family(next()%2)) == nil {
					started++
				}
			case 7:
				if _, err := e.Relay(w.now, key().ri, key().hash(), uint32(next()), nat.V4); err == nil {
					relays++
				}
			case 8:
				if n := key(); n != alice {
					alice.known[n.hash()] = n.ri
					e.HandleRouterInfo(w.now, n.hash())
				}
			case 9:
				if n := key(); n != alice && next()%4 == 0 {
					delete(alice.sessions, n.hash())
					e.SessionClosed(w.now, n.hash())
				}
			case 10:
				e.NeedIntroducers(w.now, nat.V4, next()%2 == 0)
			case 11:
				w.now = w.now.Add(time.Duration(binary.BigEndian.Uint16([]byte{next(), next()})) * time.Millisecond)
				e.Tick(w.now)
				if d := e.Deadline(); !d.IsZero() && !d.After(w.now) {
					t.Fatal("Deadline is not after Tick")
				}
			}
			checkBounds(t, e.Stats())
		}
		w.lose = func(string) bool { return true }
		w.run(time.Minute)
		s := e.Stats()
		if s.TestsAlice+s.TestsBob+s.TestsCharlie+s.RelaysAlice+s.RelaysBob+s.RelaysCharlie+s.Waiting != 0 {
			t.Fatalf("something is left after a quiet minute: %+v", s)
		}
		ended := 0
		for _, r := range alice.relays {
			if !r.Moved {
				ended++
			}
		}
		if len(alice.tests) != started || ended != relays {
			t.Fatalf("%d tests begun, %d ended; %d relays begun, %d ended", started, len(alice.tests), relays, ended)
		}
	})
}

// A thousand peers at once, each within its own limits: tables fill to their bound and empty again, and newcomers are refused.
func TestTablesFillToTheirBound(t *testing.T) {
	w := newWorld(t)
	bob := w.add("bob", "92.20.0.1", open, "BC")
	for i := range 20 {
		c := w.add("charlie", netip.AddrFrom4([4]byte{93, byte(i), 0, 1}).String(), open, "BC")
		w.connect(c, bob)
	}
	w.lose = func(string) bool { return true }
	for i := range 400 {
		a := w.add("alice", netip.AddrFrom4([4]byte{110 + byte(i>>8), byte(i), 0, 1}).String(), open, "")
		w.connect(a, bob)
		p := wire.NewPeerTest(a.keys.Signing, bob.hash(), uint32(i), wire.Seconds(w.now), a.box.addr)
		bob.engine.HandleBlock(w.now, a.hash(), wire.BlockPeerTest, body(p.Append(nil)))
		bob.engine.HandleBlock(w.now, a.hash(), wire.BlockRelayTagRequest, nil)
		checkBounds(t, bob.engine.Stats())
	}
	s := bob.engine.Stats()
	if s.TestsBob != 64 || s.TestsRefused == 0 || s.TagsGiven != nat.MaxTags {
		t.Errorf("%+v", s)
	}
	w.run(time.Minute)
	if s = bob.engine.Stats(); s.TestsBob != 0 {
		t.Errorf("%+v", s)
	}
}
