package flow_test

import (
	"encoding/binary"
	"errors"
	"reflect"
	"runtime"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// peer is the bare other side of one flow: it sees blocks.
type peer struct {
	t      *testing.T
	f      *flow.Flow
	now    time.Time
	number uint32
	got    []uint32 // ids of messages
	bodies [][]byte
	other  []wire.BlockType
	fail   error
}

func newPeer(t *testing.T, c flow.Config) *peer {
	c.Now = simStart
	p := &peer{t: t, f: flow.New(c), now: simStart}
	t.Cleanup(p.f.Close)
	return p
}

func (p *peer) Message(m *buf.Buf) {
	p.got = append(p.got, binary.BigEndian.Uint32(m.Bytes()[1:]))
	p.bodies = append(p.bodies, append([]byte(nil), m.Bytes()...))
	m.Release()
}

func (p *peer) Block(t wire.BlockType, _ []byte) error {
	p.other = append(p.other, t)
	return p.fail
}

// in gives the flow a packet of blocks.
func (p *peer) in(number uint32, immediate bool, blocks ...[]byte) error {
	var payload []byte
	for _, b := range blocks {
		payload = append(payload, b...)
	}
	p.number = max(p.number, number)
	return p.f.Receive(p.now, number, immediate, payload, p)
}

func (p *peer) mustIn(number uint32, blocks ...[]byte) {
	p.t.Helper()
	if err := p.in(number, false, blocks...); err != nil {
		p.t.Fatal(err)
	}
}

// sent is one packet of the flow.
type sent struct {
	number    uint32
	n         int
	immediate bool
	kinds     []wire.BlockType
	acks      [][2]uint32 // runs
	ids       []uint32    // of messages and fragments
}

// out takes one packet, nil if there is none.
func (p *peer) out() *sent {
	p.t.Helper()
	b := make([]byte, p.f.MaxPayloadSize())
	number, n, immediate, ok := p.f.Fill(p.now, b)
	if !ok {
		if d := p.f.Deadline(); !d.IsZero() && !d.After(p.now) {
			p.t.Fatalf("nothing to send, but the deadline is %v ago", p.now.Sub(d))
		}
		return nil
	}
	s := &sent{number: number, n: n, immediate: immediate}
	blocks, err := wire.ParseBlocks(b[:n])
	if err != nil {
		p.t.Fatal(err)
	}
	for blocks.Next() {
		if blocks.Type != wire.BlockPadding {
			s.kinds = append(s.kinds, blocks.Type)
		}
		switch blocks.Type {
		case wire.BlockAck:
			a, err := wire.ParseAck(blocks.Body)
			if err != nil {
				p.t.Fatal(err)
			}
			for first, last, ok := a.Next(); ok; first, last, ok = a.Next() {
				s.acks = append(s.acks, [2]uint32{first, last})
			}
		case wire.BlockI2NP, wire.BlockFirstFragment, wire.BlockFollowOnFragment:
			s.ids = append(s.ids, binary.BigEndian.Uint32(blocks.Body[1:]))
		}
	}
	return s
}

// queue queues one message of size bytes that expires after life.
func (p *peer) queue(id uint32, size int, life time.Duration) bool {
	return p.f.Queue(p.now, []*buf.Buf{testMessage(id, size, p.now.Add(life))}) == 1
}

func testMessage(id uint32, size int, expires time.Time) *buf.Buf {
	b := buf.GetFor(size)
	m := b.Extend(size)
	clear(m)
	m[0] = 18
	binary.BigEndian.PutUint32(m[1:], id)
	binary.BigEndian.PutUint32(m[5:], uint32(expires.Unix()))
	for i := 9; i < size; i++ {
		m[i] = byte(i * int(id+1) >> 3)
	}
	return b
}

func i2npBlock(id uint32, size int) []byte {
	b := testMessage(id, size, simStart.Add(time.Minute))
	defer b.Release()
	return wire.AppendI2NP(nil, b.Bytes())
}

func padding(n int) []byte { return wire.AppendPadding(nil, n) }

// TestResponderAcksSessionConfirmedFirst: number 0 carries an ack and no message, as i2pd acks it unseen.
func TestResponderAcksSessionConfirmedFirst(t *testing.T) {
	p := newPeer(t, flow.Config{})
	p.queue(1, 100, time.Minute)
	s := p.out()
	if s == nil || s.number != 0 || !reflect.DeepEqual(s.acks, [][2]uint32{{0, 0}}) || len(s.ids) != 0 {
		t.Fatalf("%+v", s)
	}
	if s = p.out(); s == nil || s.number != 1 || !reflect.DeepEqual(s.ids, []uint32{1}) {
		t.Fatalf("%+v", s)
	}
	if s = p.out(); s != nil {
		t.Fatalf("%+v", s)
	}
	p.mustIn(1, wire.AppendAck(nil, 0, 0, nil), padding(0))
	p.mustIn(2, wire.AppendAck(nil, 7, 3, nil), padding(0)) // of numbers never sent: nothing
	if p.f.Idle() {
		t.Error("the message was acked by an ack of other numbers")
	}
}

func TestInitiatorStartsWithOne(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	if s := p.out(); s != nil {
		t.Fatalf("%+v", s)
	}
	p.queue(1, 100, time.Minute)
	if s := p.out(); s.number != 1 || s.acks != nil {
		t.Fatalf("%+v", s)
	}
}

// TestAckTiming: "Generating ACKs", "Recommended Constants". The round trip time is 120 ms, the ack delay 20 ms, the immediate one 5 ms.
func TestAckTiming(t *testing.T) {
	message := func(id uint32) []byte { return i2npBlock(id, 50) }
	for _, c := range []struct {
		name string
		give func(p *peer)
		wait time.Duration // -1: no ack
	}{
		{"one message", func(p *peer) { p.mustIn(1, message(1)) }, 20 * ms},
		{"two messages", func(p *peer) { p.mustIn(1, message(1)); p.mustIn(2, message(2)) }, 0},
		{"a gap", func(p *peer) { p.mustIn(2, message(1)) }, 20 * ms}, // number 1 may be one without need of an ack
		{"a gap after one", func(p *peer) { p.mustIn(1, message(1)); p.out(); p.mustIn(3, message(3)) }, 0},
		{"flag", func(p *peer) { _ = p.in(1, true, message(1)) }, 5 * ms},
		{"flag on padding", func(p *peer) { _ = p.in(1, true, padding(20)) }, 5 * ms},
		{"congestion block", func(p *peer) {
			p.mustIn(1, message(1), wire.AppendCongestion(nil, wire.CongestionImmediateAck))
		}, 5 * ms},
		{"acks only", func(p *peer) {
			p.mustIn(1, wire.AppendAck(nil, 0, 0, nil))
			p.mustIn(2, wire.AppendAck(nil, 0, 0, nil))
		}, -1},
		{"padding", func(p *peer) { p.mustIn(1, padding(100)) }, -1},
		{"date", func(p *peer) { p.mustIn(1, wire.AppendDateTime(nil, simStart), padding(10)) }, -1},
		{"unknown block", func(p *peer) { p.mustIn(1, wire.AppendBlock(nil, 99, make([]byte, 8))) }, 20 * ms},
		{"duplicate", func(p *peer) { p.mustIn(1, message(1)); p.now = p.now.Add(ms); p.mustIn(1, message(1)) }, 19 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, flow.Config{Initiator: true, RTT: 120 * ms})
			c.give(p)
			start := p.now
			if c.wait > 0 {
				if s := p.out(); s != nil {
					t.Fatalf("at once: %+v", s)
				}
				p.now = start.Add(c.wait - time.Microsecond)
				if s := p.out(); s != nil {
					t.Fatalf("too early: %+v", s)
				}
			}
			p.now = start.Add(max(c.wait, 0))
			if c.wait < 0 {
				p.now = start.Add(time.Second)
			}
			s := p.out()
			if (s != nil) != (c.wait >= 0) {
				t.Fatalf("%+v", s)
			}
			if s != nil && (len(s.kinds) != 1 || s.kinds[0] != wire.BlockAck || s.immediate) {
				t.Errorf("%+v", s)
			}
			if s := p.out(); s != nil {
				t.Errorf("a second: %+v", s)
			}
		})
	}
}

