package wire_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

// FuzzBlocks takes payloads apart as a session does: nothing panics, and what is written again is what was read.
func FuzzBlocks(f *testing.F) {
	k := signingKey(f)
	request := wire.NewRelayRequest(k, hashBob, hashCharlie, 1, 2, 3, endpointV4)
	response := wire.NewRelayResponse(k, hashBob, wire.AcceptCode, 1, 2, endpointV6, 3)
	refusal := wire.NewRelayResponse(k, hashBob, wire.RelayCodeTagNotFound, 1, 2, netip.AddrPort{}, 0)
	one := wire.NewPeerTest(k, hashBob, 1, 2, endpointV4)
	two := one.Forward(2, 0, hashAlice)
	intro := wire.RelayIntro{From: hashAlice, Request: request}
	gz, _ := wire.AppendRouterInfo(nil, make([]byte, 600), false, 100)
	for _, seed := range [][]byte{
		wire.AppendDateTime(nil, epoch), gz, routerInfoPayload(50), wire.AppendI2NP(nil, make([]byte, 20)),
		wire.AppendFirstFragment(nil, make([]byte, 20)), wire.FollowOnFragment{Number: 3, Last: true, Data: []byte{1}}.Append(nil),
		wire.AppendTermination(nil, 1, 2), request.Append(nil), response.Append(nil), refusal.Append(nil), intro.Append(nil), one.Append(nil), two.Append(nil),
		wire.AppendAck(nil, 10, 2, []wire.AckRange{{1, 2}, {2, 3}}), wire.AppendAddress(nil, endpointV6), wire.AppendRelayTag(nil, 5),
		wire.AppendNewToken(nil, 1, epoch), wire.AppendPathChallenge(nil, make([]byte, 8)),
		wire.AppendCongestion(nil, 3), wire.AppendPadding(wire.AppendTermination(wire.AppendDateTime(nil, epoch), 1, 2), 9),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := wire.ParseBlocks(payload)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		var again []byte
		for b.Next() {
			again = wire.AppendBlock(again, b.Type, b.Body)
			if got, ok := rewrite(b.Type, b.Body); ok && !bytes.Equal(got, wire.AppendBlock(nil, b.Type, b.Body)) {
				t.Fatalf("%v %x is written as %x", b.Type, b.Body, got)
			}
		}
		if !bytes.Equal(again, payload) {
			t.Fatalf("%x is written as %x", payload, again)
		}
	})
}

// rewrite parses a body and writes the block again; false if it is refused, or has a form in which bytes may get lost (gzip, what
// is skipped).
func rewrite(typ wire.BlockType, body []byte) (block []byte, ok bool) {
	switch typ {
	case wire.BlockDateTime:
		v, err := wire.ParseDateTime(body)
		return wire.AppendDateTime(nil, v), err == nil
	case wire.BlockRouterInfo:
		wire.ParseRouterInfo(body)
	case wire.BlockI2NP, wire.BlockFirstFragment:
		wire.MessageID(body)
	case wire.BlockFollowOnFragment:
		v, err := wire.ParseFollowOnFragment(body)
		return v.Append(nil), err == nil
	case wire.BlockTermination:
		n, r, err := wire.ParseTermination(body)
		return wire.AppendTermination(nil, n, r), err == nil && len(body) == 9
	case wire.BlockRelayRequest:
		v, err := wire.ParseRelayRequest(body)
		return v.Append(nil), err == nil
	case wire.BlockRelayResponse:
		v, err := wire.ParseRelayResponse(body)
		return v.Append(nil), err == nil && len(body) > 6
	case wire.BlockRelayIntro:
		v, err := wire.ParseRelayIntro(body)
		return v.Append(nil), err == nil
	case wire.BlockPeerTest:
		v, err := wire.ParsePeerTest(body)
		return v.Append(nil), err == nil
	case wire.BlockAck:
		v, err := wire.ParseAck(body)
		below := int64(1) << 32
		for first, last, more := v.Next(); more; first, last, more = v.Next() {
			if first > last || int64(last) >= below {
				panic("runs overlap")
			}
			below = int64(first)
		}
		var ranges []wire.AckRange
		for i := 5; err == nil && i < len(body); i += 2 {
			ranges = append(ranges, wire.AckRange{Nacks: body[i], Acks: body[i+1]})
		}
		if err != nil {
			return nil, false
		}
		return wire.AppendAck(nil, v.Through, body[4], ranges), true
	case wire.BlockAddress:
		v, err := wire.ParseAddress(body)
		if err != nil {
			return nil, false
		}
		return wire.AppendAddress(nil, v), true
	case wire.BlockRelayTag:
		v, err := wire.ParseRelayTag(body)
		return wire.AppendRelayTag(nil, v), err == nil
	case wire.BlockNewToken:
		v, at, err := wire.ParseNewToken(body)
		return wire.AppendNewToken(nil, v, at), err == nil && len(body) == 12
	case wire.BlockCongestion:
		v, err := wire.ParseCongestion(body)
		return wire.AppendCongestion(nil, v), err == nil && len(body) == 1
	}
	return nil, false
}

