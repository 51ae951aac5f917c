package ntcp2

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func FuzzRequestOptions(f *testing.F) {
	f.Add(requestOptions{networkID: 2, version: version, padding: 31, confirmed2: 900, timeInitiator: 1e9}.append(nil))
	f.Add(make([]byte, optionsLen))
	f.Add([]byte{2, 2, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseRequestOptions(b, maxAcceptedPadding)
		if err != nil {
			return
		}
		again, err := parseRequestOptions(o.append(nil), maxAcceptedPadding)
		if err != nil || again != o {
			t.Fatalf("%+v, then %+v, %v", o, again, err)
		}
	})
}

func FuzzCreatedOptions(f *testing.F) {
	f.Add(createdOptions{padding: 222, timeResponder: 1e9}.append(nil))
	f.Add(make([]byte, optionsLen))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseCreatedOptions(b, maxAcceptedPadding)
		if err != nil {
			return
		}
		again, err := parseCreatedOptions(o.append(nil), maxAcceptedPadding)
		if err != nil || again != o {
			t.Fatalf("%+v, then %+v, %v", o, again, err)
		}
	})
}

// testRouterInfo is the RouterInfo of a recorded session and its static key: always the same, as a fuzzer needs.
func testRouterInfo(tb testing.TB) (ri *i2p.RouterInfo, static keys.X25519Private) {
	v := recorded(tb, "outbound")
	ri, _, err := i2p.ParseRouterInfo(v.SelfInfo)
	if err != nil {
		tb.Fatal(err)
	}
	return ri, keys.NewX25519([32]byte(v.Static))
}

