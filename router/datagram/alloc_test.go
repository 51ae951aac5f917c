package datagram_test

import (
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

// allocations of a packet there and back: a signature is 64 bytes of the heap, as crypto/ed25519 returns it.
var allocations = map[datagram.Kind]float64{
	datagram.KindRaw: 0, datagram.KindDatagram3: 0, datagram.KindDatagram1: 1, datagram.KindDatagram2: 1,
}

// pair is two Conns of a kind that know each other.
func pair(t testing.TB, k datagram.Kind) (a, b *datagram.Conn) {
	l := newLAN()
	sa, sb := l.join(t, destinations()[0]), l.join(t, destinations()[1])
	l.known[sa.Hash()], l.known[sb.Hash()] = true, true
	return listen(t, sa, datagram.ListenConfig{Kind: k, Port: 1}), listen(t, sb, datagram.ListenConfig{Kind: k, Port: 2})
}

func TestAPacketAllocatesOnlyItsSignature(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	p := make([]byte, 1200)
	for k, want := range allocations {
		a, b := pair(t, k)
		to := b.LocalAddr().(datagram.Addr)
		if n := testing.AllocsPerRun(1000, func() {
			if err := a.WritePacket(p, to, i2p.Mapping{}); err != nil {
				t.Fatal(err)
			}
			if got, err := b.ReadPacket(p); err != nil || got.N != len(p) {
				t.Fatal(got, err)
			}
		}); n > want {
			t.Errorf("%v: %v allocations, want %v", k, n, want)
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	for _, k := range allKinds {
		b.Run(k.String(), func(b *testing.B) {
			from, at := pair(b, k)
			to := at.LocalAddr().(datagram.Addr)
			p := make([]byte, 1200)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if err := from.WritePacket(p, to, i2p.Mapping{}); err != nil {
					b.Fatal(err)
				}
				if _, err := at.ReadPacket(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDeliver is what a packet costs the goroutine of the session that it came by, read or dropped.
func BenchmarkDeliver(b *testing.B) {
	l := newLAN()
	s := l.join(b, destinations()[2])
	c := listen(b, s, datagram.ListenConfig{Kind: datagram.KindDatagram1})
	packet := datagram.AppendDatagram1(nil, destinations()[0], make([]byte, 1200))
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	batch := make([]*buf.Buf, 1)
	for b.Loop() {
		batch[0] = buf.From(packet)
		s.Deliver(datagram.KindDatagram1, datagram.Ports{}, batch)
	}
	c.Close()
}