// FuzzOutside opens anything as each kind of packet outside of a session, sealed payloads too: with the key, which is public,
// everybody gets as far.
func FuzzOutside(f *testing.F) {
	intro := wire.NewIntro(wire.IntroKey{1})
	for n, typ := range outsideTypes {
		f.Add(byte(n), byte(2), wire.AppendDateTime(wire.AppendCongestion(nil, 1), epoch), intro.Seal(outsideHeader(typ), wire.AppendPadding(nil, 9)))
	}
	f.Fuzz(func(t *testing.T, n, version byte, payload, packet []byte) {
		h := outsideHeader(outsideTypes[int(n)%len(outsideTypes)])
		h.Version = version
		if len(payload) >= wire.MinPayload {
			got, opened, err := intro.Open(intro.Seal(h, payload), h.Type, networkID)
			if err == nil && (got != h || !bytes.Equal(opened, payload)) || err == nil && (version < 2 || version > 4) {
				t.Fatalf("%+v, %x", got, opened)
			}
		}
		wire.DestID(packet, intro.Key())
		if opened, err := wire.OpenHeader(packet, intro.Key(), intro.Key()); err == nil && opened.Type > wire.HolePunch {
			t.Fatalf("%+v", opened)
		}
		intro.Open(packet, h.Type, networkID)
	})
}

// FuzzData opens anything as a data packet, and what a peer may have sealed.
func FuzzData(f *testing.F) {
	s, _, _ := dataPair()
	f.Add(sealed(s, wire.AppendPadding(nil, 20), 7))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, o, intro := dataPair()
		id, ok := wire.DestID(b, intro)
		if ok != (len(b) >= wire.MinPacket) {
			t.Fatal("length")
		}
		if len(b) >= wire.MinPayload {
			packet := sealed(s, b, 3)
			if number, _, payload, err := o.Open(packet, 42); err != nil || number != 3 || !bytes.Equal(payload, b) {
				t.Fatalf("%d, %v", number, err)
			}
		}
		o.Open(bytes.Clone(b), id)
	})
}

// change makes another packet of a genuine one: cut, or with bytes XORed from some place on. false if it is the same.
func change(packet []byte, at uint16, cut bool, xor []byte) ([]byte, bool) {
	c := bytes.Clone(packet)
	at %= uint16(len(c))
	if cut {
		return c[:at], true
	}
	for i := range min(len(xor), len(c)-int(at)) {
		c[int(at)+i] ^= xor[i]
	}
	return c, !bytes.Equal(c, packet)
}

func fuzzChanged(f *testing.F) {
	for v := range byte(3) {
		f.Add(v, uint16(8), false, []byte{0, 0, 0, 0, 0, 1})
		f.Add(v, uint16(90), true, []byte{})
		f.Add(v, uint16(40), false, bytes.Repeat([]byte{0xff}, 40))
	}
}

