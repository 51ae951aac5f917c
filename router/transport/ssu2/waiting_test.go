package ssu2

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// small makes a batch of packets that are full of the least messages, which take the most memory.
func small(from *session, number, id *uint32) (batch []udp.Packet) {
	for range udp.BatchSize {
		*number++
		p := make([]byte, wire.ShortHeaderLen, maxMTU)
		for len(p)+wire.BlockHeaderLen+minMessage <= 1456 {
			*id++
			m := make([]byte, minMessage)
			m[0] = 20
			binary.BigEndian.PutUint32(m[1:], *id)
			p = wire.AppendI2NP(p, m)
		}
		batch = append(batch, udp.Packet{Data: from.sealer.Seal(p, from.remoteID, *number, false), From: from.link.local})
	}
	return batch
}

// While another goroutine delivers and the handler is slow, what comes is dropped before it is acked.
func TestMessagesThatWaitForASlowHandlerAreBounded(t *testing.T) {
	_, b, ours, theirs := pair(t)
	block, entered, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	got := 0
	b.onBatch = func(msgs []*buf.Buf) {
		once.Do(func() { close(entered) })
		<-block
		for _, m := range msgs {
			m.Release()
			got++
		}
	}
	theirs.mu.Lock()
	theirs.Message(message(1<<30, 9, 1))
	theirs.mu.Unlock()
	go func() {
		defer close(ended)
		theirs.deliver()
	}()
	<-entered
	rd := &reader{l: theirs.link}
	var number, id uint32
	for range 3 {
		rd.batch(small(ours, &number, &id), time.Now())
	}
	theirs.mu.Lock()
	held, acked := 0, theirs.flow.Received()
	for _, m := range theirs.in {
		held += m.Footprint()
	}
	theirs.mu.Unlock()
	const packet = 122 * (buf.Head + buf.Small + buf.Tail)
	if held > maxWaiting+packet || acked >= uint64(number)/2 || theirs.s.c.droppedSlow.Load() == 0 {
		t.Errorf("%d bytes wait, %d of %d packets were taken", held, acked, number)
	}
	close(block)
	<-ended
	before := theirs.s.c.droppedSlow.Load()
	rd.batch(small(ours, &number, &id), time.Now())
	if theirs.s.c.droppedSlow.Load() != before || theirs.waiting != 0 {
		t.Error("the reader drops what it could deliver")
	}
	if got < 120*udp.BatchSize {
		t.Errorf("%d messages delivered", got)
	}
}
