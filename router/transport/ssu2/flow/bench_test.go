package flow_test

import (
	"encoding/binary"
	"runtime/debug"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// rig is two flows with a wire of no delay between them, which brings packets in batches.
type rig struct {
	now      time.Time
	a, b     *flow.Flow
	p        []byte
	batch    [][]byte
	numbers  []uint32
	msgs     []*buf.Buf
	id       uint32
	size     int
	messages int
	tb       testing.TB
}

func newRig(tb testing.TB, size int) *rig {
	now := simStart
	r := &rig{
		now: now, a: flow.New(flow.Config{Now: now, Initiator: true, MTU: 1500, RTT: 20 * time.Millisecond}),
		b: flow.New(flow.Config{Now: now, MTU: 1500, RTT: 20 * time.Millisecond}), p: make([]byte, 1500), size: size, tb: tb,
	}
	for range 64 {
		r.batch = append(r.batch, make([]byte, 1500))
	}
	r.numbers = make([]uint32, 64)
	r.msgs = make([]*buf.Buf, 0, 64)
	return r
}

func (r *rig) Message(m *buf.Buf) { r.messages++; m.Release() }

func (r *rig) Block(wire.BlockType, []byte) error { return nil }

// queue queues n messages.
func (r *rig) queue(n int) {
	r.msgs = r.msgs[:0]
	for range n {
		m := buf.GetFor(r.size)
		r.id++
		h := m.Extend(r.size)
		h[0] = 18
		binary.BigEndian.PutUint32(h[1:], r.id)
		binary.BigEndian.PutUint32(h[5:], uint32(r.now.Unix()+30))
		r.msgs = append(r.msgs, m)
	}
	if took := r.a.Queue(r.now, r.msgs); took != n {
		r.tb.Fatalf("took %d of %d", took, n)
	}
}

// fill lets from send up to 64 packets.
func (r *rig) fill(from *flow.Flow) int {
	k := 0
	for k < len(r.batch) {
		number, n, _, ok := from.Fill(r.now, r.batch[k][:1440])
		if !ok {
			break
		}
		r.numbers[k], r.batch[k] = number, r.batch[k][:n]
		k++
	}
	return k
}

func (r *rig) receive(to *flow.Flow, k int) {
	for i := range k {
		if err := to.Receive(r.now, r.numbers[i], false, r.batch[i], r); err != nil {
			r.tb.Fatal(err)
		}
		r.batch[i] = r.batch[i][:1500]
	}
}

// round carries n messages from a to b, and the acks back 20 ms later.
func (r *rig) round(n int) {
	r.queue(n)
	for {
		k := r.fill(r.a)
		r.now = r.now.Add(10 * time.Millisecond)
		r.receive(r.b, k)
		j := r.fill(r.b)
		r.now = r.now.Add(10 * time.Millisecond)
		r.receive(r.a, j)
		if k == 0 && r.a.Idle() {
			return
		}
	}
}

func TestNoAllocationPerPacket(t *testing.T) {
	if race {
		t.Skip("the race detector drops pooled buffers")
	}
	for _, size := range []int{24, 1037, 2800, 20000} {
		r := newRig(t, size)
		for range 200 {
			r.round(16)
		}
		debug.SetGCPercent(-1) // a collection empties the pools
		n := testing.AllocsPerRun(200, func() { r.round(16) })
		debug.SetGCPercent(100)
		if n >= 1 {
			t.Errorf("%d bytes: %v allocations per 16 messages", size, n)
		}
	}
}

// BenchmarkBoth is Queue, Fill, Receive and the ack of one message.
func BenchmarkBoth(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"small", 24}, {"tunnel", 1037}, {"16KiB", 16 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, c.size)
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n%16 == 0 {
					r.round(16)
				}
			}
		})
	}
}

// BenchmarkReceive is Receive of a packet with one tunnel message: 64 packets are made and thrown at a flow again and again under new numbers.
func BenchmarkReceive(b *testing.B) {
	r := newRig(b, 1037)
	payload := make([]byte, 0, 1440)
	m := make([]byte, 1037)
	payload = wire.AppendI2NP(payload, m)
	b.SetBytes(1037)
	b.ReportAllocs()
	number := uint32(0)
	for b.Loop() {
		number++
		binary.BigEndian.PutUint32(payload[4:], number)
		if err := r.b.Receive(r.now, number, false, payload, r); err != nil {
			b.Fatal(err)
		}
		if number%16 == 0 { // acks, as after a batch
			r.now = r.now.Add(time.Millisecond)
			for {
				if _, _, _, ok := r.b.Fill(r.now, r.p[:1440]); !ok {
					break
				}
			}
		}
	}
}

// BenchmarkSend is Queue and Fill of a tunnel message, with its part of the acks that come back for 32 packets at a time.
func BenchmarkSend(b *testing.B) {
	r := newRig(b, 1037)
	b.SetBytes(1037)
	b.ReportAllocs()
	ack := make([]byte, 0, 64)
	number := uint32(0)
	n := 0
	for b.Loop() {
		if n++; n%16 != 0 {
			continue
		}
		r.queue(16)
		k := r.fill(r.a)
		r.now = r.now.Add(20 * time.Millisecond)
		number++
		ack = wire.AppendAck(ack[:0], r.numbers[k-1], 255, nil)
		if err := r.a.Receive(r.now, number, false, ack, r); err != nil {
			b.Fatal(err)
		}
		for i := range r.batch {
			r.batch[i] = r.batch[i][:1500]
		}
	}
	if s := r.a.Stats(); s.Lost > 0 || s.Queued > 1000 {
		b.Fatalf("%+v", s)
	}
}
