package flow_test

import (
	"encoding/binary"
	"hash/crc64"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// sink takes everything.
type sink struct{ messages int }

func (s *sink) Message(m *buf.Buf) { s.messages++; m.Release() }

func (s *sink) Block(wire.BlockType, []byte) error { return nil }

// FuzzReceive gives random payloads to a flow that has messages in flight. Whatever comes, the flow goes on, and its memory is bounded.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{}, uint32(1))
	f.Add(i2npBlock(1, 40), uint32(2))
	f.Add(wire.AppendAck(nil, 10, 2, []wire.AckRange{{Nacks: 1, Acks: 2}, {Nacks: 2, Acks: 3}}), uint32(3))
	f.Add(wire.AppendAck(nil, 1<<32-1, 255, []wire.AckRange{{Nacks: 255}, {Nacks: 255}, {Acks: 255}, {}}), uint32(1<<32-1))
	f.Add(wire.FollowOnFragment{Number: 127, Last: true, MessageID: 9, Data: []byte{1}}.Append(nil), uint32(4))
	f.Add(append(wire.FollowOnFragment{Number: 1, Last: true, MessageID: 9, Data: []byte{1}}.Append(nil), wire.AppendFirstFragment(nil, make([]byte, 20))...), uint32(5))
	f.Add(wire.AppendCongestion(nil, 3), uint32(6))
	f.Fuzz(func(t *testing.T, payload []byte, number uint32) {
		send, parts := flow.NewSendBudget(0), flow.NewAssemblyBudget(0)
		now := simStart
		fl := flow.New(flow.Config{Now: now, Initiator: true, Discover: true, Send: send, Assembly: parts})
		var to sink
		b := make([]byte, fl.MaxPayloadSize())
		for id := range uint32(20) {
			fl.Queue(now, []*buf.Buf{testMessage(id, 30+int(id)*200, now.Add(time.Minute))})
		}
		for i := range uint32(4) {
			for {
				if _, _, _, ok := fl.Fill(now, b); !ok {
					break
				}
			}
			_ = fl.Receive(now, number+i, number%2 == 0, payload, &to)
			_ = fl.Receive(now, number+i, number%2 == 0, payload, &to)
			now = now.Add(30 * time.Millisecond)
		}
		if st := fl.Stats(); st.InFlight < 0 || st.Queued < 0 || st.Window <= 0 {
			t.Fatalf("%+v", st)
		}
		fl.Close()
		if send.Used() != 0 || parts.Used() != 0 {
			t.Fatalf("%d and %d bytes lost", send.Used(), parts.Used())
		}
	})
}

// FuzzSequence plays a random sequence of events on two flows and a wire that loses, delays, repeats and reorders, against a model that knows which
// messages were queued. Afterwards the wire is good, and all messages that were taken must arrive, once, and equal.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 10, 1, 0, 2, 0, 3, 0, 4, 200})
	f.Add([]byte{0, 255, 1, 0, 3, 1, 1, 0, 2, 0, 5, 0, 6, 0, 7, 0, 8, 0, 0, 9, 9, 0})
	f.Add([]byte{0, 200, 0, 200, 0, 200, 1, 0, 1, 0, 3, 0, 2, 0, 4, 9, 1, 0, 2, 0, 10, 0, 1, 0, 11, 0})
	f.Fuzz(sequence)
}

// TestRandomSequences is the same without a fuzzer.
func TestRandomSequences(t *testing.T) {
	random := rand.NewChaCha8([32]byte{7})
	rounds := 300
	if race {
		rounds = 20
	}
	for range rounds {
		events := make([]byte, 400)
		random.Read(events)
		sequence(t, events)
	}
}