func FuzzConfirmedPayload(f *testing.F) {
	ri, _ := testRouterInfo(f)
	f.Add(appendConfirmedPayload(nil, ri.Bytes(), -1))
	f.Add(appendConfirmedPayload(nil, ri.Bytes(), 20))
	f.Add(appendPadding(append(appendBlockHeader(appendConfirmedPayload(nil, ri.Bytes(), -1), blockOptions, 2), 1, 2), 3))
	f.Add(i2npBlock(appendConfirmedPayload(nil, ri.Bytes(), -1), make([]byte, 9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseConfirmedPayload(b)
		if err != nil {
			return
		}
		again, err := parseConfirmedPayload(appendConfirmedPayload(nil, p.routerInfo.Bytes(), 0))
		if err != nil || !bytes.Equal(again.routerInfo.Bytes(), p.routerInfo.Bytes()) {
			t.Fatal(err)
		}
	})
}

func FuzzBlocks(f *testing.F) {
	ri, _ := testRouterInfo(f)
	f.Add(appendTermination(i2npBlock(appendDateTime(nil, time.Unix(1e9, 0)), make([]byte, 30)), 7, transport.ReasonIdle))
	f.Add(appendPadding(append(append(appendBlockHeader(nil, blockRouterInfo, 1+len(ri.Bytes())), 1), ri.Bytes()...), 5))
	f.Add([]byte{3, 255, 255, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		blocks := blocksOf(b)
		for blocks.next() {
			again = append(appendBlockHeader(again, blocks.kind, len(blocks.data)), blocks.data...)
			switch blocks.kind {
			case blockDateTime:
				parseDateTime(blocks.data)
			case blockRouterInfo:
				parseRouterInfoBlock(blocks.data)
			case blockTermination:
				parseTermination(blocks.data)
			}
		}
		if blocks.err == nil && !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

// discard is a Registry that wants nothing.
type discard struct{}

func (discard) Messages(_ i2p.Hash, msgs []*buf.Buf) {
	for _, m := range msgs {
		m.Release()
	}
}
func (discard) RouterInfo(i2p.Hash, *i2p.RouterInfo, bool) {}
func (discard) Admit(i2p.Hash) bool                        { return true }
func (discard) Opened(transport.Session) bool              { return true }
func (discard) Closed(transport.Session, error)            {}

// FuzzReader feeds a stream of frames whose payloads are hostile, in reads of hostile sizes.
func FuzzReader(f *testing.F) {
	f.Add(i2npBlock(nil, make([]byte, 30)), uint16(3), uint16(7))
	f.Add(appendPadding(nil, 9), uint16(1), uint16(60000))
	f.Add([]byte{4, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(9), uint16(1))
	f.Fuzz(func(t *testing.T, payload []byte, frames, cut uint16) {
		k := directionKeys{sip1: 1, sip2: 2}
		c := newFrameCipher(&k)
		var stream []byte
		if len(payload) > maxPayload {
			payload = payload[:maxPayload]
		}
		for range frames % 8 {
			frame := append(make([]byte, lengthLen, lengthLen+len(payload)+tagLen), payload...)
			stream = append(stream, c.seal(frame)...)
		}
		stream = append(stream, payload...) // garbage
		s := &session{clock: clock.New(), registry: discard{}}
		r := newReader(s, &k, nil)
		defer r.free()
		for len(stream) > 0 {
			r.makeRoom()
			n := copy(r.mem[r.end:min(len(r.mem), r.end+int(cut)+1)], stream)
			if n == 0 {
				t.Fatal("no room to read")
			}
			r.end, r.lastRead, stream = r.end+n, n, stream[n:]
			err := r.frames()
			r.deliver()
			if err != nil {
				return
			}
		}
	})
}

// FuzzHandshake runs both state machines over messages that a hostile wire changed: nothing may panic, and a handshake
// that was touched must fail.
func FuzzHandshake(f *testing.F) {
	ri, static := testRouterInfo(f)
	bobStatic := keys.NewX25519([32]byte{7})
	for step := range uint8(4) {
		for size := range uint8(4) {
			f.Add(step, uint16(0), byte(0), uint64(1), size)
			f.Add(step, uint16(40), byte(1), uint64(2), size)
			f.Add(step, uint16(70), byte(0x80), uint64(3), size)
			f.Add(step, uint16(900), byte(4), uint64(4), size)
		}
	}
	f.Fuzz(func(t *testing.T, step uint8, at uint16, flip byte, seed uint64, size uint8) {
		hybrid := append(allSizes(), 0)[size%4]
		rnd := rand.New(rand.NewPCG(seed, 1))
		now := time.Unix(1e9, 0)
		bob := i2p.Hash{1}
		i, err := newInitiator(initiatorConfig{
			static: static, networkID: testNetwork, self: ri.Bytes(), responder: bob, peer: bobStatic.Public(),
			hybrid: hybrid, random: rand.NewChaCha8([32]byte{1}),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := newResponder(responderConfig{
			static: bobStatic, self: bob, networkID: testNetwork, accept: hybrid, random: rand.NewChaCha8([32]byte{2}),
		})
		touched := false
		wire := func(n uint8, msg []byte) []byte {
			msg = bytes.Clone(msg)
			if n == step && flip != 0 {
				touched = true
				msg[int(at)%len(msg)] ^= flip
				if seed%5 == 0 { // or cut
					msg = msg[:int(at)%len(msg)]
				}
				if seed%3 == 0 { // or all of it
					for k := range msg {
						msg[k] = byte(rnd.Uint32())
					}
				}
			}
			return msg
		}
		fail := func(err error) bool {
			if err != nil && !touched {
				t.Fatal(err)
			}
			return err != nil
		}
		msg, err := i.sessionRequest(now)
		if err != nil {
			t.Fatal(err)
		}
		msg = wire(0, msg)
		if _, err = feedRequest(r, msg, now); fail(err) {
			return
		}
		msg, err = r.sessionCreated(now)
		if fail(err) {
			return
		}
		msg = wire(1, msg)
		if _, err = feedCreated(i, msg, now); fail(err) {
			return
		}
		msg, err = i.sessionConfirmed()
		if fail(err) {
			return
		}
		msg = wire(2, msg)
		s, p, err := feedConfirmed(r, msg)
		if fail(err) {
			return
		}
		if touched {
			t.Fatal("a changed handshake succeeded")
		}
		if s != static.Public() || !bytes.Equal(p.routerInfo.Bytes(), ri.Bytes()) || i.keys() != r.keys() {
			t.Fatal("the two sides differ")
		}
		if refusal := checkPeer(p.routerInfo, s, netip.Addr{}, 77, false, p.routerInfo.Published()); refusal != nil {
			t.Fatal(refusal)
		}
	})
}
