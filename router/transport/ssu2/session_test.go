package ssu2

import (
	"bytes"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

func TestMessagesBothWaysOverLoopback(t *testing.T) {
	a, b := newRouter(t, nil).serve(), newRouter(t, nil).serve()
	ours, theirs := a.dial(b)
	if ours.Direction() != transport.Outbound || theirs.Direction() != transport.Inbound || ours.Peer() != b.hash() || theirs.Peer() != a.hash() {
		t.Fatalf("sessions %+v and %+v", ours.Status(), theirs.Status())
	}
	for i, size := range []int{0, 1, 1000, 1300, 5000, 30000, 60000, maxMessage - minMessage} {
		if ours.Send([]*buf.Buf{message(uint32(i+1), size, byte(i))}) != 1 {
			t.Fatal("not taken")
		}
		got := receive(t, b.messages)
		if want := bytes.Repeat([]byte{byte(i)}, size); !bytes.Equal(got[minMessage:], want) {
			t.Fatalf("%d bytes arrived of %d", len(got), size)
		}
		theirs.Send([]*buf.Buf{message(uint32(i+100), size, byte(i))})
		if got := receive(t, a.messages); len(got) != minMessage+size {
			t.Fatalf("%d bytes arrived of %d", len(got), size)
		}
	}
	if ri := receive(t, b.infos); ri.Hash() != a.hash() {
		t.Fatal("RouterInfo of the initiator is not the first")
	}
	ours.Close(transport.ReasonNormal)
	if err := receive(t, a.closed); err != nil {
		t.Fatalf("our end: %v", err)
	}
	if err, ok := receive(t, b.closed).(*transport.Terminated); !ok || err.Reason != transport.ReasonNormal {
		t.Fatalf("their end: %v", err)
	}
}

// What can be no message costs the others nothing.
func TestSendSkipsWhatIsNoMessage(t *testing.T) {
	_, _, ours, _ := pair(t)
	short := buf.From(make([]byte, minMessage-1))
	long := buf.From(make([]byte, maxMessage+1))
	if took := ours.Send([]*buf.Buf{short, message(1, 10, 1), long, message(2, 10, 1), message(3, 10, 1)}); took != 3 {
		t.Errorf("%d were taken", took)
	}
	if st := ours.Status(); st.Queued != 3 || st.Dropped != 2 || st.MessagesOut != 3 {
		t.Errorf("%+v", st)
	}
}
