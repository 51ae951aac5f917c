package transit_test

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
	"clove.i2p/router/tunnel/transit"
)

// A sink counts and keeps what is sent, so that its buffers can be used again.
type sink struct {
	mu    sync.Mutex
	sent  chan struct{} // a token for each call, while there is room
	sends int
	got   []*buf.Buf
}

func (s *sink) Send(_ i2p.Hash, msgs ...*buf.Buf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sends++
	s.got = append(s.got, msgs...)
	select {
	case s.sent <- struct{}{}:
	default: // nobody waits
	}
}

func (s *sink) Inject(b *buf.Buf)          { b.Release() }
func (s *sink) Reserved(i2p.TunnelID) bool { return false }

// participants is a table with n tunnels of this role to a few next hops.
func participants(t testing.TB, n int) (*transit.Table, *sink) {
	t.Helper()
	net := newNetwork(t)
	r := net.node(transit.Config{}, bandwidth.Config{Share: 100})
	s := &sink{sent: make(chan struct{}, n)}
	table, err := transit.New(transit.Config{}, transit.Deps{
		Clock: net.clock, Limiter: r.limiter, Keys: r.keys, Sender: s, Local: s, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	go table.Run(t.Context())
	for i := range n {
		next := i2p.Hash{byte(i%3 + 1)}
		p := build.Plan{ReplyMessage: 9, Hops: []build.Hop{
			{Router: r.hash, Static: r.keys.Encryption.Public(), ReceiveTunnel: i2p.TunnelID(1 + i), Next: next, NextTunnel: 7},
			{Router: next, Static: r.keys.Encryption.Public(), ReceiveTunnel: 7, Next: creator, NextTunnel: 8, Role: build.OutboundEndpoint},
		}}
		pending, err := build.New(p, net.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		table.Build(creator, buf.From(net.requestMessage(pending, net.clock.Now())))
	}
	for range n { // the workers are done with s then
		<-s.sent
	}
	for _, b := range s.got {
		b.Release()
	}
	s.got = nil
	return table, s
}

// refill makes new TunnelData of the same buffers.
func refill(batch []*buf.Buf, tunnels int, now time.Time) {
	for i, b := range batch {
		f := b.Bytes()
		i2np.NewHeader(i2np.TypeTunnelData, now).PutShort(f)
		binary.BigEndian.PutUint32(f[9:], uint32(1+i%tunnels))
		binary.BigEndian.PutUint64(f[13:], rand.Uint64())
	}
}

func flightBatch(n int) []*buf.Buf {
	batch := make([]*buf.Buf, n)
	for i := range batch {
		batch[i] = buf.Get()
		batch[i].Extend(tunnel.FlightSize)
	}
	return batch
}

func TestBatchIsSentOncePerNextHopWithoutAllocation(t *testing.T) {
	table, s := participants(t, 6)
	batch, rest := flightBatch(15), make([]*buf.Buf, 15)
	s.got = make([]*buf.Buf, 0, 15)
	round := func() {
		refill(batch, 6, time.Now())
		copy(rest, batch)
		s.sends, s.got = 0, s.got[:0]
		if left := table.DataBatch(creator, rest); len(left) > 0 {
			t.Fatalf("%d left", len(left))
		}
	}
	for range 40 { // the filters have room for the rounds to come
		round()
	}
	if s.sends != 3 || len(s.got) != 15 {
		t.Fatalf("%d messages in %d sends", len(s.got), s.sends)
	}
	sent := map[*buf.Buf]bool{}
	for _, b := range s.got {
		sent[b] = true
	}
	for _, b := range batch {
		if !sent[b] {
			t.Fatal("not the buffer that came in")
		}
	}
	if raceEnabled {
		return
	}
	if n := testing.AllocsPerRun(50, round); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkDataBatch(b *testing.B) {
	table, s := participants(b, 8)
	batch, rest := flightBatch(14), make([]*buf.Buf, 14) // what fits a frame of 16 KiB
	b.SetBytes(int64(len(batch)) * tunnel.LayeredSize)
	b.ReportAllocs()
	for b.Loop() {
		refill(batch, 8, time.Now())
		copy(rest, batch)
		s.got = s.got[:0]
		table.DataBatch(creator, rest)
	}
	if len(s.got) != len(batch) {
		b.Fatal("dropped")
	}
}

// BenchmarkBuild is one request from its message to the reply.
func BenchmarkBuild(b *testing.B) {
	net := newNetwork(b)
	r := net.node(transit.Config{}, bandwidth.Config{Share: 100})
	s := &sink{sent: make(chan struct{}, 1)}
	table, err := transit.New(transit.Config{MaxTunnels: 1 << 30, PeerRate: 1e9, PeerBurst: 1 << 30}, transit.Deps{
		Clock: net.clock, Limiter: r.limiter, Keys: r.keys, Sender: s, Local: s, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	go table.Run(b.Context())
	id := i2p.TunnelID(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		id++
		p := plan(false, true, r)
		p.Hops[0].ReceiveTunnel = id
		pending, err := build.New(p, net.clock.Now())
		if err != nil {
			b.Fatal(err)
		}
		msg := buf.From(net.requestMessage(pending, net.clock.Now()))
		b.StartTimer()
		table.Build(creator, msg)
		<-s.sent
	}
}
