package tunnel_test

import (
	"bytes"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// FuzzEndpoint feeds a sequence of tunnel messages: each takes a byte for its length (times 4) and that many bytes of
// fragments.
func FuzzEndpoint(f *testing.F) {
	inner := standard(bytes.Repeat([]byte("payload."), 50))
	a, b := first(1, inner[:200]), follow(1, 1, true, inner[200:])
	f.Add(append(append([]byte{byte(len(a) / 4)}, a...), append([]byte{byte(len(b) / 4)}, b...)...))
	f.Add(append([]byte{byte((len(inner) + 3) / 4), 0, 1, 0xa0}, inner...))
	f.Fuzz(func(t *testing.T, script []byte) {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		at := now
		for len(script) > 0 {
			n := min(int(script[0])*4, len(script)-1, 1003)
			room := script[1 : 1+n]
			script = script[1+n:]
			at = at.Add(time.Second)
			_ = e.Process(clearMessage(room), at, func(d tunnel.Delivery, b *buf.Buf) {
				if _, _, err := i2np.ParseShort(b.Bytes()); err != nil || d.Type > tunnel.DeliveryRouter {
					t.Errorf("%v, %v", d, err)
				}
				b.Release()
			})
		}
		e.Close()
	})
}

// FuzzGateway: what goes in comes out, whatever the sizes.
func FuzzGateway(f *testing.F) {
	f.Add([]byte("one"), uint16(1000), uint16(0), uint16(40000))
	f.Fuzz(func(t *testing.T, payload []byte, a, b, c uint16) {
		g := tunnel.NewGateway(i2p.Hash{9}, 1, nil, tunnel.Creator)
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		h := i2np.Header{Type: i2np.TypeData, ID: 1, Expiration: time.Unix(1700000000, 0)}
		var batch []tunnel.Outgoing
		for _, n := range []uint16{a, b, c} {
			m := append(h.AppendShort(nil), payload...)
			m = append(m, make([]byte, n)...)
			if len(m) <= i2np.ShortHeaderLen+i2np.MaxPayload {
				batch = append(batch, tunnel.Outgoing{Delivery: to, Message: m})
			}
		}
		var got collector
		for _, m := range g.AppendBatch(nil, batch, now) {
			if err := e.Process(layered(t, m), now, got.deliver); err != nil {
				t.Fatal(err)
			}
			m.Release()
		}
		if len(got.got) != len(batch) {
			t.Fatalf("%d messages of %d", len(got.got), len(batch))
		}
		for i := range batch {
			if !bytes.Equal(got.got[i].msg, batch[i].Message) {
				t.Fatalf("message %d differs", i)
			}
		}
	})
}

func FuzzUnwrapGateway(f *testing.F) {
	b := buf.From(i2np.Encode(i2np.NewHeader(0, now), i2np.Data{Data: []byte("data")}))
	if err := tunnel.WrapGateway(b, 7, now); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, flight []byte) {
		if len(flight) > buf.Small {
			return
		}
		b := buf.From(flight)
		defer b.Release()
		if _, err := tunnel.UnwrapGateway(b); err != nil && !bytes.Equal(b.Bytes(), flight) {
			t.Fatal("changed after an error")
		}
	})
}
