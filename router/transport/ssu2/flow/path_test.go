package flow_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// TestPathMTUIsFound searches paths of several MTUs, with and without loss.
func TestPathMTUIsFound(t *testing.T) {
	long(t)
	for _, ipv6 := range []bool{false, true} {
		for _, mtu := range []int{1280, 1300, 1400, 1420, 1472, 1492, 1500} {
			for _, loss := range []float64{0, .1} {
				if loss > 0 && mtu%100 != 0 {
					continue
				}
				s := newSim(t, uint64(mtu))
				over := 60
				if ipv6 {
					over = 80
				}
				ab, ba := &link{delay: 20 * ms, mtu: mtu - over, loss: loss}, &link{delay: 20 * ms, loss: loss}
				a, b := s.pair(ab, ba, func(c *flow.Config) { c.Discover, c.IPv6 = true, ipv6 })
				a.feed(12<<20, 300, func() int { return 3000 })
				s.run(60*time.Second, func() bool { return a.done() && a.sentBytes >= 12<<20 })
				check(t, a, b)
				if got := a.f.MTU(); got > mtu || got < mtu-16 {
					t.Errorf("IPv6 %v, path %d, loss %v: MTU %d", ipv6, mtu, loss, got)
				}
			}
		}
	}
}

func TestPublishedMTUBoundsTheSearch(t *testing.T) {
	s := newSim(t, 1)
	ab, ba := &link{delay: 20 * ms}, &link{delay: 20 * ms}
	a, _ := s.pair(ab, ba, func(c *flow.Config) { c.Discover, c.MaxMTU = true, 1400 })
	a.feed(1<<20, 100, tunnelData)
	s.run(10*time.Second, a.done)
	if a.f.MTU() != 1400 || a.f.MaxPayloadSize() != 1340 {
		t.Errorf("MTU %d, payload up to %d", a.f.MTU(), a.f.MaxPayloadSize())
	}
}

// TestBlackHoleFallsBackToTheFloor has a path whose MTU falls from 1500 to 1400 in mid-transfer, or that never had what the peer published.
func TestBlackHoleFallsBackToTheFloor(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name string
		size int
		loss float64
		from time.Duration
	}{
		{"from the start", 2800, 0, 0},
		{"whole messages", 1430, 0, 500 * ms},
		{"halves", 2800, 0, 500 * ms},
		{"with loss", 1430, .05, 500 * ms},
		{"one at a time", 1430, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSim(t, 9)
			const rtt = 50 * ms
			ab, ba := &link{delay: rtt / 2, loss: c.loss}, &link{delay: rtt / 2, loss: c.loss}
			a, b := s.pair(ab, ba, func(f *flow.Config) { f.MTU, f.Discover, f.RTT = 1500, true, rtt })
			queued, total := 300, 8<<20
			if c.name == "one at a time" {
				queued, total = 1, 512<<10
			}
			a.feed(total, queued, func() int { return c.size })
			s.run(c.from, nil)
			ab.mtu = 1340
			fell := s.now
			if !s.run(10*time.Second, func() bool { return a.f.MTU() == flow.FloorMTU }) {
				t.Fatalf("still %d: %+v", a.f.MTU(), a.f.Stats())
			}
			took := s.now.Sub(fell)
			t.Logf("after %v, %d RTT", took, took/rtt)
			if took > 20*rtt {
				t.Errorf("the MTU fell after %v", took)
			}
			s.run(60*time.Second, func() bool { return a.done() && a.sentBytes >= total })
			st := a.f.Stats()
			if st.DroppedDivided == 0 && c.name != "halves" {
				check(t, a, b)
			} else if missing := len(a.sentSum) - len(b.got); missing > int(st.DroppedDivided) || st.DroppedDivided > 300 || b.twice > 0 {
				t.Errorf("%d missing, %d given up, %d twice", missing, st.DroppedDivided, b.twice)
			}
			for id, sum := range b.got {
				if a.sentSum[id] != sum {
					t.Fatalf("message %x changed", id)
				}
			}
		})
	}
}

