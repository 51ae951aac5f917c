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
