package tunnel_test

import (
	mrand "math/rand/v2"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/tunnel"
)

func TestNothingIsAllocatedPerMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	rng := mrand.New(mrand.NewPCG(1, 2))
	p := inbound(2)
	msg := message(rng, 1900)
	scratch := make([]*buf.Buf, 0, 8)
	deliver := func(_ tunnel.Delivery, b *buf.Buf) { b.Release() }
	// The duplicate filters grow now and then; a run in between is free.
	got := testing.AllocsPerRun(200, func() {
		for _, b := range p.gateway.Append(scratch[:0], to, msg, now) {
			if err := p.participants[0].Process(b, now); err != nil {
				t.Error(err)
			}
			_, m, _ := tunnel.ParseID(b.Bytes())
			if err := p.endpoint.Process(m, now, deliver); err != nil {
				t.Error(err)
			}
			b.Release()
		}
	})
	if got > 0 {
		t.Fatalf("%v allocations", got)
	}
}