// TestTooLongForTheSystem has a system that knows the MTU and refuses.
func TestTooLongForTheSystem(t *testing.T) {
	now := simStart
	f := flow.New(flow.Config{Now: now, Initiator: true, MTU: 1500})
	defer f.Close()
	m := buf.Get()
	copy(m.Extend(1300), []byte{18, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff})
	f.Queue(now, []*buf.Buf{m})
	p := make([]byte, f.MaxPayloadSize())
	number, n, _, ok := f.Fill(now, p)
	if !ok || n < 1300 {
		t.Fatal(n, ok)
	}
	f.Unsent(now, number, number)
	if f.MTU() != flow.FloorMTU {
		t.Fatalf("MTU %d", f.MTU())
	}
	var lens []int
	for range 2 {
		_, n, _, ok = f.Fill(now, p)
		if !ok || n > f.PayloadSize() {
			t.Fatalf("packet of %d bytes, %v", n, ok)
		}
		lens = append(lens, n)
	}
	if _, n, _, ok = f.Fill(now, p); ok {
		t.Fatalf("a third packet of %d", n)
	}
	if lens[0]+lens[1] < 1300 {
		t.Errorf("packets of %v bytes", lens)
	}
	if s := f.Stats(); s.Lost != 0 {
		t.Errorf("%d packets lost that were never sent", s.Lost)
	}
}