// TestAckRanges gives the specification's example, and others.
func TestAckRanges(t *testing.T) {
	for _, c := range []struct {
		in   []uint32
		want [][2]uint32
	}{
		{[]uint32{0, 1, 2, 5, 6, 8, 9, 10}, [][2]uint32{{8, 10}, {5, 6}, {0, 2}}},
		{[]uint32{10}, [][2]uint32{{10, 10}}},
		{[]uint32{700}, [][2]uint32{{700, 700}}},
		{[]uint32{0, 400}, [][2]uint32{{400, 400}, {0, 0}}},
		{span(0, 600), [][2]uint32{{345, 600}, {90, 344}, {0, 89}}},
		{append(span(0, 300), span(305, 900)...), [][2]uint32{{645, 900}, {390, 644}, {305, 389}, {46, 300}, {0, 45}}},
	} {
		p := newPeer(t, flow.Config{Initiator: true})
		for _, n := range c.in {
			p.mustIn(n, i2npBlock(n+1, 12))
			p.now = p.now.Add(time.Microsecond)
		}
		p.f.AckNow(p.now)
		if s := p.out(); !reflect.DeepEqual(s.acks, c.want) {
			t.Errorf("%d numbers: acks %v, want %v", len(c.in), s.acks, c.want)
		}
	}
}

