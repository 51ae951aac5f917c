package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

var outsideTypes = []wire.Type{wire.TokenRequest, wire.Retry, wire.PeerTestPacket, wire.HolePunch}

func outsideHeader(t wire.Type) wire.Header {
	return wire.Header{DestID: 1, SrcID: 2, Token: 3, Number: 0xfedcba98, Type: t, Version: 2, NetworkID: networkID, Flag: 0x80}
}

func TestOutsidePacketsOpenAsTheyWereSealed(t *testing.T) {
	intro := wire.NewIntro(wire.IntroKey{1})
	payload := wire.AppendPadding(nil, 5)
	for _, typ := range outsideTypes {
		h := outsideHeader(typ)
		packet := intro.Seal(h, payload)
		if len(packet) != len(payload)+wire.OutsideOverhead {
			t.Fatalf("%d bytes", len(packet))
		}
		before := bytes.Clone(packet)
		if id, ok := wire.DestID(packet, intro.Key()); !ok || id != h.DestID {
			t.Fatalf("destination %x", id)
		}
		if got, err := wire.OpenHeader(packet, intro.Key(), intro.Key()); err != nil || got != h {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, other := range append(outsideTypes, wire.SessionRequest, wire.Data) {
			if other != typ {
				if _, _, err := intro.Open(packet, other, networkID); !errors.Is(err, wire.ErrType) {
					t.Fatalf("%v as %v: %v", typ, other, err)
				}
			}
		}
		if !bytes.Equal(packet, before) {
			t.Fatal("looking at a packet changed it")
		}
		got, gotPayload, err := intro.Open(packet, typ, networkID)
		if err != nil || got != h || !bytes.Equal(gotPayload, payload) {
			t.Fatalf("%v: %+v, %x, %v", typ, got, gotPayload, err)
		}
	}
}

func TestOutsideRefusals(t *testing.T) {
	intro := wire.NewIntro(wire.IntroKey{1})
	payload := wire.AppendPadding(nil, 5)
	for _, c := range []struct {
		name   string
		change func(h *wire.Header)
		want   error
	}{
		{"another network", func(h *wire.Header) { h.NetworkID++ }, wire.ErrNetwork},
		{"version 1", func(h *wire.Header) { h.Version = 1 }, wire.ErrVersion},
		{"version 5", func(h *wire.Header) { h.Version = 5 }, wire.ErrVersion},
		{"equal IDs", func(h *wire.Header) { h.SrcID = h.DestID }, wire.ErrConnectionID},
	} {
		h := outsideHeader(wire.TokenRequest)
		c.change(&h)
		if _, _, err := intro.Open(intro.Seal(h, payload), wire.TokenRequest, networkID); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, _, err := intro.Open(intro.Seal(outsideHeader(wire.Retry), bytes.Repeat([]byte{7}, 8)), wire.Retry, networkID); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("blocks that are none: %v", err)
	}
	packet := intro.Seal(outsideHeader(wire.Retry), payload)
	for n := range packet {
		if _, _, err := intro.Open(bytes.Clone(packet[:n]), wire.Retry, networkID); err == nil {
			t.Fatalf("%d bytes of it were taken", n)
		}
	}
	for bit := range len(packet) * 8 {
		changed := bytes.Clone(packet)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, _, err := intro.Open(changed, wire.Retry, networkID); err == nil {
			t.Fatalf("taken with bit %d changed", bit)
		}
	}
}

func TestNonceIDs(t *testing.T) {
	dest, src := wire.NonceIDs(0x01020304)
	if dest != 0x0102030401020304 || src != 0xfefdfcfbfefdfcfb {
		t.Fatalf("%x %x", dest, src)
	}
}
