package flow

import (
	"testing"
	"time"
)

// TestLossesAmongAcksAreNoBlackHole has one ack tell of many packets: those that passed come first, and then those that are lost.
func TestLossesAmongAcksAreNoBlackHole(t *testing.T) {
	const rtt = 10 * time.Millisecond
	d := newDiscovery(true, 60, CeilingMTU, CeilingMTU)
	at := func(i int) *packet { return &packet{big: true, sent: time.Duration(i) * time.Millisecond} }
	for i := range 1000 {
		if i%20 != 7 {
			d.acked(at(1000).sent, at(i), rtt)
		}
	}
	for i := 7; i < 1000; i += 20 {
		if d.lost(at(1000).sent, at(i), rtt, 0) {
			t.Fatalf("the MTU fell with packet %d", i)
		}
	}
	for i := 1000; i < 1000+blackHoleLosses; i++ { // and now for good
		if d.lost(at(1100).sent, at(i), time.Millisecond, 0) != (i == 999+blackHoleLosses) {
			t.Fatalf("packet %d: MTU %d", i, d.mtu())
		}
	}
	if d.mtu() != FloorMTU {
		t.Errorf("MTU %d", d.mtu())
	}
}