func span(first, last uint32) (n []uint32) {
	for i := first; i <= last; i++ {
		n = append(n, i)
	}
	return n
}

// TestAcksOfAcksShortenBlocks: what the peer knows is not repeated, but a late packet is still acked.
func TestAcksOfAcksShortenBlocks(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	for _, n := range []uint32{1, 3, 5, 7} {
		p.mustIn(n, i2npBlock(n, 12))
	}
	p.queue(100, 50, time.Minute)
	s := p.out()
	if len(s.acks) != 4 || len(s.ids) != 1 {
		t.Fatalf("%+v", s)
	}
	p.mustIn(8, wire.AppendAck(nil, s.number, 0, nil), i2npBlock(8, 12))
	p.f.AckNow(p.now)
	if s = p.out(); !reflect.DeepEqual(s.acks, [][2]uint32{{7, 8}}) {
		t.Fatalf("%+v", s)
	}
	p.mustIn(4, i2npBlock(4, 12))
	if s = p.out(); !reflect.DeepEqual(s.acks, [][2]uint32{{7, 8}, {4, 5}}) {
		t.Fatalf("%+v", s)
	}
}

func TestReplaysAreDropped(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	for _, n := range []uint32{5, 5, 3000, 2999, 3000, 953, 952, 5, 953, 1 << 31, 3000, 1<<31 - 2047} {
		p.mustIn(n, i2npBlock(uint32(len(p.got))+1000, 12))
	}
	if len(p.got) != 6 || p.f.Stats().DuplicatePackets != 6 || p.f.Received() != 6 {
		t.Errorf("%d messages, %+v", len(p.got), p.f.Stats())
	}
}

func TestNothingIsSentWhileIdle(t *testing.T) {
	s := newSim(t, 1)
	ab, ba := &link{delay: 20 * ms, loss: .05}, &link{delay: 20 * ms, loss: .05}
	a, b := s.pair(ab, ba, func(c *flow.Config) { c.Discover = true })
	a.feed(1<<20, 100, mixed(s))
	b.feed(1<<20, 100, mixed(s))
	s.run(30*time.Second, func() bool { return a.done() && b.done() })
	s.run(10*time.Second, nil)
	before := a.packets + b.packets
	s.run(10*time.Minute, nil)
	if n := a.packets + b.packets - before; n > 0 {
		t.Errorf("%d packets in 10 minutes", n)
	}
	if d := a.f.Deadline(); !d.IsZero() {
		t.Errorf("an idle session has a deadline in %v", d.Sub(s.now))
	}
}

func TestIdleSessionIsSmall(t *testing.T) {
	if race {
		t.Skip("sizes differ under the race detector")
	}
	const n = 200
	flows := make([]*flow.Flow, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range flows {
		flows[i] = flow.New(flow.Config{Now: simStart})
	}
	runtime.ReadMemStats(&after)
	per := int(after.TotalAlloc-before.TotalAlloc) / n
	t.Logf("%d bytes", per)
	if per > 3<<10 || per < 500 {
		t.Errorf("%d bytes per session", per)
	}
	runtime.KeepAlive(flows)
}

// TestQueueIsBounded in messages, in bytes and by the budget of all sessions; the newest are refused.
func TestQueueIsBounded(t *testing.T) {
	budget := flow.NewSendBudget(1 << 20)
	var open []*flow.Flow
	for _, c := range []struct {
		name        string
		size        int
		budget      *flow.Budget
		least, most int
	}{
		{"messages", 100, nil, 1536, 1536},
		{"bytes", 60000, nil, 50, 64},
		{"budget", 1000, budget, 400, 450},
		{"budget used up", 1000, budget, 50, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := flow.New(flow.Config{Now: simStart, Send: c.budget})
			if c.budget == nil {
				defer f.Close()
			} else {
				open = append(open, f)
			}
			took := 0
			for range 2000 {
				took += f.Queue(simStart, []*buf.Buf{testMessage(1, c.size, simStart.Add(time.Minute))})
			}
			if took < c.least || took > c.most || f.Queued() != took || f.Stats().DroppedFull != uint64(2000-took) {
				t.Errorf("took %d: %+v", took, f.Stats())
			}
		})
	}
	for _, f := range open {
		f.Close()
	}
	if budget.Used() != 0 {
		t.Errorf("%d bytes of the budget are lost", budget.Used())
	}
	f := flow.New(flow.Config{Now: simStart})
	for _, size := range []int{0, 8, 65517} {
		b := buf.GetFor(size)
		b.Extend(size)
		if f.Queue(simStart, []*buf.Buf{b}) != 0 {
			t.Errorf("took %d bytes", size)
		}
	}
}

