package wire_test

import (
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

const benchPacket = 1400

func benchKeys() (wire.DirectionKeys, *wire.HeaderKey) {
	return wire.DirectionKeys{Data: [32]byte{1}, Header: [32]byte{2}}, wire.NewHeaderKey([32]byte{3})
}

func BenchmarkSeal(b *testing.B) {
	k, intro := benchKeys()
	s := wire.NewSealer(k, intro)
	packet := make([]byte, benchPacket)
	b.SetBytes(benchPacket)
	b.ReportAllocs()
	number := uint32(0)
	for b.Loop() {
		s.Seal(packet[:benchPacket-wire.TagLen], 1, number, false)
		number++
	}
}

// BenchmarkOpen includes DestID, as a reader has to, and a copy of the packet.
func BenchmarkOpen(b *testing.B) {
	k, intro := benchKeys()
	sealed := wire.NewSealer(k, intro).Seal(make([]byte, benchPacket-wire.TagLen, benchPacket), 1, 9, false)
	o := wire.NewOpener(k)
	packet := make([]byte, benchPacket)
	b.SetBytes(benchPacket)
	b.ReportAllocs()
	for b.Loop() {
		copy(packet, sealed)
		id, _ := wire.DestID(packet, intro)
		if _, _, _, err := o.Open(packet, id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDestID(b *testing.B) {
	_, intro := benchKeys()
	packet := make([]byte, benchPacket)
	b.ReportAllocs()
	for b.Loop() {
		wire.DestID(packet, intro)
	}
}

func BenchmarkHandshake(b *testing.B) {
	for _, v := range variants {
		b.Run(v.String(), func(b *testing.B) {
			p := newPair(v)
			b.ReportAllocs()
			for b.Loop() {
				alice, bob := p.toCreated(b)
				confirm(b, alice, bob, p.info, wire.MaxPacket)
			}
		})
	}
}
