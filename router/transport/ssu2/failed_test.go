package ssu2

import (
	"errors"
	"testing"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/udp"
)

// A peer that answers nothing is told nothing; one that has used up our packet numbers is told that this was the last.
func TestHowSessionsEndWhoseFlowFailed(t *testing.T) {
	_, _, ours, theirs := pair(t)
	now := time.Now()
	w := newWriter(t.Context(), ours.link)
	ours.mu.Lock()
	next := ours.failed(w, now, flow.ErrExhausted)
	ours.mu.Unlock()
	if ours.state != stateLingering || !errors.Is(ours.cause, flow.ErrExhausted) || next.IsZero() || !ours.ended {
		t.Fatalf("state %v, %v", ours.state, ours.cause)
	}
	theirs.receive(now, &udp.Packet{Data: ours.answer, From: theirs.remote})
	if !terminatedBy(theirs.cause, transport.ReasonNormal) {
		t.Errorf("the peer knows of %v", theirs.cause)
	}

	_, _, ours, _ = pair(t)
	w = newWriter(t.Context(), ours.link)
	ours.mu.Lock()
	next = ours.failed(w, now, flow.ErrDead)
	ours.mu.Unlock()
	if ours.state != stateGone || !errors.Is(ours.cause, flow.ErrDead) || !next.IsZero() || ours.answer != nil {
		t.Errorf("state %v, %v", ours.state, ours.cause)
	}
}
