package flow_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// pieces divides a message into blocks of the given sizes of data; the first has the header.
func pieces(id uint32, sizes ...int) (blocks [][]byte, whole []byte) {
	total := 0
	for _, n := range sizes {
		total += n
	}
	m := testMessage(id, total, simStart.Add(time.Minute))
	defer m.Release()
	whole = append(whole, m.Bytes()...)
	rest := whole
	for i, n := range sizes {
		if i == 0 {
			blocks = append(blocks, wire.AppendFirstFragment(nil, rest[:n]))
		} else {
			blocks = append(blocks, wire.FollowOnFragment{Number: i, Last: i == len(sizes)-1, MessageID: id, Data: rest[:n]}.Append(nil))
		}
		rest = rest[n:]
	}
	return blocks, whole
}

// TestFragmentsInAnyOrder with uneven lengths, as i2pd makes them, and duplicates.
func TestFragmentsInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := newPeer(t, flow.Config{Initiator: true})
	number := uint32(0)
	for id := range uint32(300) {
		sizes := []int{10 + random.IntN(1100)}
		for range 1 + random.IntN(40) {
			sizes = append(sizes, 1+random.IntN(1200))
		}
		blocks, whole := pieces(id, sizes...)
		for range random.IntN(4) {
			blocks = append(blocks, blocks[random.IntN(len(blocks))])
		}
		random.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		for _, b := range blocks {
			number++
			p.mustIn(number, b)
		}
		if len(p.bodies) != 1 || !bytes.Equal(p.bodies[0], whole) {
			t.Fatalf("message %d of %v: %d messages", id, sizes, len(p.bodies))
		}
		p.bodies = nil
	}
}

func TestDuplicateMessagesAreDropped(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	blocks, _ := pieces(0, 500, 500, 500)
	again, _ := pieces(0, 750, 750)
	p.mustIn(1, blocks...)
	p.mustIn(2, again...)
	p.mustIn(3, i2npBlock(0, 100))
	p.mustIn(4, i2npBlock(5, 100), i2npBlock(5, 100))
	if len(p.got) != 2 {
		t.Errorf("%v", p.got)
	}
	for id := range uint32(5000) { // more than are remembered
		p.mustIn(10+id, i2npBlock(1000+id, 12))
	}
	p.mustIn(6000, i2npBlock(3000, 12)) // a recent one
	if len(p.got) != 5002 {
		t.Errorf("%d messages", len(p.got))
	}
	p.now = p.now.Add(30 * time.Second)
	p.out()
	p.mustIn(6001, i2npBlock(3000, 12)) // forgotten
	if len(p.got) != 5003 {
		t.Errorf("%d messages", len(p.got))
	}
}

// TestMessageDividedAgain: after its path's MTU fell a sender like ours begins again with other fragments.
func TestMessageDividedAgain(t *testing.T) {
	p := newPeer(t, flow.Config{Initiator: true})
	old, whole := pieces(7, 1400, 1400, 1300)
	fresh, _ := pieces(7, 1025, 1025, 1025, 1025)
	p.mustIn(1, old[0])
	for i, b := range fresh {
		p.mustIn(2+uint32(i), b)
	}
	if len(p.bodies) != 1 || !bytes.Equal(p.bodies[0], whole) {
		t.Errorf("%d messages", len(p.bodies))
	}
}

// TestIncompleteMessagesAreBounded in number, memory, time, length, and by the budget of all sessions.
func TestIncompleteMessagesAreBounded(t *testing.T) {
	budget := flow.NewAssemblyBudget(1 << 20)
	p := newPeer(t, flow.Config{Initiator: true, Assembly: budget})
	for id := range uint32(1000) {
		blocks, _ := pieces(id, 1000, 1000)
		p.mustIn(1+id, blocks[1])
	}
	if n := p.f.Stats().DroppedPartial; n != 1000-256 {
		t.Errorf("%d dropped", n)
	}
	last, _ := pieces(999, 1000, 1000)
	first, _ := pieces(1, 1000, 1000)
	p.mustIn(2000, last[0], first[0])
	if len(p.got) != 1 || p.got[0] != 999 {
		t.Errorf("the oldest were to be dropped: %v", p.got)
	}
	if d := p.f.Deadline(); d.After(p.now.Add(15 * time.Second)) {
		t.Errorf("deadline in %v", d.Sub(p.now))
	}
	p.now = p.now.Add(16 * time.Second)
	p.out()
	if budget.Used() != 0 {
		t.Errorf("%d bytes held after their time", budget.Used())
	}
	for id := range uint32(100) { // messages without an end
		for number := 1; number < 127; number++ {
			f := wire.FollowOnFragment{Number: number, MessageID: 5000 + id, Data: make([]byte, 1300)}
			p.mustIn(10000+id*200+uint32(number), f.Append(nil))
		}
	}
	if used := budget.Used(); used < 1<<19 || used > 1<<20+3000 {
		t.Errorf("%d bytes held", used)
	}
	p.f.Close()
	if budget.Used() != 0 {
		t.Errorf("%d bytes held after Close", budget.Used())
	}
	big := flow.NewAssemblyBudget(0)
	q := newPeer(t, flow.Config{Initiator: true, Assembly: big})
	number := uint32(0)
	for id := range uint32(40) {
		for i := 1; i < 47; i++ {
			number++
			q.mustIn(number, wire.FollowOnFragment{Number: i, MessageID: id, Data: make([]byte, 1300)}.Append(nil))
		}
	}
	if used := big.Used(); used > 3<<20 || used < 1<<20 {
		t.Errorf("%d bytes held by one session", used)
	}
}