// FuzzSessionRequest gives Bob a changed SessionRequest, which he refuses, and then the genuine one.
func FuzzSessionRequest(f *testing.F) {
	fuzzChanged(f)
	f.Fuzz(func(t *testing.T, v byte, at uint16, cut bool, xor []byte) {
		p := newPair(variants[v%3])
		a, err := wire.NewInitiator(p.initiator)
		if err != nil {
			t.Fatal(err)
		}
		b := wire.NewResponder(p.responder)
		request, err := a.Request(1, p.request)
		if err != nil {
			t.Fatal(err)
		}
		if wrong, other := change(request, at, cut, xor); other {
			if _, _, err := b.OpenRequest(wrong); err == nil {
				t.Fatal("changed SessionRequest taken")
			}
		}
		if _, _, err := b.OpenRequest(request); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSessionCreated gives Alice a changed SessionCreated, which she refuses, as it is and as Retry, and then the genuine one.
func FuzzSessionCreated(f *testing.F) {
	fuzzChanged(f)
	f.Fuzz(func(t *testing.T, v byte, at uint16, cut bool, xor []byte) {
		p := newPair(variants[v%3])
		a, err := wire.NewInitiator(p.initiator)
		if err != nil {
			t.Fatal(err)
		}
		b := wire.NewResponder(p.responder)
		request, err := a.Request(1, p.request)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.OpenRequest(request); err != nil {
			t.Fatal(err)
		}
		created, err := b.Created(p.created)
		if err != nil {
			t.Fatal(err)
		}
		if wrong, other := change(created, at, cut, xor); other {
			if _, _, err := a.OpenRetry(bytes.Clone(wrong)); err == nil {
				t.Fatal("taken for Retry")
			}
			if _, _, err := a.OpenCreated(wrong); err == nil {
				t.Fatal("changed SessionCreated taken")
			}
		}
		if _, _, err := a.OpenCreated(created); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSessionConfirmed gives Bob packets in an order that the input says: fragments of the genuine SessionConfirmed, changed
// ones, anything. He never takes anything but the genuine payload, and takes that when its fragments come at the end, unless too
// many forged ones came.
//
// An operation is 4 bytes: what, which fragment, where, XOR.
func FuzzSessionConfirmed(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0})
	f.Add([]byte{1, 0, 200, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{2, 0, 100, 0, 1, 1, 13, 0xff, 3, 0, 9, 9, 0, 1, 0, 0})
	f.Add(bytes.Repeat([]byte{1, 1, 100, 7, 0, 0, 0, 0, 0, 2, 0, 0}, 9))
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := newPair(wire.Plain)
		a, b := p.toCreated(t)
		packets, err := a.Confirmed(p.info, 400)
		if err != nil || len(packets) != 3 {
			t.Fatal(err)
		}
		failures := 0
		give := func(packet []byte) bool {
			payload, complete, err := b.OpenConfirmed(packet)
			if complete && !bytes.Equal(payload, p.info) {
				t.Fatal("forged SessionConfirmed taken")
			}
			if errors.Is(err, wire.ErrAuthentication) {
				failures++
			}
			return complete
		}
		for ; len(ops) >= 4; ops = ops[4:] {
			packet := packets[int(ops[1])%len(packets)]
			switch ops[0] % 4 {
			case 0:
				packet = bytes.Clone(packet)
			case 1:
				packet, _ = change(packet, uint16(ops[2]), false, ops[3:4])
			case 2:
				packet, _ = change(packet, uint16(ops[2]), true, nil)
			case 3:
				packet = bytes.Repeat(ops[1:4], int(ops[2]))
			}
			if give(packet) {
				return
			}
		}
		// Twice: what came before may have to be forgotten first.
		for range 2 {
			for _, packet := range packets {
				if give(bytes.Clone(packet)) {
					return
				}
			}
		}
		if failures < 8 {
			t.Fatalf("the genuine fragments were not taken, after %d failures", failures)
		}
	})
}

// FuzzSequence lets both sides of a handshake get packets in any order, genuine, changed or sent back: they end with the same
// keys or with none.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5})
	f.Add([]byte{0, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 6, 7})
	f.Add([]byte{6, 0, 7, 1, 2, 6, 3, 7, 4, 5, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := newPair(wire.Plain)
		a, err := wire.NewInitiator(p.initiator)
		if err != nil {
			t.Fatal(err)
		}
		b := wire.NewResponder(p.responder)
		bob := wire.NewIntro(p.bobIntro)
		var request, created []byte
		var confirmed [][]byte
		aliceDone, bobDone := false, false
		for _, op := range ops[:min(len(ops), 64)] {
			packet := func(b []byte) []byte {
				if op >= 16 && len(b) > 0 {
					b, _ = change(b, uint16(op)*7, op&1 != 0, []byte{op})
				}
				return bytes.Clone(b)
			}
			switch op % 8 {
			case 0:
				if r, err := a.Request(wire.Token(op), p.request); err == nil {
					request = r
				}
			case 1:
				b.OpenRequest(packet(request))
			case 2:
				if c, err := b.Created(p.created); err == nil {
					created = c
				}
			case 3:
				a.OpenCreated(packet(created))
			case 4:
				if c, err := a.Confirmed(p.info, 700); err == nil {
					confirmed, aliceDone = c, true
				}
			case 5:
				for _, c := range confirmed {
					if _, complete, _ := b.OpenConfirmed(packet(c)); complete {
						bobDone = true
					}
				}
			case 6:
				h, err := wire.OpenHeader(request, bob.Key(), bob.Key())
				if err == nil {
					a.OpenRetry(packet(bob.Seal(wire.RetryTo(h, 9, 9), p.created)))
				}
			case 7:
				for _, c := range [][]byte{request, created} {
					b.OpenConfirmed(packet(c))
					a.OpenCreated(packet(request))
					a.OpenRetry(packet(created))
				}
			}
		}
		if bobDone && (!aliceDone || a.Keys().Send != b.Keys().Receive || a.Keys().Receive != b.Keys().Send || b.RemoteStatic() != p.alice.Public()) {
			t.Fatal("different keys")
		}
	})
}
