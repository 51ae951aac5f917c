package wire_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

const networkID = 77

var epoch = time.Unix(1_700_000_000, 0)

func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

// A pair is the two sides of a handshake, from fixed random bytes.
type pair struct {
	alice, bob             keys.X25519Private
	aliceIntro, bobIntro   wire.IntroKey
	hash                   i2p.Hash // Bob
	initiator              wire.InitiatorConfig
	responder              wire.ResponderConfig
	request, created, info []byte // payloads
}

func newPair(v wire.Variant) *pair {
	p := &pair{
		alice: keys.NewX25519([32]byte{1}), bob: keys.NewX25519([32]byte{2}),
		aliceIntro: wire.IntroKey{3}, bobIntro: wire.IntroKey{4}, hash: i2p.Hash{5},
	}
	p.initiator = wire.InitiatorConfig{
		NetworkID: networkID, Variant: v, SrcID: 0x1122334455667788, DestID: 0x99aabbccddeeff00, Static: p.alice,
		RemoteStatic: p.bob.Public(), RemoteIntro: p.bobIntro, RemoteHash: p.hash, Random: seeded(6),
	}
	p.responder = wire.ResponderConfig{
		NetworkID: networkID, Static: p.bob, Intro: p.bobIntro, Hash: p.hash, MLKEM512: true, MLKEM768: true, Random: seeded(7),
	}
	p.request = wire.AppendPadding(wire.AppendDateTime(nil, epoch), 5)
	p.created = wire.AppendAddress(wire.AppendDateTime(nil, epoch), netip.MustParseAddrPort("192.0.2.1:9"))
	p.info = routerInfoPayload(900)
	return p
}

// routerInfoPayload is a payload with a RouterInfo block of n bytes that no gzip makes smaller.
func routerInfoPayload(n int) []byte {
	ri := make([]byte, n)
	seeded(8).Read(ri)
	b, err := wire.AppendRouterInfo(nil, ri, false, 1<<16-1)
	if err != nil {
		panic(err)
	}
	return b
}

// toCreated runs the handshake until Bob waits for SessionConfirmed and Alice may make it.
func (p *pair) toCreated(t testing.TB) (*wire.Initiator, *wire.Responder) {
	t.Helper()
	a, err := wire.NewInitiator(p.initiator)
	if err != nil {
		t.Fatal(err)
	}
	b := wire.NewResponder(p.responder)
	request, err := a.Request(0x0123456789abcdef, p.request)
	if err != nil {
		t.Fatal(err)
	}
	if want := p.initiator.Variant.RequestOverhead() + len(p.request); len(request) != want {
		t.Fatalf("SessionRequest of %d bytes, not %d", len(request), want)
	}
	h, payload, err := b.OpenRequest(request)
	if err != nil || !bytes.Equal(payload, p.request) || h.Token != 0x0123456789abcdef || b.Variant() != p.initiator.Variant {
		t.Fatalf("SessionRequest: %v, %+v, %x", err, h, payload)
	}
	created, err := b.Created(p.created)
	if err != nil {
		t.Fatal(err)
	}
	if want := p.initiator.Variant.CreatedOverhead() + len(p.created); len(created) != want {
		t.Fatalf("SessionCreated of %d bytes, not %d", len(created), want)
	}
	if _, payload, err = a.OpenCreated(created); err != nil || !bytes.Equal(payload, p.created) {
		t.Fatalf("SessionCreated: %v, %x", err, payload)
	}
	return a, b
}

func confirm(t testing.TB, a *wire.Initiator, b *wire.Responder, payload []byte, maxPacket int) {
	t.Helper()
	packets, err := a.Confirmed(payload, maxPacket)
	if err != nil {
		t.Fatal(err)
	}
	for n, packet := range packets {
		got, complete, err := b.OpenConfirmed(packet)
		if err != nil || complete != (n == len(packets)-1) {
			t.Fatalf("fragment %d of %d: %v, %v", n, len(packets), complete, err)
		}
		if complete && !bytes.Equal(got, payload) {
			t.Fatal("another payload")
		}
	}
}

var variants = []wire.Variant{wire.Plain, wire.MLKEM512, wire.MLKEM768}
