package flow_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// TestUnfinishedMessagesMoveWhole: acked, sent, sent in part, lost, expired and waiting messages of a session that is replaced.
func TestUnfinishedMessagesMoveWhole(t *testing.T) {
	budget := flow.NewSendBudget(0)
	p := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms, Send: budget})
	p.queue(1, 1100, time.Minute)
	acked := p.out()
	p.queue(2, 20000, time.Minute)
	p.queue(3, 100, time.Second)
	for p.out() != nil {
	}
	p.queue(4, 200, time.Minute)
	p.mustIn(1, wire.AppendAck(nil, acked.number, 0, nil))
	p.queue(5, 60000, time.Minute) // in the slot of 1
	p.f.Control(p.now, wire.AppendNewToken(nil, 5, simStart), true)
	p.now = p.now.Add(1500 * ms)
	for p.out() != nil { // resent in part
	}

	msgs := p.f.Unfinished(p.now)
	var ids []uint32
	for _, m := range msgs {
		id := binary.BigEndian.Uint32(m.Bytes()[1:])
		want := testMessage(id, m.Len(), simStart)
		if !bytes.Equal(m.Bytes()[9:], want.Bytes()[9:]) {
			t.Errorf("message %d changed", id)
		}
		want.Release()
		ids = append(ids, id)
	}
	if want := []uint32{2, 4, 5}; !reflect.DeepEqual(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
	if p.f.Queued() != 0 || p.f.Stats().DroppedExpired != 1 {
		t.Errorf("left behind: %+v", p.f.Stats())
	}
	if again := p.f.Unfinished(p.now); len(again) != 0 {
		t.Errorf("%d messages twice", len(again))
	}

	// The old flow goes on with what is in flight: acks and losses find no message.
	p.mustIn(2, wire.AppendAck(nil, acked.number+8, 2, nil))
	for range 500 {
		p.now = p.now.Add(10 * ms)
		if s := p.out(); s != nil && len(s.ids) != 0 {
			t.Fatalf("sends %+v of messages that moved", s)
		}
	}
	p.f.Close()
	if budget.Used() != 0 {
		t.Errorf("%d bytes charged to nobody", budget.Used())
	}

	to := newPeer(t, flow.Config{Initiator: true, RTT: 50 * ms, Send: budget})
	if took := to.f.Queue(p.now, msgs); took != len(msgs) {
		t.Errorf("the new flow took %d", took)
	}
}
