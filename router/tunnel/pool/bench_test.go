package pool

import (
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// sealedLen is a full streaming packet, sealed: two tunnel messages.
const sealedLen = 1936

// null is a Sender that releases.
type null struct{}

func (null) Send(_ i2p.Hash, msgs ...*buf.Buf) { release(msgs) }

func layers(n int) (out []*layer.Cipher) {
	for i := range n {
		out = append(out, layer.New([32]byte{byte(i)}, [32]byte{1, byte(i)}))
	}
	return out
}

func outboundTunnel(hops int) *Tunnel {
	return &Tunnel{
		direction: Outbound, id: 7, hops: make([]i2p.Hash, hops), sender: null{},
		gateway: tunnel.NewGateway(i2p.Hash{8}, 7, layers(hops), tunnel.Creator),
	}
}

func TestSendDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	out := outboundTunnel(3)
	msg := message(string(make([]byte, sealedLen)), time.Now())
	batch := make([][]byte, 16)
	for i := range batch {
		batch[i] = msg
	}
	d := tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: i2p.Hash{3}, Tunnel: 4}
	send := func() { out.Send(d, time.Now(), batch...) }
	for range 10 {
		send()
	}
	if n := testing.AllocsPerRun(200, send); n > 0 {
		t.Errorf("%v allocations for %d messages", n, len(batch))
	}
}

// discard is an Owner that releases.
type discard struct{ listener }

func (*discard) Received(_ *Tunnel, msgs []Delivered) {
	for _, m := range msgs {
		m.Message.Release()
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	in, gateway := inboundTunnel(new(discard))
	now := time.Now()
	msg := message(string(make([]byte, sealedLen)), now)
	flight := make([]*buf.Buf, 0, 16)
	receive := func() {
		flight = flight[:0]
		for range 8 {
			flight = gateway.Append(flight, tunnel.Delivery{}, msg, now)
		}
		if refused := in.Receive(flight, now); refused > 0 {
			t.Fatalf("%d refused", refused)
		}
		release(flight)
	}
	for range 100 {
		receive()
	}
	if n := testing.AllocsPerRun(200, receive); n > 0 {
		t.Errorf("%v allocations for 8 messages", n)
	}
}

func BenchmarkSend(b *testing.B) {
	for hops := range 4 {
		b.Run(string(rune('0'+hops))+"hops", func(b *testing.B) {
			out := outboundTunnel(hops)
			msg := message(string(make([]byte, sealedLen)), time.Now())
			batch := make([][]byte, 16)
			for i := range batch {
				batch[i] = msg
			}
			d := tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: i2p.Hash{3}, Tunnel: 4}
			b.SetBytes(int64(len(batch)) * sealedLen)
			b.ReportAllocs()
			for b.Loop() {
				out.Send(d, time.Now(), batch...)
			}
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for hops := 1; hops < 4; hops++ {
		b.Run(string(rune('0'+hops))+"hops", func(b *testing.B) {
			in, _ := inboundTunnel(new(discard))
			in.endpoint = tunnel.NewEndpoint(layers(hops), tunnel.Creator)
			// The hops' part is done by as many gateways and participants; here one gateway undoes all layers beforehand.
			now := time.Now()
			msg := message(string(make([]byte, sealedLen)), now)
			ciphers := layers(hops)
			plain := tunnel.NewGateway(i2p.Hash{8}, 7, nil, tunnel.Creator)
			b.SetBytes(8 * sealedLen)
			b.ReportAllocs()
			flight := make([]*buf.Buf, 0, 16)
			for b.Loop() {
				b.StopTimer()
				flight = flight[:0]
				for range 8 {
					flight = plain.Append(flight, tunnel.Delivery{}, msg, now)
				}
				for _, m := range flight {
					_, data, err := tunnel.ParseID(m.Bytes())
					if err != nil {
						b.Fatal(err)
					}
					for _, c := range ciphers {
						c.Encrypt(data)
					}
				}
				b.StartTimer()
				if refused := in.Receive(flight, now); refused > 0 {
					b.Fatalf("%d refused", refused)
				}
				release(flight)
			}
		})
	}
}
