package flow_test

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// sim is a virtual network of flows in virtual time. One seed, one result.
type sim struct {
	t      testing.TB
	now    time.Time
	random *rand.Rand
	events events
	seq    int
	tick   time.Duration // timers are as late as a wheel with this tick
	steps  int
}

var simStart = time.Unix(1_800_000_000, 0)

func newSim(t testing.TB, seed uint64) *sim {
	return &sim{t: t, now: simStart, random: rand.New(rand.NewPCG(seed, 1)), tick: time.Millisecond}
}

type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(v any)   { *e = append(*e, v.(event)) }
func (e *events) Pop() any {
	old := *e
	v := old[len(old)-1]
	*e = old[:len(old)-1]
	return v
}

func (s *sim) at(t time.Time, do func()) {
	s.seq++
	heap.Push(&s.events, event{t, s.seq, do})
}

// run runs until stop is true, or for at most d. It reports whether it stopped.
func (s *sim) run(d time.Duration, stop func() bool) bool {
	s.t.Helper()
	end := s.now.Add(d)
	for len(s.events) > 0 && !s.events[0].at.After(end) {
		if stop != nil && stop() {
			return true
		}
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
		if s.steps++; s.steps > 50_000_000 {
			s.t.Fatal("the simulation does not end")
		}
	}
	if stop != nil && stop() {
		return true
	}
	s.now = end
	return false
}

// link is one direction of a path.
type link struct {
	delay, jitter time.Duration
	loss          float64
	reorder       float64 // so many packets take late longer
	late          time.Duration
	duplicate     float64
	corrupt       func(payload []byte) bool // true: drop
	mtu           int                       // of payloads, longer ones vanish; 0: none
	rate          float64                   // bytes per second, 0: no bottleneck
	queue         int                       // bytes in front of the bottleneck
	burst         float64                   // chance that a burst of losses of burstLen begins
	burstLen      time.Duration
	down          func(now time.Time) bool

	busy    time.Time // the bottleneck is free again
	badTill time.Time
	sent    int
	dropped int
	tail    int // dropped at the queue
}

func (l *link) pass(s *sim, p []byte, arrive func(p []byte)) {
	l.sent++
	if l.burst > 0 && s.random.Float64() < l.burst {
		l.badTill = s.now.Add(l.burstLen)
	}
	if l.mtu > 0 && len(p)-4 > l.mtu || s.now.Before(l.badTill) || l.down != nil && l.down(s.now) || l.corrupt != nil && l.corrupt(p) ||
		s.random.Float64() < l.loss {
		l.dropped++
		return
	}
	at := s.now
	if l.rate > 0 {
		if l.busy.Before(at) {
			l.busy = at
		}
		if l.busy.Sub(at).Seconds()*l.rate > float64(l.queue) {
			l.dropped++
			l.tail++
			return
		}
		l.busy = l.busy.Add(time.Duration(float64(len(p)+60) / l.rate * 1e9))
		at = l.busy
	}
	at = at.Add(l.delay)
	if l.jitter > 0 {
		at = at.Add(time.Duration(s.random.Int64N(int64(l.jitter))))
	}
	if s.random.Float64() < l.reorder {
		at = at.Add(l.late)
	}
	copied := append([]byte(nil), p...)
	s.at(at, func() { arrive(copied) })
	if s.random.Float64() < l.duplicate {
		again := append([]byte(nil), p...)
		s.at(at.Add(time.Duration(s.random.Int64N(int64(5*time.Millisecond)))), func() { arrive(again) })
	}
}

// end is one side of a session.
type end struct {
	s    *sim
	f    *flow.Flow
	name string
	out  *link
	peer *end
	wake time.Time
	buf  []byte

	got       map[uint32]uint64 // message id: checksum
	gotBytes  int
	last      time.Time
	twice     int
	blocks    int
	sentSum   map[uint32]uint64
	sentBytes int
	dropped   int // by Queue
	nextID    uint32
	trains    int
	packets   int
	dead      error
	emitTo    func(number uint32, immediate bool, payload []byte) // a peer of another kind
}

func (s *sim) pair(ab, ba *link, mod func(c *flow.Config)) (a, b *end) {
	mk := func(name string, initiator bool, out *link) *end {
		c := flow.Config{Now: s.now, Initiator: initiator, Seed: s.random.Uint64()}
		if mod != nil {
			mod(&c)
		}
		f := flow.New(c)
		return &end{
			s: s, f: f, name: name, out: out, buf: make([]byte, f.MaxPayloadSize()),
			got: map[uint32]uint64{}, sentSum: map[uint32]uint64{}, nextID: uint32(s.random.Uint64()),
		}
	}
	a, b = mk("a", true, ab), mk("b", false, ba)
	a.peer, b.peer = b, a
	s.at(s.now, func() { a.pump() })
	s.at(s.now, func() { b.pump() })
	return a, b
}

var table = crc64.MakeTable(crc64.ECMA)

func (e *end) Message(m *buf.Buf) {
	id := binary.BigEndian.Uint32(m.Bytes()[1:])
	if _, ok := e.got[id]; ok {
		e.twice++
	}
	e.got[id] = crc64.Checksum(m.Bytes(), table)
	e.gotBytes += m.Len()
	e.last = e.s.now
	m.Release()
}

