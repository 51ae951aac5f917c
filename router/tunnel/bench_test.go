package tunnel_test

import (
	"crypto/rand"
	mrand "math/rand/v2"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// Streaming packets of full size, which take two tunnel messages.
const packet = 1892

func benchGateway(b *testing.B, p path) {
	msg := message(mrand.New(mrand.NewPCG(1, 2)), packet)
	scratch := make([]*buf.Buf, 0, 8)
	b.SetBytes(packet)
	b.ReportAllocs()
	for b.Loop() {
		releaseAll(p.gateway.Append(scratch[:0], to, msg, now))
	}
}

func BenchmarkGatewayCreator3(b *testing.B) { benchGateway(b, outbound(3)) }
func BenchmarkGatewayTransit(b *testing.B)  { benchGateway(b, inbound(3)) }

func BenchmarkParticipant(b *testing.B) {
	_, layers := hops(1)
	p := tunnel.NewParticipant(i2p.Hash{9}, 7, layers[0])
	m := buf.Get()
	m.Extend(tunnel.FlightSize)
	rand.Read(m.Bytes())
	m.Bytes()[0] = 18
	b.SetBytes(tunnel.LayeredSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Process(m, now); err != nil {
			b.Fatal(err)
		}
	}
}

// benchEndpoint measures with the gateway out of the clock: tunnel messages are made a thousand at a time.
func benchEndpoint(b *testing.B, p path) {
	msg := message(mrand.New(mrand.NewPCG(1, 2)), packet)
	var out []*buf.Buf
	deliver := func(_ tunnel.Delivery, m *buf.Buf) { m.Release() }
	b.SetBytes(packet / 2)
	b.ReportAllocs()
	for b.Loop() {
		if len(out) == 0 {
			b.StopTimer()
			for range 1000 {
				out = p.gateway.Append(out, to, msg, now)
			}
			for _, m := range out {
				for _, hop := range p.participants {
					if err := hop.Process(m, now); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StartTimer()
		}
		m := out[0]
		out = out[1:]
		_, l, _ := tunnel.ParseID(m.Bytes())
		if err := p.endpoint.Process(l, now, deliver); err != nil {
			b.Fatal(err)
		}
		m.Release()
	}
	releaseAll(out)
}

func BenchmarkEndpointCreator3(b *testing.B) { benchEndpoint(b, inbound(3)) }
func BenchmarkEndpointTransit(b *testing.B)  { benchEndpoint(b, outbound(3)) }

// BenchmarkForward is what an inbound gateway does with a message that an outbound endpoint wrapped for it.
func BenchmarkForward(b *testing.B) {
	m := buf.From(standard(make([]byte, packet)))
	defer m.Release()
	p := inbound(1)
	scratch := make([]*buf.Buf, 0, 8)
	one := make([]tunnel.Outgoing, 1)
	b.SetBytes(packet)
	b.ReportAllocs()
	for b.Loop() {
		if err := tunnel.WrapStandard(m, 7, now); err != nil {
			b.Fatal(err)
		}
		_, inner, err := tunnel.ParseGateway(m.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		one[0] = tunnel.Outgoing{Message: inner, Standard: true}
		releaseAll(p.gateway.AppendBatch(scratch[:0], one, now))
		m.TrimFront(m.Len() - len(inner))
	}
}