// TestExpiredMessagesAreNotSent: neither those that waited too long nor the lost ones.
func TestExpiredMessagesAreNotSent(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms})
	for id := range uint32(16) { // a window
		p.queue(100+id, 1100, time.Minute)
	}
	for p.out() != nil {
	}
	p.queue(1, 100, 3*time.Second)
	p.queue(2, 100, time.Minute)
	p.now = p.now.Add(4 * time.Second)
	p.mustIn(1, wire.AppendAck(nil, 16, 15, nil))
	s := p.out()
	if !reflect.DeepEqual(s.ids, []uint32{2}) {
		t.Fatalf("%+v", s)
	}
	p.queue(3, 1000, 2*time.Second)
	p.queue(4, 1000, 10*time.Second)
	three, four := p.out(), p.out()
	if !reflect.DeepEqual(append(three.ids, four.ids...), []uint32{3, 4}) {
		t.Fatal(three, four)
	}
	p.now = p.now.Add(3 * time.Second)
	seen := map[uint32]bool{}
	for s := p.out(); s != nil; s = p.out() { // a timeout
		for _, id := range s.ids {
			seen[id] = true
		}
	}
	p.queue(5, 1000, 10*time.Second)
	last := p.out()
	p.now = p.now.Add(50 * ms)
	p.mustIn(2, wire.AppendAck(nil, last.number, 0, nil)) // all others are lost
	for s := p.out(); s != nil; s = p.out() {
		for _, id := range s.ids {
			seen[id] = true
			if id == 3 {
				t.Error("an expired message was sent again")
			}
		}
	}
	if !seen[4] || p.f.Stats().DroppedExpired != 2 {
		t.Errorf("%v %+v", seen, p.f.Stats())
	}
}

// TestControlBlocks go first; reliable ones are sent again.
func TestControlBlocks(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms})
	p.queue(1, 100, time.Minute)
	if !p.f.Control(p.now, wire.AppendRelayTag(nil, 7), true) || !p.f.Control(p.now, wire.AppendDateTime(nil, p.now), false) {
		t.Fatal("no room")
	}
	s := p.out()
	if !reflect.DeepEqual(s.kinds, []wire.BlockType{wire.BlockRelayTag, wire.BlockDateTime, wire.BlockI2NP}) {
		t.Fatalf("%+v", s)
	}
	for i := range uint32(4) {
		p.queue(10+i, 1000, time.Minute)
	}
	var last *sent
	for s := p.out(); s != nil; s = p.out() {
		last = s
	}
	p.now = p.now.Add(50 * ms)
	p.mustIn(1, wire.AppendAck(nil, last.number, 3, nil))
	if s = p.out(); s == nil || !reflect.DeepEqual(s.kinds, []wire.BlockType{wire.BlockRelayTag, wire.BlockI2NP}) && !reflect.DeepEqual(s.kinds, []wire.BlockType{wire.BlockAck, wire.BlockRelayTag, wire.BlockI2NP}) {
		t.Fatalf("after the loss: %+v", s)
	}
	if !s.immediate {
		t.Error("no immediate ack asked for what is sent again")
	}
	for i := 0; p.f.Control(p.now, wire.AppendRelayTag(nil, 7), false); i++ {
		if i > 64 {
			t.Fatal("no bound")
		}
	}
	if p.f.Control(p.now, make([]byte, p.f.ControlSize()+1), false) || p.f.Control(p.now, nil, false) {
		t.Error("took a block that does not fit")
	}
}

