package ssu2

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

func TestFloodOfTokenRequestsKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		quiet := func(_ *Config, d *Deps) { d.Logger = nil }
		a, _ := newHost(t, n, 1, lossy(0), quiet)
		b, _ := newHost(t, n, 2, lossy(0), quiet)
		a.serve()
		b.serve()
		s := b.running()
		r := &reader{l: s.links[0]}
		intro := wire.NewIntro(b.transport.cfg.IntroKey)
		from := netip.MustParseAddrPort("11.0.8.8:7")
		request := func(typ wire.Type) []byte {
			id := randomID()
			h := wire.Header{DestID: id, SrcID: ^id, Number: randomNumber(), Type: wire.TokenRequest, Version: 2, NetworkID: testNetwork}
			if typ == wire.SessionRequest {
				i, err := wire.NewInitiator(wire.InitiatorConfig{
					NetworkID: testNetwork, SrcID: id, DestID: ^id, Static: a.transport.cfg.StaticKey,
					RemoteStatic: b.transport.cfg.StaticKey.Public(), RemoteIntro: b.transport.cfg.IntroKey,
				})
				if err != nil {
					t.Fatal(err)
				}
				p, err := i.Request(12345, wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), 4))
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			return intro.Seal(h, wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), 4))
		}
		batch := make([]udp.Packet, 100)
		flood := func() {
			for i := range batch {
				typ := wire.TokenRequest
				if i%2 == 1 {
					typ = wire.SessionRequest
				}
				batch[i] = udp.Packet{Data: request(typ), From: from}
			}
			for range 1000 { // 100,000 within the second
				for i := range batch {
					p := batch[i]
					p.Data = slices.Clone(p.Data)
					r.packet(&p, time.Now())
				}
			}
		}
		flood()
		if s.table.size()+len(s.mint.given.entries)+s.gate.Sources()+s.workers.n != 0 {
			t.Error("something was kept")
		}
		st := b.transport.Stats()
		const most = retriesPerSecond * openRetries
		if st.Retries != most || st.Limited != 100_000-most {
			t.Errorf("%+v", st)
		}
		start := time.Now()
		a.dial(b) // while it goes on
		if d := time.Since(start); d > time.Second {
			t.Errorf("an honest peer took %v", d)
		}
	})
}

func TestWorkersTakeSourcesInTurn(t *testing.T) {
	w := newWorkers(false)
	var order []int
	a, b := netip.MustParseAddr("11.0.0.1"), netip.MustParseAddr("11.0.0.2")
	took := 0
	for range 100 {
		if w.put(a, func() { order = append(order, 1) }) {
			took++
		}
	}
	if took != maxWorkerQueuePerIP {
		t.Errorf("%d steps of one source wait", took)
	}
	w.put(b, func() { order = append(order, 2) })
	for range took + 1 {
		w.take()()
	}
	if order[1] != 2 {
		t.Errorf("order %v", order)
	}
	w.close()
	if w.take() != nil || w.put(a, func() {}) {
		t.Error("closed workers work")
	}
}

func TestTokens(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at, other := netip.MustParseAddrPort("11.0.0.1:1"), netip.MustParseAddrPort("11.0.0.1:2")
	m := newMint()
	retry := m.retry(at, now)
	if !m.take(at, retry, now) || !m.take(at, retry, now.Add(tokenPeriod)) || m.take(at, retry, now.Add(2*tokenPeriod)) {
		t.Error("a Retry's token is not good for one to two periods")
	}
	if m.take(other, retry, now) || m.take(at, 0, now) || newMint().take(at, retry, now) {
		t.Error("a token is good for another address or router")
	}
	given, expires := m.give(at, now)
	if m.take(other, given, now) || !m.take(at, given, expires.Add(-time.Second)) || m.take(at, given, now) {
		t.Error("a NewToken is not good for one handshake of its address")
	}
	given, expires = m.give(at, now)
	if m.take(at, given, expires) {
		t.Error("an expired token is taken")
	}
	for i := range 3 * maxTokens {
		m.give(netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 1), now)
	}
	if n := len(m.given.entries); n > maxTokens {
		t.Errorf("%d tokens are kept", n)
	}
	var p purse
	p.put(at, 7, now.Add(time.Minute), now)
	if p.take(at, now) != 7 || p.take(at, now) != 0 {
		t.Error("a token of a peer is not used once")
	}
	p.put(at, 7, now.Add(tokenMargin), now)
	p.put(other, 7, now.Add(2*maxTokenLife), now)
	if p.take(at, now) != 0 || p.take(other, now) != 0 {
		t.Error("a token that has almost expired, or never does, is kept")
	}
}

func TestSendAndReceiveDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	a, b, ours, theirs := pair(t)
	_ = a
	wa := newWriter(t.Context(), ours.link)
	ra := &reader{l: ours.link}
	wb := newWriter(t.Context(), theirs.link)
	rb := &reader{l: theirs.link}
	b.onBatch = func(msgs []*buf.Buf) {
		for _, m := range msgs {
			m.Release()
		}
	}
	now := time.Now()
	packets := make([]udp.Packet, 0, 64)
	var id uint32
	msgs := make([]*buf.Buf, 0, 16)
	memory := make([]byte, 64*maxMTU)
	move := func(w *writer, r *reader, s *session) {
		w.reserve(turnBytes)
		for {
			if _, more := s.act(w, now); !more {
				break
			}
		}
		packets = packets[:0]
		used := 0
		for _, train := range w.trains {
			for d := train.Data; len(d) > 0; {
				k := min(train.Segment, len(d))
				copy(memory[used:], d[:k])
				packets = append(packets, udp.Packet{Data: memory[used : used+k], From: s.link.local})
				used += k
				d = d[k:]
			}
		}
		w.trains, w.of, w.used, w.whole = w.trains[:0], w.of[:0], 0, 0
		r.batch(packets, now)
	}
	round := func() {
		now = now.Add(20 * time.Millisecond)
		msgs = msgs[:0]
		for range 4 {
			id++
			msgs = append(msgs, message(id, 1000, 1))
		}
		if ours.Send(msgs) != 4 {
			t.Fatal("not taken")
		}
		move(wa, rb, ours)
		move(wb, ra, theirs)
	}
	for range 2000 {
		round()
	}
	before := theirs.messagesIn.Load()
	if n := testing.AllocsPerRun(500, round); n > 0.5 {
		t.Errorf("%v allocations for 4 messages there and their acks back", n)
	}
	if got := theirs.messagesIn.Load() - before; got < 4*500 {
		t.Errorf("%d messages arrived", got)
	}
}
