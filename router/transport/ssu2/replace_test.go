package ssu2

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
	"clove.i2p/tests/simnet"
)

// What the peer did not ack comes back, whole and in order, and the peer is told why the session ends.
func TestReplacedSessionGivesItsMessagesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, ha := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		transfer(t, ours, b, 5, 2000, nil)
		time.Sleep(time.Second)
		ha.SetPath(simnet.Path{Link: simnet.Link{Loss: 1}}, simnet.Path{})
		const many = 30
		for i := range many {
			ours.Send([]*buf.Buf{message(uint32(i+1), 3000, byte(i))})
		}
		time.Sleep(300 * time.Millisecond)
		ha.SetPath(lossy(0), simnet.Path{})
		unsent := ours.(transport.Replaceable).Replace()
		if len(unsent) != many {
			t.Errorf("%d of %d messages came back", len(unsent), many)
		}
		for i, m := range unsent {
			if b := m.Bytes(); len(b) != minMessage+3000 || b[minMessage] != byte(i) {
				t.Errorf("message %d is another", i)
			}
			m.Release()
		}
		if m := message(99, 10, 1); ours.Send([]*buf.Buf{m}) != 0 {
			t.Error("a replaced session takes messages")
		}
		if err := receive(t, a.closed); err != nil {
			t.Error(err)
		}
		if err := receive(t, b.closed); !terminatedBy(err, transport.ReasonReplaced) {
			t.Error(err)
		}
	})
}