func TestTerminationIsTheLast(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	p.mustIn(1, i2npBlock(1, 20))
	p.queue(1, 100, time.Minute)
	end := wire.AppendTermination(nil, 1, wire.ReasonShutdown)
	p.f.Control(p.now, end, false)
	if s := p.out(); !reflect.DeepEqual(s.kinds, []wire.BlockType{wire.BlockAck, wire.BlockTermination}) {
		t.Fatalf("%+v", s)
	}
	p.queue(2, 100, time.Minute)
	p.now = p.now.Add(time.Minute)
	if s := p.out(); s != nil || !p.f.Deadline().IsZero() {
		t.Fatalf("%+v", s)
	}
	p.f.Control(p.now, end, false)
	if s := p.out(); len(s.kinds) != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestMalformedPayloads(t *testing.T) {
	for name, payload := range map[string][]byte{
		"cut header":             {3, 0},
		"cut block":              {3, 0, 20, 1, 2, 3},
		"block after padding":    append(padding(3), i2npBlock(1, 20)...),
		"short message":          wire.AppendBlock(nil, wire.BlockI2NP, make([]byte, 8)),
		"empty first fragment":   wire.AppendBlock(nil, wire.BlockFirstFragment, make([]byte, 9)),
		"follow-on fragment 0":   wire.AppendBlock(nil, wire.BlockFollowOnFragment, make([]byte, 20)),
		"empty follow-on":        wire.AppendBlock(nil, wire.BlockFollowOnFragment, []byte{2, 0, 0, 0, 1}),
		"ack of 4 bytes":         wire.AppendBlock(nil, wire.BlockAck, make([]byte, 4)),
		"ack with half a range":  wire.AppendBlock(nil, wire.BlockAck, make([]byte, 6)),
		"empty congestion block": wire.AppendBlock(nil, wire.BlockCongestion, nil),
	} {
		p := newPeer(t, flow.Config{Initiator: true})
		p.queue(1, 100, time.Minute)
		p.out()
		var e *flow.ProtocolError
		if err := p.in(1, false, payload); !errors.As(err, &e) || e.Reason != wire.ReasonPayloadFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := newPeer(t, flow.Config{Initiator: true})
	p.fail = errors.New("no")
	if err := p.in(1, false, wire.AppendRelayTag(nil, 1), i2npBlock(1, 20)); err != p.fail || len(p.got) != 0 {
		t.Errorf("%v, %d messages", err, len(p.got))
	}
}

// TestTrainsAreOfEqualPackets: what tunnels bring makes packets of one length, of which one only carries the ack.
func TestTrainsAreOfEqualPackets(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms})
	p.mustIn(1, i2npBlock(1, 20))
	for id := range uint32(10) {
		p.queue(id, 1037, time.Minute)
	}
	b := make([]byte, p.f.MaxPayloadSize())
	_, first, _, ok := p.f.Fill(p.now, b)
	if !ok {
		t.Fatal("nothing")
	}
	count := 1
	for {
		_, n, _, ok := p.f.Fill(p.now, b[:first])
		if !ok {
			break
		}
		if n != first {
			t.Errorf("packet %d has %d bytes of %d", count, n, first)
		}
		count++
	}
	if count != 10 {
		t.Errorf("%d packets", count)
	}
}

func TestSmallMessagesShareAPacket(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	for id := range uint32(20) {
		p.queue(id, 40, time.Minute)
	}
	if s := p.out(); len(s.ids) != 20 {
		t.Errorf("%d messages in the packet", len(s.ids))
	}
	if s := p.out(); s != nil {
		t.Errorf("%+v", s)
	}
}

// TestBlocksWithoutAMessageAskForAnAck: i2pd and Java do not ack a packet of, say, NewToken alone otherwise.
func TestBlocksWithoutAMessageAskForAnAck(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms})
	token := wire.AppendNewToken(nil, 5, simStart)
	p.f.Control(p.now, token, true)
	if s := p.out(); s == nil || !s.immediate {
		t.Errorf("NewToken alone: %+v", s)
	}
	p.f.Control(p.now, token, true)
	p.queue(1, 100, time.Minute)
	if s := p.out(); s == nil || s.immediate || len(s.kinds) != 2 {
		t.Errorf("NewToken and a message: %+v", s)
	}
	p.f.Ping(p.now)
	if s := p.out(); s == nil || !s.immediate {
		t.Errorf("a ping: %+v", s)
	}
	p.f.Control(p.now, wire.AppendDateTime(nil, simStart), false)
	if s := p.out(); s == nil || s.immediate {
		t.Errorf("what nobody acks: %+v", s)
	}
}