// TestOutageIsSurvived has no path at all for 8 s.
func TestOutageIsSurvived(t *testing.T) {
	long(t)
	s := newSim(t, 2)
	from, to := s.now.Add(time.Second), s.now.Add(9*time.Second)
	down := func(now time.Time) bool { return now.After(from) && now.Before(to) }
	ab, ba := &link{delay: 25 * ms, down: down}, &link{delay: 25 * ms, down: down}
	a, b := s.pair(ab, ba, nil)
	a.feed(20<<20, 500, mixed(s))
	if !s.run(60*time.Second, func() bool { return a.done() && a.sentBytes >= 20<<20 }) {
		t.Error("not done")
	}
	check(t, a, b)
	if a.dead != nil {
		t.Error(a.dead)
	}
	if took := b.last.Sub(simStart); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestDeadPeerIsGivenUp after 30 s and a few packets.
func TestDeadPeerIsGivenUp(t *testing.T) {
	s := newSim(t, 2)
	ab, ba := &link{delay: 25 * ms}, &link{delay: 25 * ms}
	a, _ := s.pair(ab, ba, nil)
	a.feed(1<<20, 100, tunnelData)
	s.run(20*time.Second, a.done)
	ab.loss = 1
	before, cut := a.packets, s.now
	a.send(1037)
	a.pump()
	s.run(2*time.Minute, func() bool { return a.dead != nil })
	if !errors.Is(a.dead, flow.ErrDead) {
		t.Fatal(a.dead)
	}
	if took := s.now.Sub(cut); took < 29*time.Second || took > 31*time.Second {
		t.Errorf("given up after %v", took)
	}
	if n := a.packets - before; n < 8 || n > 60 {
		t.Errorf("%d packets", n)
	}
}

// TestMigrationStartsOver changes the path in mid-transfer to one that is slower and has the least MTU.
func TestMigrationStartsOver(t *testing.T) {
	long(t)
	s := newSim(t, 4)
	ab, ba := &link{delay: 40 * ms}, &link{delay: 40 * ms}
	a, b := s.pair(ab, ba, func(c *flow.Config) { c.Discover = true })
	a.feed(12<<20, 300, func() int { return 1100 })
	s.run(1200*ms, nil)
	if a.f.MTU() != 1500 {
		t.Fatalf("MTU %d", a.f.MTU())
	}
	a.f.Constrain(s.now, true)
	if st := a.f.Stats(); st.MTU != flow.FloorMTU || st.Window > 4*1220 {
		t.Errorf("while the path is validated: %+v", st)
	}
	ab.delay, ba.delay, ab.mtu = 80*ms, 80*ms, 1220
	s.run(200*ms, nil)
	a.f.Constrain(s.now, false)
	a.f.Rebase(s.now, false)
	if st := a.f.Stats(); st.SRTT != 0 || st.MTU != flow.FloorMTU {
		t.Errorf("after: %+v", st)
	}
	a.pump()
	s.run(60*time.Second, func() bool { return a.done() && a.sentBytes >= 12<<20 })
	check(t, a, b)
	if st := a.f.Stats(); st.MinRTT < 160*ms || st.MTU != flow.FloorMTU {
		t.Errorf("at the end: %+v", st)
	}
}

// TestDirectPacketsAreOffThePath looks at what FillDirect writes.
func TestDirectPacketsAreOffThePath(t *testing.T) {
	now := simStart
	f := flow.New(flow.Config{Now: now})
	p := make([]byte, f.MaxPayloadSize())
	challenge := wire.AppendPathChallenge(nil, []byte("12345678"))
	number, n, ok := f.FillDirect(now, p, challenge)
	if !ok || number != 0 {
		t.Fatal(number, ok)
	}
	blocks, err := wire.ParseBlocks(p[:n])
	if err != nil {
		t.Fatal(err)
	}
	var kinds []wire.BlockType
	for blocks.Next() {
		kinds = append(kinds, blocks.Type)
	}
	if len(kinds) != 3 || kinds[0] != wire.BlockPathChallenge || kinds[1] != wire.BlockAck || kinds[2] != wire.BlockPadding {
		t.Error(kinds)
	}
	if !f.Idle() {
		t.Error("it is in flight")
	}
	if _, _, ok := f.FillDirect(now, p, make([]byte, 1300)); ok {
		t.Error("1300 bytes fit the floor")
	}
}

// TestOldPathSaysNothingOfTheMTU: a probe is acked, lost or refused after the path has changed.
func TestOldPathSaysNothingOfTheMTU(t *testing.T) {
	for _, fate := range []string{"acked", "lost", "refused"} {
		p := newPeer(t, flow.Config{Initiator: true, Discover: true, RTT: 50 * ms})
		var probe *sent
		number := uint32(0)
		for probe == nil {
			number++
			p.queue(number, 1000, time.Minute)
			p.now = p.now.Add(50 * ms)
			s := p.out()
			if s.n > p.f.PayloadSize() {
				probe = s
				break
			}
			p.mustIn(number, wire.AppendAck(nil, s.number, 0, nil))
		}
		p.f.Rebase(p.now, false)
		p.now = p.now.Add(30 * ms)
		switch fate {
		case "acked":
			p.mustIn(number, wire.AppendAck(nil, probe.number, 0, nil))
		case "refused":
			p.f.Unsent(p.now, probe.number, probe.number)
		case "lost":
			p.now = p.now.Add(200 * ms)
		}
		if p.f.MTU() != flow.FloorMTU {
			t.Errorf("%s: MTU %d", fate, p.f.MTU())
		}
		// The new path is probed from the top.
		for range 40 {
			number++
			p.queue(number, 1000, time.Minute)
			p.now = p.now.Add(50 * ms)
			s := p.out()
			if s == nil {
				continue
			}
			if s.n > p.f.PayloadSize() {
				if s.n != p.f.MaxPayloadSize() {
					t.Errorf("%s: probe of %d bytes", fate, s.n)
				}
				probe = nil
				break
			}
			p.mustIn(number, wire.AppendAck(nil, s.number, 0, nil))
		}
		if probe != nil {
			t.Errorf("%s: no probe of the new path", fate)
		}
	}
}

// TestRefusedAtTheFloorFails: the system refuses all packets, so that the session ends in its time, and does not send the same again and again until then.
func TestRefusedAtTheFloorFails(t *testing.T) {
	for _, mtu := range []int{1280, 1500} {
		p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms, MTU: mtu, Discover: true})
		packets, id := 0, uint32(0)
		for at := time.Duration(0); ; at += 10 * ms {
			p.now = simStart.Add(at)
			if err := p.f.Failed(p.now); errors.Is(err, flow.ErrDead) {
				break
			}
			if p.f.Queued() < 5 {
				id++
				p.queue(id, 1190, 8*time.Second)
			}
			for s := p.out(); s != nil; s = p.out() {
				packets++
				p.f.Unsent(p.now, s.number, s.number)
			}
			if at > 40*time.Second {
				t.Fatalf("MTU %d: alive after %d packets were refused: %+v", mtu, packets, p.f.Stats())
			}
		}
		if packets > 100 {
			t.Errorf("MTU %d: %d packets", mtu, packets)
		}
	}
}