// sequence plays events of two bytes each.
func sequence(t *testing.T, events []byte) {
	if len(events) > 400 {
		return
	}
	type packet struct {
		number    uint32
		immediate bool
		payload   []byte
	}
	var (
		now    = simStart
		flows  [2]*flow.Flow
		ends   [2]modelEnd
		wires  [2][]packet
		budget = flow.NewSendBudget(0)
		b      = make([]byte, 1440)
		nextID uint32
	)
	for i := range flows {
		flows[i] = flow.New(flow.Config{Now: now, Initiator: i == 0, Send: budget, Discover: true, MTU: 1280 + 100*i})
		ends[i].got, ends[i].sent = map[uint32]uint64{}, map[uint32]uint64{}
	}
	fill := func(i int) {
		for n := 0; ; n++ {
			number, k, immediate, ok := flows[i].Fill(now, b)
			if !ok {
				if d := flows[i].Deadline(); !d.IsZero() && !d.After(now) {
					t.Fatalf("flow %d: nothing to send, but its deadline is %v ago", i, now.Sub(d))
				}
				return
			}
			if n > 3000 {
				t.Fatal("Fill does not end")
			}
			wires[i] = append(wires[i], packet{number, immediate, append([]byte(nil), b[:k]...)})
		}
	}
	deliver := func(i, at int) {
		p := wires[i][at]
		wires[i] = append(wires[i][:at], wires[i][at+1:]...)
		if err := flows[1-i].Receive(now, p.number, p.immediate, p.payload, &ends[1-i]); err != nil {
			t.Fatal(err)
		}
	}
	queue := func(i, size int) {
		nextID++
		m := testMessage(nextID, size, now.Add(time.Minute))
		sum := crc64.Checksum(m.Bytes(), table)
		if flows[i].Queue(now, []*buf.Buf{m}) == 1 {
			ends[i].sent[nextID] = sum
		}
	}
	for len(events) >= 2 {
		what, arg := events[0], int(events[1])
		events = events[2:]
		i := int(what>>4) & 1
		switch what % 12 {
		case 0:
			queue(i, 9+arg*arg)
		case 1:
			fill(i)
		case 2: // deliver in order
			for len(wires[i]) > 0 {
				deliver(i, 0)
			}
		case 3: // lose
			if n := len(wires[i]); n > 0 {
				wires[i] = append(wires[i][:arg%n], wires[i][arg%n+1:]...)
			}
		case 4:
			now = now.Add(time.Duration(arg) * time.Millisecond)
		case 5: // deliver one out of order
			if n := len(wires[i]); n > 0 {
				deliver(i, arg%n)
			}
		case 6: // repeat
			if n := len(wires[i]); n > 0 {
				wires[i] = append(wires[i], wires[i][arg%n])
			}
		case 7:
			flows[i].Control(now, wire.AppendRelayTag(nil, uint32(arg)), arg%2 == 0)
		case 8:
			flows[i].Rebase(now, arg%2 == 0)
		case 9:
			flows[i].Constrain(now, arg%2 == 0)
		case 10:
			if n := len(wires[i]); n > 0 {
				p := wires[i][arg%n]
				wires[i] = append(wires[i][:arg%n], wires[i][arg%n+1:]...)
				flows[i].Unsent(now, p.number, p.number)
			}
		case 11:
			flows[i].AckNow(now)
		}
	}
	flows[0].Constrain(now, false)
	flows[1].Constrain(now, false)
	for range 2000 { // a good wire
		fill(0)
		fill(1)
		if len(wires[0])+len(wires[1]) == 0 {
			next := flows[0].Deadline()
			if d := flows[1].Deadline(); next.IsZero() || !d.IsZero() && d.Before(next) {
				next = d
			}
			if flows[0].Idle() && flows[1].Idle() || next.IsZero() {
				break
			}
			now = next
			continue
		}
		now = now.Add(5 * time.Millisecond)
		for i := range wires {
			for len(wires[i]) > 0 {
				deliver(i, 0)
			}
		}
	}
	for i := range ends {
		st := flows[i].Stats()
		if !flows[i].Idle() {
			t.Fatalf("flow %d is not done: %+v", i, st)
		}
		missing := 0
		for id, sum := range ends[i].sent {
			if got, ok := ends[1-i].got[id]; !ok {
				missing++
			} else if got != sum {
				t.Fatalf("message %d changed", id)
			}
		}
		if dropped := int(st.DroppedDivided+st.DroppedExpired) + int(flows[1-i].Stats().DroppedPartial); missing > dropped {
			t.Fatalf("%d messages missing, %d dropped", missing, dropped)
		}
		if ends[i].twice > 0 || len(ends[i].got) > len(ends[1-i].sent) {
			t.Fatalf("%d twice", ends[i].twice)
		}
		flows[i].Close()
	}
	if budget.Used() != 0 {
		t.Fatalf("%d bytes lost", budget.Used())
	}
}

type modelEnd struct {
	got, sent map[uint32]uint64
	twice     int
}

func (e *modelEnd) Message(m *buf.Buf) {
	id := binary.BigEndian.Uint32(m.Bytes()[1:])
	if _, ok := e.got[id]; ok {
		e.twice++
	}
	e.got[id] = crc64.Checksum(m.Bytes(), table)
	m.Release()
}

func (e *modelEnd) Block(wire.BlockType, []byte) error { return nil }