// TestTinyFragmentsTakeLittleMemory: packets of fragments of one byte hold about what they have on the wire.
func TestTinyFragmentsTakeLittleMemory(t *testing.T) {
	budget := flow.NewAssemblyBudget(0)
	p := newPeer(t, flow.Config{Initiator: true, Assembly: budget})
	received, id := 0, uint32(0)
	for number := range uint32(6) {
		var payload []byte
		for range 160 {
			id++
			payload = wire.FollowOnFragment{Number: 1 + int(id%60), MessageID: id / 60, Data: []byte{1}}.Append(payload)
		}
		received += len(payload)
		p.mustIn(1+number, payload)
	}
	if used := budget.Used(); used > int64(2*received) {
		t.Errorf("%d bytes of packets hold %d", received, used)
	}
}

// TestAWholeMessageFitsWhateverOthersHold: sessions that use the budget of all up leave each other one room for the longest message.
func TestAWholeMessageFitsWhateverOthersHold(t *testing.T) {
	budget := flow.NewAssemblyBudget(1 << 20)
	for range 20 {
		hoarder := newPeer(t, flow.Config{Initiator: true, Assembly: budget})
		for number := uint32(1); number < 50; number++ {
			hoarder.mustIn(number, wire.FollowOnFragment{Number: 1 + int(number%40), MessageID: number / 40, Data: make([]byte, 1300)}.Append(nil))
		}
	}
	if used := budget.Used(); used < 1<<20 {
		t.Fatalf("only %d bytes are used up", used)
	}
	for _, part := range []int{1170, 1400} {
		p := newPeer(t, flow.Config{Initiator: true, Assembly: budget})
		number := uint32(0)
		for id, size := range []int{5000, 20000, 40000, 60000, 65516} {
			var sizes []int
			for rest := size; rest > 0; rest -= part {
				sizes = append(sizes, min(rest, part))
			}
			blocks, whole := pieces(uint32(id), sizes...)
			lost, _ := pieces(uint32(100+id), 400, 1000, 500) // the first of it does not come
			for i, b := range append([][]byte{lost[1]}, blocks...) {
				number++
				if p.mustIn(number, b); i == 1 {
					number++
					p.mustIn(number, lost[2])
				}
			}
			if len(p.bodies) != id+1 || !bytes.Equal(p.bodies[id], whole) {
				t.Fatalf("message of %d bytes in parts of %d: %d messages came", size, part, len(p.bodies))
			}
		}
	}
}

// TestFragmentsAreEven: all fragments of a message of ours have the same length, and none more than 64 parts.
func TestFragmentsAreEven(t *testing.T) {
	for _, size := range []int{1300, 2000, 5000, 65516} {
		p := newPeer(t, flow.Config{Initiator: true, IPv6: true})
		p.queue(1, size, time.Minute)
		b := make([]byte, p.f.MaxPayloadSize())
		var lens []int
		for {
			number, n, _, ok := p.f.Fill(p.now, b)
			if !ok {
				if p.f.Idle() {
					break
				}
				if d := p.f.Deadline(); d.After(p.now) {
					p.now = d
				}
				continue
			}
			blocks, err := wire.ParseBlocks(b[:n])
			if err != nil {
				t.Fatal(err)
			}
			for blocks.Next() {
				switch blocks.Type {
				case wire.BlockFirstFragment:
					lens = append(lens, len(blocks.Body))
				case wire.BlockFollowOnFragment:
					f, _ := wire.ParseFollowOnFragment(blocks.Body)
					if f.Number != len(lens) {
						t.Errorf("fragment %d is the %dth", f.Number, len(lens))
					}
					lens = append(lens, len(f.Data))
				}
			}
			p.mustIn(number+1000, wire.AppendAck(nil, number, 0, nil))
		}
		total := 0
		for i, n := range lens {
			total += n
			if n > lens[0] || i < len(lens)-1 && n != lens[0] || n < lens[0]-64 {
				t.Errorf("%d bytes in %v", size, lens)
			}
		}
		if total != size || len(lens) > 64 {
			t.Errorf("%d bytes in %d fragments have %d", size, len(lens), total)
		}
	}
}
