package ssu2

import (
	"bytes"
	"testing"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// When both sides close at once, each confirms the other's end, as it may wait for that.
func TestBothSidesConfirmASimultaneousEnd(t *testing.T) {
	a, b, ours, theirs := pair(t)
	a.closed, b.closed = make(chan error, 1), make(chan error, 1)
	now := time.Now().Add(time.Minute)
	var said [2][]byte
	for i, s := range []*session{ours, theirs} {
		s.closeBy(transport.Reason(2+i), now)
		w := newWriter(t.Context(), s.link)
		w.round(now)
		if s.state != stateLingering {
			t.Fatalf("state %v", s.state)
		}
		said[i] = bytes.Clone(s.answer)
	}
	take := func(s *session, packet []byte) {
		s.receive(now, &udp.Packet{Data: bytes.Clone(packet), From: s.remote})
	}
	take(ours, said[1])
	take(theirs, said[0])
	for i, s := range []*session{ours, theirs} {
		if s.state != stateLingering || s.repeat != now {
			t.Fatalf("state %v, says something at %v", s.state, s.repeat)
		}
		_, _, payload, err := []*session{theirs, ours}[i].opener.Open(bytes.Clone(s.answer), []*session{theirs, ours}[i].id)
		if reason, ok := terminationOf(payload); err != nil || !ok || reason != wire.ReasonTerminationReceived {
			t.Errorf("answered with %v, %v", reason, err)
		}
	}
	confirmed := [2][]byte{bytes.Clone(ours.answer), bytes.Clone(theirs.answer)}
	take(ours, confirmed[1])
	take(theirs, confirmed[0])
	if ours.state != stateGone || theirs.state != stateGone {
		t.Errorf("states %v and %v", ours.state, theirs.state)
	}
}
