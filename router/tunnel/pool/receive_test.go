package pool

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// listener notes what an owner gets, call by call.
type listener struct{ calls [][]string }

func (l *listener) Received(_ *Tunnel, msgs []Delivered) {
	var got []string
	for _, m := range msgs {
		_, payload, err := i2np.ParseShort(m.Message.Bytes())
		if err != nil {
			panic(err)
		}
		got = append(got, string(payload))
		m.Message.Release()
	}
	l.calls = append(l.calls, got)
}

func (l *listener) AddOneTime([8]byte, [32]byte, time.Time) {}
func (l *listener) TunnelsChanged()                         {}

// inboundTunnel is a tunnel of one hop, and its gateway.
func inboundTunnel(owner Owner) (*Tunnel, *tunnel.Gateway) {
	hop := layer.New([32]byte{1}, [32]byte{2})
	t := &Tunnel{
		direction: Inbound, id: 7, hops: []i2p.Hash{{9}}, owner: owner,
		endpoint: tunnel.NewEndpoint([]*layer.Cipher{layer.New([32]byte{1}, [32]byte{2})}, tunnel.Creator),
	}
	t.collect = func(d tunnel.Delivery, msg *buf.Buf) { t.ready = append(t.ready, Delivered{d, msg}) }
	return t, tunnel.NewGateway(i2p.Hash{8}, 7, []*layer.Cipher{hop}, tunnel.Transit)
}

func message(payload string, now time.Time) []byte {
	return append(i2np.NewHeader(i2np.TypeGarlic, now).AppendShort(nil), payload...)
}

func TestOwnerGetsABatchAtOnce(t *testing.T) {
	now := time.Now()
	var l listener
	in, gateway := inboundTunnel(&l)
	long := string(bytes.Repeat([]byte{'x'}, 1900)) // two tunnel messages
	var flight []*buf.Buf
	for _, p := range []string{"first", long, "last"} {
		flight = gateway.Append(flight, tunnel.Delivery{}, message(p, now), now)
	}
	if len(flight) != 4 {
		t.Fatalf("%d tunnel messages", len(flight))
	}
	if refused := in.Receive(flight[:3], now); refused != 0 {
		t.Errorf("%d refused", refused)
	}
	binary.BigEndian.PutUint64(flight[3].Bytes()[40:], 0) // damaged
	again := gateway.Append(nil, tunnel.Delivery{}, message("again", now), now)
	if refused := in.Receive([]*buf.Buf{flight[3], again[0]}, now); refused != 1 {
		t.Errorf("%d refused, want the damaged one", refused)
	}
	want := [][]string{{"first", long}, {"again"}}
	if len(l.calls) != len(want) {
		t.Fatalf("%d calls, want %d", len(l.calls), len(want))
	}
	for i := range want {
		if len(l.calls[i]) != len(want[i]) || l.calls[i][0] != want[i][0] {
			t.Errorf("call %d: %.40q", i, l.calls[i])
		}
	}
	if s := in.Status(); s.Messages != 3 {
		t.Errorf("%d messages counted", s.Messages)
	}
}

func TestClosedTunnelRefusesAll(t *testing.T) {
	now := time.Now()
	var l listener
	in, gateway := inboundTunnel(&l)
	in.close()
	flight := gateway.Append(nil, tunnel.Delivery{}, message("late", now), now)
	if refused := in.Receive(flight, now); refused != 1 || len(l.calls) != 0 {
		t.Errorf("%d refused, %d calls", refused, len(l.calls))
	}
}