// TestValidationOfAPathLosesNoMessage: messages of which some long fragments are acked and some lost wait until the path takes them again.
func TestValidationOfAPathLosesNoMessage(t *testing.T) {
	s := newSim(t, 7)
	ab, ba := &link{delay: 40 * ms, loss: .01}, &link{delay: 40 * ms, loss: .01}
	a, b := s.pair(ab, ba, func(c *flow.Config) { c.Discover, c.MTU, c.RTT = true, 1500, 80*ms })
	const total = 4 << 20
	a.feed(total, 300, func() int { return 9000 })
	for range 4 {
		s.run(300*ms, nil)
		a.f.Constrain(s.now, true)
		a.pump()
		s.run(1500*ms, nil)
		a.f.Constrain(s.now, false)
		a.pump()
	}
	s.run(60*time.Second, func() bool { return a.done() && a.sentBytes >= total })
	check(t, a, b)
	if st := a.f.Stats(); st.DroppedDivided != 0 {
		t.Errorf("%d messages dropped: %+v", st.DroppedDivided, st)
	}
}

// TestHeldFragmentsHaveNoDeadline: what waits for a path to be validated is not called for until then.
func TestHeldFragmentsHaveNoDeadline(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms, MTU: 1500})
	p.queue(1, 1400, time.Minute)
	long := p.out()
	p.f.Constrain(p.now, true)
	p.now = p.now.Add(10 * ms)
	p.f.Ping(p.now)
	ping := p.out()
	for n := ping.number; n < ping.number+3; n++ { // the packets after the long one are acked: it is lost
		p.now = p.now.Add(10 * ms)
		p.mustIn(n, wire.AppendAck(nil, n, 0, nil))
		p.f.Ping(p.now)
		p.out()
	}
	if p.out() != nil {
		t.Fatal("a packet too many")
	}
	p.queue(2, 500, time.Minute)
	if s := p.out(); s == nil || !reflect.DeepEqual(s.ids, []uint32{2}) {
		t.Errorf("a short message behind it: %+v", s)
	}
	p.f.Constrain(p.now, false)
	if s := p.out(); s == nil || !reflect.DeepEqual(s.ids, []uint32{1}) || s.n < 1400 || long.n < 1400 {
		t.Errorf("the long one: %+v", s)
	}
}

// TestBlackHoleFoundByTimer: the packet that Fill makes when it finds the black hole is no longer than the floor.
func TestBlackHoleFoundByTimer(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms, MTU: 1500})
	for id := range uint32(4) {
		p.now = p.now.Add(20 * ms)
		p.queue(id, 1400, time.Minute)
		if s := p.out(); s.n < 1400 {
			t.Fatalf("%+v", s)
		}
	}
	p.now = p.now.Add(10 * ms)
	p.queue(9, 100, time.Minute)
	short := p.out()
	p.now = p.now.Add(40 * ms)
	p.mustIn(1, wire.AppendAck(nil, short.number, 0, nil)) // the last of the long ones is not lost yet
	for id := range uint32(20) {
		p.queue(10+id, 300, time.Minute)
	}
	if p.f.MTU() != 1500 {
		t.Fatal("the black hole is known too early")
	}
	p.now = p.now.Add(10 * ms)
	s := p.out()
	if p.f.MTU() != flow.FloorMTU || s == nil || s.n > p.f.PayloadSize() {
		t.Errorf("MTU %d, packet %+v", p.f.MTU(), s)
	}
}
