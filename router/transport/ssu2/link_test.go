package ssu2

import (
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

// While the writer waits for bandwidth, a flood of requests must not push out the packets of our own handshakes.
func TestRetriesLeaveRoomForOurOwnPackets(t *testing.T) {
	_, _, ours, _ := pair(t)
	l, by := ours.link, routeTo(ours.remote)
	for range 2 * maxRaw {
		ours.s.retry(l, by, wire.Header{SrcID: 1, DestID: 2, Version: 2, NetworkID: testNetwork}, 7, 0)
	}
	before := len(l.raw)
	l.send(by, make([]byte, 100))
	if len(l.raw) != before+1 {
		t.Errorf("%d packets wait, and no place for another", before)
	}
	if dropped := ours.s.c.droppedRaw.Load(); dropped != uint64(2*maxRaw-before) {
		t.Errorf("%d counted as dropped", dropped)
	}
}
