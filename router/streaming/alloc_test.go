package streaming_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
)

// sink is a Carrier that keeps the last packet's header and drops the rest.
type sink struct {
	mu   sync.Mutex
	last []byte
	n    int
}

func (s *sink) Reach(context.Context, i2p.Hash, bool) error { return nil }
func (s *sink) MTU(i2p.Hash) int                            { return streaming.MTURatchet }
func (s *sink) Send(_ i2p.Hash, _ streaming.Ports, b *buf.Buf) error {
	s.mu.Lock()
	s.last = append(s.last[:0], b.Bytes()[:22]...)
	s.n++
	s.mu.Unlock()
	b.Release()
	return nil
}

// lone is a stack with one stream from a peer that the test plays.
func lone(t testing.TB) (*streaming.Stack, *streaming.Conn, *sink, streaming.Packet) {
	out := &sink{}
	s, err := streaming.New(streaming.DefaultConfig(), destinations()[1], out, clock.New(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, _ := s.Listen(0)
	peer := destinations()[2]
	syn := signed(peer, streaming.Packet{
		ReceiveStream: 77, From: peer.Destination, MaxPacketSize: streaming.MTURatchet,
		Flags: streaming.FlagSynchronize | streaming.FlagFromIncluded | streaming.FlagMaxPacketSizeIncluded | streaming.FlagNoAck,
	})
	s.Deliver(streaming.Ports{}, buf.From(syn.Append(nil)))
	c, err := l.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	return s, c, out, streaming.Packet{SendStream: streaming.StreamID(binary.BigEndian.Uint32(out.last[4:])), ReceiveStream: 77}
}

func TestReceivingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	s, c, _, p := lone(t)
	wire := data(p, 1, 0, string(make([]byte, 1812))).Append(nil)
	got := make([]byte, 1812)
	seq := uint32(0)
	in := func() {
		seq++
		binary.BigEndian.PutUint32(wire[8:], seq)
		s.Deliver(streaming.Ports{}, buf.From(wire))
		if n, err := c.Read(got); n != 1812 || err != nil {
			t.Fatal(n, err)
		}
	}
	for range 100 {
		in()
	}
	if n := testing.AllocsPerRun(1000, in); n > 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func TestSendingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	s, c, _, p := lone(t)
	payload := make([]byte, 1812)
	ack := data(p, 0, 0, "").Append(nil)
	seq := uint32(0)
	out := func() {
		seq++
		if _, err := c.Write(payload); err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(ack[12:], seq)
		s.Deliver(streaming.Ports{}, buf.From(ack))
	}
	for range 100 {
		out()
	}
	if n := testing.AllocsPerRun(1000, out); n > 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func BenchmarkReceive(b *testing.B) {
	s, c, _, p := lone(b)
	wire := data(p, 1, 0, string(make([]byte, 1812))).Append(nil)
	got := make([]byte, 1812)
	b.SetBytes(1812)
	b.ReportAllocs()
	seq := uint32(0)
	for b.Loop() {
		seq++
		binary.BigEndian.PutUint32(wire[8:], seq)
		s.Deliver(streaming.Ports{}, buf.From(wire))
		c.Read(got)
	}
}

func BenchmarkSend(b *testing.B) {
	s, c, _, p := lone(b)
	payload := make([]byte, 1812)
	ack := data(p, 0, 0, "").Append(nil)
	b.SetBytes(1812)
	b.ReportAllocs()
	seq := uint32(0)
	for b.Loop() {
		seq++
		c.Write(payload)
		binary.BigEndian.PutUint32(ack[12:], seq)
		s.Deliver(streaming.Ports{}, buf.From(ack))
	}
}

func BenchmarkOpen(b *testing.B) {
	peer := destinations()[2]
	syn := signed(peer, streaming.Packet{
		ReceiveStream: 77, From: peer.Destination, MaxPacketSize: streaming.MTURatchet,
		Flags: streaming.FlagSynchronize | streaming.FlagFromIncluded | streaming.FlagMaxPacketSizeIncluded | streaming.FlagNoAck,
	}).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := streaming.New(streaming.DefaultConfig(), destinations()[1], &sink{}, clock.New(), slog.New(slog.DiscardHandler))
		s.Listen(0)
		s.Deliver(streaming.Ports{}, buf.From(syn))
	}
}
