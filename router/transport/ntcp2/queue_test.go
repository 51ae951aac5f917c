package ntcp2

import (
	"sync/atomic"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

func TestQueueDropsTheNewest(t *testing.T) {
	q := newSendQueue(4, new(atomic.Int64))
	var msgs []*buf.Buf
	for i := range 6 {
		msgs = append(msgs, message(10, byte(i)))
	}
	if n := q.put(msgs); n != 4 {
		t.Fatalf("took %d", n)
	}
	var w work
	q.take(&w, 2*(blockHeaderLen+shortHeaderLen+10))
	if len(w.msgs) != 2 || w.msgs[0].Bytes()[0] != 0 || w.msgs[1].Bytes()[0] != 1 {
		t.Fatalf("took %d", len(w.msgs))
	}
	if n := q.put([]*buf.Buf{message(0, 9), message(0, 9), message(0, 9)}); n != 2 {
		t.Fatalf("took %d", n)
	}
	if n := q.put([]*buf.Buf{message(0, 9)}); n != 0 {
		t.Fatal("took beyond the limit")
	}
	if queued, dropped := q.status(); queued != 4 || dropped != 4 {
		t.Fatalf("%d queued, %d dropped", queued, dropped)
	}
	big := newSendQueue(1000, new(atomic.Int64))
	n := 0
	for range 100 {
		n += big.put([]*buf.Buf{message(60000, 0)})
	}
	if n > maxQueueBytes/60000 {
		t.Fatalf("took %d large messages", n)
	}
	if !big.close(transport.ReasonIdle) || big.close(transport.ReasonNormal) {
		t.Fatal("close is not once")
	}
	if big.put([]*buf.Buf{message(1, 0)}) != 0 {
		t.Fatal("took after close")
	}
	if !big.kill() || big.take(&w, 1000) {
		t.Fatal("alive after kill")
	}
}

// Peers that do not read, and are sent much, may not take all memory; who has little waiting is not refused for them.
func TestAllQueuesTogetherAreBounded(t *testing.T) {
	var all atomic.Int64
	var queues []*sendQueue
	for range 100 {
		q := newSendQueue(DefaultSendQueue, &all)
		queues = append(queues, q)
		for range 100 {
			q.put([]*buf.Buf{message(buf.Small, 0)}) // takes a large buffer
		}
	}
	if n := all.Load(); n > maxAllQueues+100*leastQueueBytes || n < maxAllQueues {
		t.Errorf("%d bytes are queued", n)
	}
	honest := newSendQueue(DefaultSendQueue, &all)
	for range 50 {
		if honest.put([]*buf.Buf{message(1028, 0)}) != 1 {
			t.Fatal("refused for the queues of others")
		}
	}
	var w work
	honest.take(&w, writeBatch)
	for _, b := range w.msgs {
		b.Release()
	}
	for _, q := range append(queues, honest) {
		q.kill()
	}
	if n := all.Load(); n != 0 {
		t.Errorf("%d bytes left", n)
	}
}
