package flow_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// likeI2pd acks as i2pd 2.58 does: one ack for what arrived at a time; the gaps of lost packets are kept, since the numbers never come; 32 ranges and 511
// numbers back at most; and every 10 s, if there are more than 64 packets beyond a gap, gaps are declared received that were not.
type likeI2pd struct {
	s        *sim
	to       *end
	out      *link
	number   uint32
	received uint32
	beyond   []uint32 // ascending
	pending  bool
	got      map[uint32]bool
	last     time.Time
	bytes    int
}

func (p *likeI2pd) packet(number uint32, immediate bool, payload []byte) {
	if number != 0 && number <= p.received {
		return
	}
	switch {
	case number == 0:
	case number == p.received+1:
		p.received = number
		for len(p.beyond) > 0 && p.beyond[0] == p.received+1 {
			p.received, p.beyond = p.beyond[0], p.beyond[1:]
		}
	default:
		if i, ok := slices.BinarySearch(p.beyond, number); !ok {
			p.beyond = slices.Insert(p.beyond, i, number)
		}
	}
	asks := immediate
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		p.s.t.Fatal(err)
	}
	for blocks.Next() {
		switch blocks.Type {
		case wire.BlockI2NP:
			asks = true
			if id := binary.BigEndian.Uint32(blocks.Body[1:]); !p.got[id] {
				p.got[id] = true
				p.bytes += len(blocks.Body)
				p.last = p.s.now
			}
		case wire.BlockPathChallenge:
			p.send(wire.AppendPathResponse(p.ack(), blocks.Body))
		}
	}
	if asks && !p.pending {
		p.pending = true
		p.s.at(p.s.now.Add(200*time.Microsecond), func() {
			p.pending = false
			p.send(p.ack())
		})
	}
}

func (p *likeI2pd) ack() []byte {
	if len(p.beyond) == 0 {
		return wire.AppendAck(nil, p.received, byte(min(p.received, 255)), nil)
	}
	has := func(n uint32) bool {
		_, ok := slices.BinarySearch(p.beyond, n)
		return ok || n <= p.received
	}
	through := p.beyond[len(p.beyond)-1]
	n, acks := through, 0
	for acks < 255 && n > 0 && has(n-1) {
		n, acks = n-1, acks+1
	}
	var ranges []wire.AckRange
	for len(ranges) < 32 && n > 0 && through-n < 511 {
		var r wire.AckRange
		for r.Nacks < 255 && n > 0 && !has(n-1) {
			n, r.Nacks = n-1, r.Nacks+1
		}
		for r.Acks < 255 && n > 0 && has(n-1) {
			n, r.Acks = n-1, r.Acks+1
		}
		ranges = append(ranges, r)
	}
	return wire.AppendAck(nil, through, byte(acks), ranges)
}

func (p *likeI2pd) cleanUp() {
	for range 8 {
		if len(p.beyond) <= 64 && (len(p.beyond) == 0 || p.beyond[len(p.beyond)-1] <= p.received+511) {
			break
		}
		p.received, p.beyond = p.beyond[0], p.beyond[1:]
		for len(p.beyond) > 0 && p.beyond[0] == p.received+1 {
			p.received, p.beyond = p.beyond[0], p.beyond[1:]
		}
	}
	if n := len(p.beyond); n > 4*255 {
		p.received, p.beyond = p.beyond[n-1], nil
	}
	p.s.at(p.s.now.Add(10*time.Second), p.cleanUp)
}

func (p *likeI2pd) send(payload []byte) {
	number := p.number
	p.number++
	p.out.pass(p.s, wire.AppendPadding(payload, 8), func(b []byte) {
		if err := p.to.f.Receive(p.s.now, number, false, b, p.to); err != nil {
			p.s.t.Fatal(err)
		}
		p.to.pump()
	})
}

// TestGoodputToI2pd: at 100 ms i2pd's own window of 16 to 256 packets, halved with every resend, is the measure: 16 packets per round trip are 165 KB/s, 256
// are 2.7 MB/s. A few messages are lost, as i2pd acks packets that it did not get.
func TestGoodputToI2pd(t *testing.T) {
	long(t)
	for _, c := range []struct {
		loss, least float64
	}{{0, 2.7e6}, {.01, 2.5e6}, {.05, 2e6}, {.10, 1e6}} {
		t.Run(fmt.Sprint(c.loss), func(t *testing.T) {
			s := newSim(t, 21)
			ab, ba := &link{delay: 50 * ms, loss: c.loss}, &link{delay: 50 * ms, loss: c.loss}
			a, b := s.pair(ab, ba, nil)
			b.f.Close()
			p := &likeI2pd{s: s, to: a, out: ba, got: map[uint32]bool{}}
			a.emitTo = p.packet
			s.at(s.now.Add(10*time.Second), p.cleanUp)
			const total = 60 << 20
			a.feed(total, 900, tunnelData)
			s.run(120*time.Second, func() bool { return a.sentBytes >= total && a.f.Idle() })
			goodput := float64(p.bytes) / p.last.Sub(simStart).Seconds()
			missing := len(a.sentSum) - len(p.got)
			st := a.f.Stats()
			t.Logf("%.0f KB/s, %d of %d missing; lost %d, spurious %d, resent %d", goodput/1e3, missing, len(a.sentSum), st.Lost, st.Spurious, st.Resent)
			if goodput < c.least {
				t.Errorf("%.0f bytes/s", goodput)
			}
			if missing > len(a.sentSum)/500 {
				t.Errorf("%d of %d messages missing", missing, len(a.sentSum))
			}
		})
	}
}

// TestI2pdAcksNumberZeroUnseen: its first packets carry an Ack block whether it got anything or not.
func TestI2pdAcksNumberZeroUnseen(t *testing.T) {
	p := newPeer(t, flow.Config{})
	if err := p.in(1, false, wire.AppendAck(nil, 0, 0, nil), i2npBlock(1, 30)); err != nil {
		t.Fatal(err)
	}
	p.f.Queue(p.now, []*buf.Buf{testMessage(1, 30, p.now.Add(time.Minute))})
	if s := p.out(); s.number != 0 || len(s.ids) != 0 {
		t.Fatalf("%+v", s)
	}
	if s := p.out(); s.number != 1 || len(s.ids) != 1 {
		t.Fatalf("%+v", s)
	}
}
