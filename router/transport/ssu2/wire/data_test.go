package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

func dataPair() (*wire.Sealer, *wire.Opener, *wire.HeaderKey) {
	k, intro := benchKeys()
	return wire.NewSealer(k, intro), wire.NewOpener(k), intro
}

func sealed(s *wire.Sealer, payload []byte, number uint32) []byte {
	packet := append(make([]byte, wire.ShortHeaderLen, len(payload)+wire.DataOverhead), payload...)
	return s.Seal(packet, 42, number, number%2 == 0)
}

func TestDataPacketsOpenAsTheyWereSealed(t *testing.T) {
	s, o, intro := dataPair()
	for _, n := range []int{wire.MinPayload, 9, 100, 1440, 9000} {
		for _, number := range []uint32{0, 1, 1<<32 - 1} {
			payload := bytes.Repeat([]byte{0xa5}, n)
			packet := sealed(s, payload, number)
			if len(packet) != n+wire.DataOverhead {
				t.Fatalf("%d bytes", len(packet))
			}
			id, ok := wire.DestID(packet, intro)
			if !ok || id != 42 {
				t.Fatalf("destination %x", id)
			}
			got, immediate, gotPayload, err := o.Open(packet, id)
			if err != nil || got != number || immediate != (number%2 == 0) || !bytes.Equal(gotPayload, payload) {
				t.Fatalf("%d %v %v", got, immediate, err)
			}
		}
	}
}

func TestChangedDataPacketsAreRefused(t *testing.T) {
	s, o, intro := dataPair()
	packet := sealed(s, wire.AppendPadding(nil, 30), 5)
	for bit := range len(packet) * 8 {
		changed := bytes.Clone(packet)
		changed[bit/8] ^= 1 << (bit % 8)
		id, _ := wire.DestID(changed, intro)
		if _, _, _, err := o.Open(changed, id); err == nil {
			t.Fatalf("taken with bit %d changed", bit)
		}
	}
	for n := range packet {
		if _, _, _, err := o.Open(bytes.Clone(packet[:n]), 42); err == nil {
			t.Fatalf("%d bytes of it were taken", n)
		}
	}
	if _, _, _, err := o.Open(bytes.Clone(packet), 43); !errors.Is(err, wire.ErrAuthentication) {
		t.Fatalf("for another session: %v", err)
	}
}

// A SessionConfirmed that comes again, after the session has begun, is no data packet, and nothing about it is changed: but for
// one in 256, whose header looks like a data packet's, and which then is not authentic.
func TestOpenerLeavesOtherPacketsUnchanged(t *testing.T) {
	unlike := 0
	for n := range 32 {
		p := newPair(wire.Plain)
		p.initiator.Random = seeded(byte(n))
		a, b := p.toCreated(t)
		packets, err := a.Confirmed(p.info, wire.MaxPacket)
		if err != nil {
			t.Fatal(err)
		}
		again := bytes.Clone(packets[0])
		if _, _, err := b.OpenConfirmed(packets[0]); err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(again)
		_, _, _, err = wire.NewOpener(b.Keys().Receive).Open(again, b.SrcID())
		switch {
		case errors.Is(err, wire.ErrType) && bytes.Equal(again, before):
			unlike++
		case !errors.Is(err, wire.ErrAuthentication):
			t.Fatalf("%v, changed %v", err, !bytes.Equal(again, before))
		}
	}
	if unlike < 30 {
		t.Fatalf("%d of 32 are recognized as no data packets", unlike)
	}
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	if aeadAllocates {
		t.Skip("ChaCha20-Poly1305 of x/crypto allocates where it has no assembly")
	}
	s, o, intro := dataPair()
	room := make([]byte, 1400)
	payload := wire.AppendAck(nil, 9, 3, []wire.AckRange{{Nacks: 1, Acks: 2}})
	payload = wire.AppendI2NP(payload, make([]byte, 900))
	payload = wire.FollowOnFragment{Number: 1, MessageID: 7, Data: make([]byte, 100)}.Append(payload)
	number := uint32(0)
	n := testing.AllocsPerRun(200, func() {
		packet := append(room[:wire.ShortHeaderLen], payload...)
		packet = s.Seal(wire.AppendPadding(packet, 10), 42, number, false)
		id, _ := wire.DestID(packet, intro)
		_, _, got, err := o.Open(packet, id)
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := wire.ParseBlocks(got)
		if err != nil {
			t.Fatal(err)
		}
		for blocks.Next() {
			switch blocks.Type {
			case wire.BlockAck:
				ack, _ := wire.ParseAck(blocks.Body)
				for _, _, ok := ack.Next(); ok; _, _, ok = ack.Next() {
				}
			case wire.BlockFollowOnFragment:
				if f, err := wire.ParseFollowOnFragment(blocks.Body); err != nil || f.MessageID != 7 {
					t.Fatal(err)
				}
			}
		}
		number++
	})
	if n != 0 {
		t.Fatalf("%v allocations per packet", n)
	}
}
