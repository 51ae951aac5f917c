package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

func TestHandshakeGivesBothSidesTheSameKeys(t *testing.T) {
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(v)
			a, b := p.toCreated(t)
			confirm(t, a, b, p.info, wire.MaxPacket)
			if b.RemoteStatic() != p.alice.Public() {
				t.Fatal("another static key")
			}
			ka, kb := a.Keys(), b.Keys()
			if ka.Send != kb.Receive || ka.Receive != kb.Send || ka.Send == ka.Receive {
				t.Fatalf("keys differ: %v %v", ka, kb)
			}
			if b.DestID() != a.SrcID() || b.SrcID() != a.DestID() {
				t.Fatal("connection IDs differ")
			}
			seal := wire.NewSealer(ka.Send, wire.NewHeaderKey(p.bobIntro))
			open := wire.NewOpener(kb.Receive)
			payload := wire.AppendPadding(nil, 20)
			packet := seal.Seal(append(make([]byte, 16, 200), payload...), a.DestID(), 7, true)
			id, ok := wire.DestID(packet, wire.NewHeaderKey(p.bobIntro))
			if !ok || id != b.SrcID() {
				t.Fatalf("destination %x, not %x", id, b.SrcID())
			}
			number, immediate, got, err := open.Open(packet, id)
			if err != nil || number != 7 || !immediate || !bytes.Equal(got, payload) {
				t.Fatalf("%d %v %x %v", number, immediate, got, err)
			}
		})
	}
}

func TestHybridHandshakeIsBoundToTheRouter(t *testing.T) {
	for _, v := range variants {
		p := newPair(v)
		p.responder.Hash[0]++
		a, err := wire.NewInitiator(p.initiator)
		if err != nil {
			t.Fatal(err)
		}
		request, err := a.Request(1, p.request)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = wire.NewResponder(p.responder).OpenRequest(request)
		if v == wire.Plain && err != nil || v != wire.Plain && !errors.Is(err, wire.ErrAuthentication) {
			t.Errorf("%v to another router: %v", v, err)
		}
	}
}

// flips returns copies of a packet, each with another byte changed.
func flips(packet []byte, step int) (all [][]byte) {
	for n := 0; n < len(packet); n += step {
		c := bytes.Clone(packet)
		c[n] ^= 0x40
		all = append(all, c)
	}
	return all
}

func garbage(n int) [][]byte {
	var all [][]byte
	for i := range n {
		b := make([]byte, i*37)
		seeded(byte(i)).Read(b)
		all = append(all, b)
	}
	return all
}

func TestWrongPacketsLeaveTheHandshakeAsItWas(t *testing.T) {
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(v)
			a, err := wire.NewInitiator(p.initiator)
			if err != nil {
				t.Fatal(err)
			}
			b := wire.NewResponder(p.responder)
			request, err := a.Request(1, p.request)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range append(garbage(50), flips(request, 7)...) {
				if _, _, err := b.OpenRequest(wrong); err == nil {
					t.Fatal("changed SessionRequest taken")
				}
			}
			if _, _, err := b.OpenRequest(bytes.Clone(request)); err != nil {
				t.Fatal(err)
			}
			created, err := b.Created(p.created)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range append(append(garbage(50), flips(created, 7)...), bytes.Clone(request)) {
				if _, _, err := a.OpenCreated(wrong); err == nil {
					t.Fatal("changed SessionCreated taken")
				}
			}
			if _, _, err := a.OpenCreated(bytes.Clone(created)); err != nil {
				t.Fatal(err)
			}
			packets, err := a.Confirmed(p.info, wire.MaxPacket)
			if err != nil || len(packets) != 1 {
				t.Fatal(err)
			}
			wrong := append(append(garbage(50), flips(packets[0], 170)...), bytes.Clone(request), bytes.Clone(created))
			for _, wrong := range wrong {
				if _, _, err := b.OpenConfirmed(wrong); err == nil {
					t.Fatal("changed SessionConfirmed taken")
				}
			}
			if _, complete, err := b.OpenConfirmed(packets[0]); err != nil || !complete {
				t.Fatal(err)
			}
			if a.Keys().Send != b.Keys().Receive {
				t.Fatal("keys differ")
			}
		})
	}
}