func (e *end) Block(t wire.BlockType, body []byte) error {
	e.blocks++
	if t == wire.BlockPathChallenge {
		e.f.Control(e.s.now, wire.AppendPathResponse(nil, body), false)
	}
	return nil
}

// message makes one of size bytes with random content.
func (e *end) message(size int) *buf.Buf {
	b := buf.GetFor(size)
	m := b.Extend(size)
	m[0] = 18
	e.nextID++
	binary.BigEndian.PutUint32(m[1:], e.nextID)
	binary.BigEndian.PutUint32(m[5:], uint32(e.s.now.Add(55*time.Second).Unix()))
	for i := 9; i+8 <= size; i += 8 {
		binary.BigEndian.PutUint64(m[i:], e.s.random.Uint64())
	}
	return b
}

// send queues one message and reports whether it was taken.
func (e *end) send(size int) bool {
	m := e.message(size)
	id, sum := e.nextID, crc64.Checksum(m.Bytes(), table)
	if e.f.Queue(e.s.now, []*buf.Buf{m}) == 0 {
		e.dropped++
		return false
	}
	e.sentSum[id] = sum
	e.sentBytes += size
	return true
}

// pump sends what may go, in trains as the transport does, and sets the timer.
func (e *end) pump() {
	for {
		number, n, now, ok := e.f.Fill(e.s.now, e.buf[:e.f.MaxPayloadSize()])
		if !ok {
			break
		}
		e.trains++
		e.emit(number, n, now)
		if n > e.f.PayloadSize() {
			continue
		}
		for segment := n; n == segment; {
			if number, n, now, ok = e.f.Fill(e.s.now, e.buf[:segment]); !ok {
				break
			}
			if n > segment {
				e.s.t.Fatalf("packet of %d bytes in a train of %d", n, segment)
			}
			e.emit(number, n, now)
		}
	}
	if e.dead = e.f.Failed(e.s.now); e.dead != nil {
		return
	}
	d := e.f.Deadline()
	if d.IsZero() {
		return
	}
	if !d.After(e.s.now) {
		e.s.t.Fatalf("%s: deadline %v at %v, but Fill has nothing: %+v", e.name, d.Sub(simStart), e.s.now.Sub(simStart), e.f.Stats())
	}
	if tick := e.s.tick; tick > 0 {
		d = simStart.Add((d.Sub(simStart) + tick - 1) / tick * tick)
	}
	if !e.wake.IsZero() && !e.wake.After(d) && e.wake.After(e.s.now) {
		return
	}
	e.wake = d
	e.s.at(d, func() {
		if e.wake.Equal(d) {
			e.wake = time.Time{}
			e.pump()
		} else if e.wake.IsZero() || e.wake.After(e.s.now) {
			e.pump()
		}
	})
}

func (e *end) emit(number uint32, n int, immediate bool) {
	if n < wire.MinPayload {
		e.s.t.Fatalf("payload of %d bytes", n)
	}
	e.packets++
	if immediate {
		number |= 1 << 31
	}
	payload := append(binary.BigEndian.AppendUint32(nil, number), e.buf[:n]...)
	peer := e.peer
	e.out.pass(e.s, payload, func(p []byte) {
		number := binary.BigEndian.Uint32(p)
		if e.emitTo != nil {
			e.emitTo(number&^(1<<31), number>>31 == 1, p[4:])
			return
		}
		err := peer.f.Receive(e.s.now, number&^(1<<31), number>>31 == 1, p[4:], peer)
		if err != nil {
			e.s.t.Fatalf("%s: Receive: %v", peer.name, err)
		}
		peer.pump()
	})
}

// feed keeps n messages queued until total bytes were.
func (e *end) feed(total int, queued int, size func() int) {
	if e.sentBytes >= total {
		return
	}
	for e.f.Queued() < queued && e.sentBytes < total {
		if !e.send(size()) {
			break
		}
	}
	e.pump()
	e.s.at(e.s.now.Add(5*time.Millisecond), func() { e.feed(total, queued, size) })
}

// check compares what b got with what a sent.
func check(t testing.TB, a, b *end) {
	t.Helper()
	missing := 0
	for id, sum := range a.sentSum {
		got, ok := b.got[id]
		if !ok {
			missing++
		} else if got != sum {
			t.Fatalf("message %x changed", id)
		}
	}
	if missing > 0 || b.twice > 0 || len(b.got) != len(a.sentSum) {
		t.Errorf("%d of %d messages missing, %d twice, %d arrived\nsender %+v\nreceiver %+v", missing, len(a.sentSum), b.twice, len(b.got), a.f.Stats(), b.f.Stats())
	}
}

func (e *end) done() bool { return len(e.peer.got) >= len(e.sentSum) && e.f.Idle() }

func rate(bytes int, d time.Duration) string {
	return fmt.Sprintf("%.0f KB/s", float64(bytes)/d.Seconds()/1e3)
}

// long skips a long simulation under the race detector: there is one goroutine, which it makes twenty times slower.
func long(t *testing.T) {
	t.Helper()
	if race {
		t.Skip("one goroutine: nothing to race")
	}
}
