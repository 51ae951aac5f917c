package client

import (
	"errors"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/pool"
)

// The largest packets leave no room for our LeaseSet, which then goes in front of them; whatever the size, nothing is lost
// for want of room.
func TestPacketsOfEverySizeFit(t *testing.T) {
	for _, size := range []int{0, 1, buf.Small, buf.Small + 1, bundleMost - 100, bundleMost - 72, bundleMost - 36, bundleMost - 35, bundleMost, MaxPacket - 1, MaxPacket} {
		s, h := newSession(t, pool.Shape{Length: 1, Quantity: 1})
		k := farDestination(t, s)
		h.drop(true)
		for i := range 2 { // a New Session with our LeaseSet each, as nothing is answered
			h.mu.Lock()
			before := h.sent
			h.mu.Unlock()
			if err := s.Send(k.Destination.Hash(), Datagram, Ports{}, buf.From(make([]byte, size))); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			h.mu.Lock()
			sent := h.sent - before
			h.mu.Unlock()
			if st := s.Stats(); st.Bundled != uint64(i+1) || st.Sent != uint64(i+1) || st.SealFailed != 0 {
				t.Errorf("%d bytes: %+v", size, st)
			}
			if least := size / 1003; sent < least {
				t.Errorf("%d bytes in %d tunnel messages", size, sent)
			}
		}
	}
	s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
	k := farDestination(t, s)
	if err := s.Send(k.Destination.Hash(), Datagram, Ports{}, buf.From(make([]byte, MaxPacket+1))); err == nil {
		t.Error("a packet that is too large was sent")
	}
}

func TestKnown(t *testing.T) {
	s, _ := newSession(t, pool.Shape{Length: 1, Quantity: 1})
	now := s.clock.Now()
	k := farDestination(t, s)
	if !s.Known(k.Destination.Hash()) {
		t.Error("a destination whose LeaseSet was learnt is not known")
	}
	if s.Known(i2p.Hash{1}) {
		t.Error("a stranger is known")
	}
	over := farDestination(t, s, i2p.Lease{Gateway: i2p.Hash{7}, Tunnel: 7, End: now.Add(-time.Second)})
	if s.Known(over.Destination.Hash()) {
		t.Error("a destination whose leases are over is known")
	}
	if err := s.Send(over.Destination.Hash(), Datagram, Ports{}, buf.From(nil)); !errors.Is(err, ErrNotReady) {
		t.Errorf("sent: %v", err)
	}
}