func TestCallsOutOfOrderAreRefused(t *testing.T) {
	p := newPair(wire.Plain)
	a, err := wire.NewInitiator(p.initiator)
	if err != nil {
		t.Fatal(err)
	}
	b := wire.NewResponder(p.responder)
	if _, _, err := a.OpenCreated(make([]byte, 100)); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, err := a.Confirmed(p.info, 1400); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, err := b.Created(p.created); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, _, err := b.OpenConfirmed(make([]byte, 100)); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	a, b = p.toCreated(t)
	if _, err := a.Request(1, p.request); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, _, err := a.OpenRetry(make([]byte, 100)); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, err := b.Created(p.created); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	confirm(t, a, b, p.info, wire.MaxPacket)
	if _, err := a.Confirmed(p.info, 1400); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
	if _, _, err := b.OpenConfirmed(make([]byte, 100)); !errors.Is(err, wire.ErrState) {
		t.Error(err)
	}
}

func TestRequestStartsOverAfterRetry(t *testing.T) {
	p := newPair(wire.MLKEM512)
	a, err := wire.NewInitiator(p.initiator)
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.Request(1, p.request)
	if err != nil {
		t.Fatal(err)
	}
	bob := wire.NewIntro(p.bobIntro)
	h, err := wire.OpenHeader(first, bob.Key(), bob.Key())
	if err != nil || h.Token != 1 || h.Type != wire.SessionRequest {
		t.Fatalf("%+v, %v", h, err)
	}
	retry := bob.Seal(wire.RetryTo(h, 2, 3), p.created)
	if _, _, err := a.OpenCreated(retry); err == nil {
		t.Fatal("Retry taken for SessionCreated")
	}
	rh, payload, err := a.OpenRetry(retry)
	if err != nil || rh.Token != 2 || !bytes.Equal(payload, p.created) {
		t.Fatalf("%+v, %v", rh, err)
	}
	other := bob.Seal(wire.RetryTo(wire.Header{SrcID: h.SrcID + 1, DestID: h.DestID, Version: 2, NetworkID: networkID}, 2, 3), p.created)
	if _, _, err := a.OpenRetry(other); !errors.Is(err, wire.ErrConnectionID) {
		t.Fatalf("Retry for another: %v", err)
	}
	second, err := a.Request(rh.Token, p.request)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first[32:64], second[32:64]) {
		t.Fatal("the ephemeral key is the same")
	}
	b := wire.NewResponder(p.responder)
	if _, _, err := b.OpenRequest(second); err != nil {
		t.Fatal(err)
	}
	created, err := b.Created(p.created)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.OpenCreated(created); err != nil {
		t.Fatal(err)
	}
}

func TestResponderTakesOnlyItsVariants(t *testing.T) {
	for _, v := range variants {
		p := newPair(v)
		p.responder.MLKEM512, p.responder.MLKEM768 = false, false
		a, err := wire.NewInitiator(p.initiator)
		if err != nil {
			t.Fatal(err)
		}
		request, err := a.Request(1, p.request)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = wire.NewResponder(p.responder).OpenRequest(request)
		if v == wire.Plain && err != nil || v != wire.Plain && !errors.Is(err, wire.ErrVersion) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

// The sizes are those of proposal 169.
func TestVariantSizes(t *testing.T) {
	for n, want := range [][2]int{{80, 80}, {896, 864}, {1280, 1184}} {
		v := variants[n]
		if v.RequestOverhead() != want[0] || v.CreatedOverhead() != want[1] || int(v.Version()) != n+2 {
			t.Errorf("%v: %d %d %d", v, v.RequestOverhead(), v.CreatedOverhead(), v.Version())
		}
		if back, ok := wire.VariantOf(v.Version()); !ok || back != v {
			t.Errorf("%v of version %d", back, v.Version())
		}
	}
	for _, v := range []wire.Variant{wire.Plain, wire.MLKEM512} {
		if v.MinMTU(false) != 1280 || v.MinMTU(true) != 1280 {
			t.Errorf("%v: %d %d", v, v.MinMTU(false), v.MinMTU(true))
		}
	}
	if v := wire.MLKEM768; v.MinMTU(false) != 1318 || v.MinMTU(true) != 1338 {
		t.Errorf("%v: %d %d", v, v.MinMTU(false), v.MinMTU(true))
	}
	for _, version := range []byte{0, 1, 5, 255} {
		if _, ok := wire.VariantOf(version); ok {
			t.Errorf("version %d", version)
		}
	}
}
