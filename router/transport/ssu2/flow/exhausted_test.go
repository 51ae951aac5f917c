package flow

import (
	"errors"
	"math"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
)

// At the end of the packet numbers nothing goes out but a Termination, and no number twice.
func TestLastNumbersAreForTerminations(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := New(Config{Now: now, Initiator: true})
	defer f.Close()
	f.sent.base, f.sent.next = lastNumber-2, lastNumber-2
	payload := make([]byte, f.MaxPayloadSize())
	for i := range uint32(2) {
		f.Control(now, wire.AppendRelayTag(nil, 7), false)
		if n, _, _, ok := f.Fill(now, payload); !ok || n != lastNumber-2+i {
			t.Fatalf("number %d, %v", n, ok)
		}
	}
	f.Queue(now, []*buf.Buf{buf.From(make([]byte, 100))})
	f.Control(now, wire.AppendRelayTag(nil, 7), true)
	f.Ping(now)
	if n, _, _, ok := f.Fill(now, payload); ok {
		t.Errorf("number %d went out", n)
	}
	if n, _, ok := f.FillDirect(now, payload, wire.AppendPathChallenge(nil, make([]byte, 8))); ok {
		t.Errorf("number %d went out of the path", n)
	}
	if !errors.Is(f.Failed(now), ErrExhausted) || !f.Deadline().IsZero() {
		t.Errorf("%v, due %v", f.Failed(now), f.Deadline())
	}

	end := wire.AppendTermination(nil, 1, wire.ReasonShutdown)
	terminate := func() (number uint32, ok bool) {
		f.Control(now, end, false)
		due := f.Deadline()
		number, n, _, ok := f.Fill(now, payload)
		if !ok {
			return 0, false
		}
		blocks, err := wire.ParseBlocks(payload[:n])
		if err != nil || due.IsZero() {
			t.Fatalf("%v, due %v", err, due)
		}
		if !blocks.Next() || blocks.Type != wire.BlockTermination {
			t.Fatalf("block %d", blocks.Type)
		}
		return number, true
	}
	for i := range uint32(3) {
		if n, ok := terminate(); !ok || n != lastNumber+i {
			t.Fatalf("Termination %d: number %d, %v", i, n, ok)
		}
	}
	if n, _, _, ok := f.Fill(now, payload); ok {
		t.Errorf("number %d after the Termination", n)
	}
	f.sent.base, f.sent.next = math.MaxUint32-1, math.MaxUint32-1
	if n, ok := terminate(); !ok || n != math.MaxUint32-1 {
		t.Errorf("number %d, %v", n, ok)
	}
	if n, ok := terminate(); ok {
		t.Errorf("number %d, and then?", n)
	}
}
