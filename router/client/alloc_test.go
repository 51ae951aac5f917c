package client

import (
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/garlic"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

// segment is the largest streaming packet.
const segment = 1812 + 22

// established returns a session that sends to a far destination in an Existing Session, and what the far one opens it with.
// talk lets both say something to the other, as acknowledgements do.
func established(t testing.TB) (s *Session, h *hop, far *garlic.Keeper, us garlic.Peer, talk func()) {
	t.Helper()
	s, h = newSession(t, pool.Shape{Length: 1, Quantity: 1})
	k := farDestination(t, s)
	far, err := garlic.New(garlic.Config{}, k.Encryption)
	if err != nil {
		t.Fatal(err)
	}
	peer := garlic.Peer{Hash: k.Destination.Hash(), Key: k.Encryption.Public()}
	us = garlic.Peer{Hash: s.hash, Key: s.cfg.Keys.Encryption.Public()}
	now := s.clock.Now()
	exchange := func(from, to *garlic.Keeper, at garlic.Peer) {
		t.Helper()
		b := buf.Get()
		defer b.Release()
		if err := from.SealConfirmed(at, b, 1_000_000, now); err != nil {
			t.Fatal(err)
		}
		if err := to.Open(b.Bytes()[13:], now, func(garlic.Clove) {}); err != nil {
			t.Fatal(err)
		}
	}
	talk = func() {
		exchange(s.keeper, far, peer)
		exchange(far, s.keeper, us)
	}
	for range 3 {
		talk()
	}
	h.drop(true)
	return s, h, far, us, talk
}

// cipherAllocations is what the garlic of one segment allocates: the cipher, 32 bytes, as each message has a key of its own
// (router/ratchet, aead.go).
const cipherAllocations = 1

func TestSendingASegmentAllocatesOnlyTheCipher(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	s, h, _, _, _ := established(t)
	to := remoteHash(s)
	data := make([]byte, segment)
	var batch [8]*buf.Buf
	send := func() {
		for i := range batch {
			batch[i] = buf.From(data)
		}
		if err := s.SendBatch(to, Streaming, Ports{}, batch[:]); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		send()
	}
	before := h.sent
	if n := testing.AllocsPerRun(500, send); n > cipherAllocations*float64(len(batch)) {
		t.Errorf("%v allocations for %d segments", n, len(batch))
	}
	// Two tunnel messages carry a segment, as its length is chosen for that.
	if got := h.sent - before; got != 501*len(batch)*2 {
		t.Errorf("%d tunnel messages for %d segments", got, 501*len(batch))
	}
}

func TestReceivingASegmentAllocatesOnlyTheCipher(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	s, _, far, us, _ := established(t)
	var h Handler = sinkhole{}
	s.handler.Store(&h)
	in := incoming(t, far, us, 1200)
	var batch [1]pool.Delivered
	i := 0
	receive := func() {
		batch[0] = in[i]
		i++
		s.Received(nil, batch[:])
	}
	for range 150 {
		receive()
	}
	if n := testing.AllocsPerRun(1000, receive); n > cipherAllocations {
		t.Errorf("%v allocations for a segment", n)
	}
	if got := s.Stats().Received; got != uint64(i) {
		t.Errorf("%d of %d segments received", got, i)
	}
	for _, m := range in[i:] {
		m.Message.Release()
	}
}

// incoming are n segments as they leave an inbound tunnel.
func incoming(t testing.TB, far *garlic.Keeper, us garlic.Peer, n int) (out []pool.Delivered) {
	t.Helper()
	now := clock.New().Now()
	data := make([]byte, segment)
	for range n {
		b := buf.From(data)
		wrap(b, Streaming, Ports{})
		dataMessage(b, now)
		if err := garlic.PrependClove(b, garlic.ToDestination(us.Hash)); err != nil {
			t.Fatal(err)
		}
		if err := far.Seal(us, b, now); err != nil {
			t.Fatal(err)
		}
		out = append(out, pool.Delivered{Delivery: tunnel.Delivery{Type: tunnel.DeliveryLocal}, Message: b})
	}
	return out
}

// sinkhole releases what arrives.
type sinkhole struct{}

func (sinkhole) Deliver(_ Protocol, _ Ports, packets []*buf.Buf) { release(packets) }

func BenchmarkSend(b *testing.B) {
	s, _, _, _, _ := established(b)
	to := remoteHash(s)
	data := make([]byte, segment)
	var batch [16]*buf.Buf
	b.SetBytes(int64(len(batch)) * segment)
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if n%1000 == 0 { // the far end does not answer, so that the session ends at some time
			b.StopTimer()
			s, _, _, _, _ = established(b)
			to = remoteHash(s)
			b.StartTimer()
		}
		for i := range batch {
			batch[i] = buf.From(data)
		}
		if err := s.SendBatch(to, Streaming, Ports{}, batch[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	s, _, far, us, talk := established(b)
	var h Handler = sinkhole{}
	s.handler.Store(&h)
	const n = 16
	b.SetBytes(n * segment)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		talk()
		in := incoming(b, far, us, n)
		b.StartTimer()
		s.Received(nil, in)
	}
}

func BenchmarkWrap(b *testing.B) {
	data := make([]byte, segment)
	b.SetBytes(segment)
	b.ReportAllocs()
	for b.Loop() {
		p := buf.From(data)
		wrap(p, Streaming, Ports{})
		q, _, _, err := unwrap(p.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		q.Release()
		p.Release()
	}
}
