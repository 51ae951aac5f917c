package wire

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/crypto/keys"
)

// Packets that only the other side of the handshake can make, as it has the keys, and should not.

func craftedPair(t *testing.T, v Variant) (*Initiator, *Responder) {
	t.Helper()
	bob := keys.NewX25519([32]byte{2})
	a, err := NewInitiator(InitiatorConfig{
		NetworkID: 2, Variant: v, SrcID: 10, DestID: 11, Static: keys.NewX25519([32]byte{1}), RemoteStatic: bob.Public(), RemoteIntro: IntroKey{3},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := NewResponder(ResponderConfig{NetworkID: 2, Static: bob, Intro: IntroKey{3}, MLKEM512: true, MLKEM768: true})
	request, err := a.Request(1, AppendPadding(nil, 20))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.OpenRequest(request); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestCreatedOfAnotherHandshakeIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Responder)
		want   error
	}{
		{"nothing changed", func(*Responder) {}, nil},
		{"another destination", func(b *Responder) { b.destID++ }, ErrConnectionID},
		{"another source", func(b *Responder) { b.srcID += 9 }, ErrConnectionID},
		{"another network", func(b *Responder) { b.c.NetworkID++ }, ErrNetwork},
		{"another variant", func(b *Responder) { b.variant, b.kem = MLKEM512, make([]byte, 800) }, ErrVersion},
	} {
		a, b := craftedPair(t, Plain)
		c.change(b)
		created, err := b.Created(AppendPadding(nil, 20))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.OpenCreated(created); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A header of the right keys before too few bytes.
func TestShortCreatedAndConfirmedAreRefused(t *testing.T) {
	for _, v := range []Variant{Plain, MLKEM512, MLKEM768} {
		a, b := craftedPair(t, v)
		for n := OutsideOverhead + MinPayload; n < v.CreatedOverhead()+MinPayload; n += 16 {
			packet := make([]byte, n)
			h := Header{DestID: 10, SrcID: 11, Type: SessionCreated, Version: v.Version(), NetworkID: 2}
			h.put(packet)
			protect(packet, b.header, b.created, 16)
			if _, _, err := a.OpenCreated(packet); !errors.Is(err, ErrShort) && !errors.Is(err, ErrType) {
				t.Fatalf("%v, SessionCreated of %d bytes: %v", v, n, err)
			}
		}
		if _, err := b.Created(AppendPadding(nil, 20)); err != nil {
			t.Fatal(err)
		}
		for n := MinPacket; n < ConfirmedOverhead+MinPayload; n += 16 {
			packet := make([]byte, n)
			h := Header{DestID: 11, Type: SessionConfirmed, Frag: 1}
			h.put(packet)
			protect(packet, b.header, b.confirmed, 0)
			if _, _, err := b.OpenConfirmed(packet); !errors.Is(err, ErrShort) {
				t.Fatalf("%v, SessionConfirmed of %d bytes: %v", v, n, err)
			}
		}
	}
}

// confirmedWith is SessionConfirmed with any header and any payload, sealed as it should be.
func confirmedWith(t *testing.T, a *Initiator, h Header, payload []byte) []byte {
	t.Helper()
	s := a.noise
	packet := make([]byte, ShortHeaderLen, 2000)
	h.put(packet)
	s.MixHash(packet)
	static := a.c.Static.Public()
	packet = s.EncryptAndHash(packet, static[:])
	if err := mixDH(&s, a.c.Static, a.peer); err != nil {
		t.Fatal(err)
	}
	packet = s.EncryptAndHash(packet, payload)
	protect(packet, a.intro.header, a.confirmed, 0)
	return packet
}

func TestConfirmedThatBreaksTheRulesIsRefused(t *testing.T) {
	a, b := craftedPair(t, Plain)
	created, err := b.Created(AppendPadding(nil, 20))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.OpenCreated(created); err != nil {
		t.Fatal(err)
	}
	payload, err := AppendRouterInfo(nil, make([]byte, 100), false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	good := Header{DestID: 11, Type: SessionConfirmed, Frag: 1}
	for _, c := range []struct {
		name    string
		header  Header
		payload []byte
		want    error
	}{
		{"another destination", Header{DestID: 12, Type: SessionConfirmed, Frag: 1}, payload, ErrConnectionID},
		{"packet number 1", Header{DestID: 11, Type: SessionConfirmed, Frag: 1, Number: 1}, payload, ErrType},
		{"fragment of none", Header{DestID: 11, Type: SessionConfirmed, Frag: 0}, payload, ErrFragment},
		{"fragment 1 of 1", Header{DestID: 11, Type: SessionConfirmed, Frag: 0x11}, payload, ErrFragment},
		{"fragment 2 of 2", Header{DestID: 11, Type: SessionConfirmed, Frag: 0x22}, payload, ErrFragment},
		{"fragment 15 of 15", Header{DestID: 11, Type: SessionConfirmed, Frag: 0xff}, payload, ErrFragment},
		{"no RouterInfo", good, AppendPadding(nil, 50), ErrMalformed},
		{"RouterInfo not first", good, append(AppendRelayTag(nil, 1), payload...), ErrMalformed},
		{"no blocks", good, bytes.Repeat([]byte{2}, 50), ErrMalformed},
		{"nothing wrong", good, payload, nil},
	} {
		_, complete, err := b.OpenConfirmed(confirmedWith(t, a, c.header, c.payload))
		if !errors.Is(err, c.want) || complete != (c.want == nil) {
			t.Errorf("%s: %v, %v", c.name, complete, err)
		}
	}
}

// A first fragment with another total than the others cannot lock them out.
func TestAnotherTotalStartsReassemblyOver(t *testing.T) {
	var r reassembly
	add := func(frag byte, data string) string {
		_, whole, err := r.add(Header{Frag: frag}, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return string(whole)
	}
	const x, y, z = "xxxxxxxxxxxxxxxxxxxxxxxx", "yyyyyyyyyyyyyyyyyyyyyyyyyy", "zzzzzzzzzzzzzzzzzzzzzzzzzzz"
	for _, frag := range []byte{0x03, 0x02} {
		if got := add(frag, x); got != "" {
			t.Fatal(got)
		}
	}
	if got := add(0x12, y); got != x+y {
		t.Fatal(got)
	}
	// What has been completed is forgotten.
	if r.total != 0 || r.have != 0 || r.size != 0 {
		t.Fatalf("%+v", r)
	}
	add(0x13, y)
	add(0x23, z)
	if got := add(0x03, x); got != x+y+z {
		t.Fatal(got)
	}
}

func TestRequestWithoutBlocksIsRefused(t *testing.T) {
	a, _ := craftedPair(t, Plain)
	request, err := a.Request(1, bytes.Repeat([]byte{9}, 20))
	if err != nil {
		t.Fatal(err)
	}
	b := NewResponder(ResponderConfig{NetworkID: 2, Static: keys.NewX25519([32]byte{2}), Intro: IntroKey{3}})
	if _, _, err := b.OpenRequest(request); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}
