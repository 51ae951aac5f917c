package tunnel_test

import (
	"bytes"
	"errors"
	mrand "math/rand/v2"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// A path is a whole tunnel: gateway, participants, endpoint.
type path struct {
	gateway      *tunnel.Gateway
	participants []*tunnel.Participant
	endpoint     *tunnel.Endpoint
	standard     bool // that is the form in which the endpoint gives messages
}

// outbound is a tunnel of n hops with its creator as gateway.
func outbound(n int) path {
	ours, theirs := hops(n)
	p := path{gateway: tunnel.NewGateway(i2p.Hash{9}, 100, ours, tunnel.Creator), standard: true}
	for i, l := range theirs[:n-1] {
		p.participants = append(p.participants, tunnel.NewParticipant(i2p.Hash{9}, i2p.TunnelID(101+i), l))
	}
	p.endpoint = tunnel.NewEndpoint(theirs[n-1:], tunnel.Transit)
	return p
}

// inbound is a tunnel of n hops with its creator as endpoint.
func inbound(n int) path {
	ours, theirs := hops(n)
	p := path{gateway: tunnel.NewGateway(i2p.Hash{9}, 100, theirs[:1], tunnel.Transit)}
	for i, l := range theirs[1:] {
		p.participants = append(p.participants, tunnel.NewParticipant(i2p.Hash{9}, i2p.TunnelID(101+i), l))
	}
	p.endpoint = tunnel.NewEndpoint(ours, tunnel.Creator)
	return p
}

// carry brings tunnel messages from the gateway to the endpoint.
func (p path) carry(t testing.TB, msgs []*buf.Buf, c *collector) {
	t.Helper()
	deliver := c.deliver
	if p.standard {
		deliver = func(d tunnel.Delivery, m *buf.Buf) {
			if err := tunnel.Shorten(m); err != nil {
				t.Fatal(err)
			}
			c.deliver(d, m)
		}
	}
	for _, b := range msgs {
		want := i2p.TunnelID(100)
		for _, hop := range p.participants {
			if id, _, err := tunnel.ParseID(b.Bytes()); err != nil || id != want {
				t.Fatalf("tunnel %d, %v, want %d", id, err, want)
			}
			before := &b.Bytes()[0]
			if err := hop.Process(b, now); err != nil {
				t.Fatal(err)
			}
			if &b.Bytes()[0] != before {
				t.Fatal("the message moved")
			}
			want++
		}
		if h, _, err := i2np.ParseShort(b.Bytes()); err != nil || h.Type != i2np.TypeTunnelData || h.Expired(now) || h.ID == 0 {
			t.Fatalf("%+v, %v", h, err)
		}
		if err := p.endpoint.Process(layered(t, b), now, deliver); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
}

// A message goes from an outbound endpoint to an inbound gateway and on as it is, checksum and milliseconds included.
func TestTransitPassesTheStandardHeaderOn(t *testing.T) {
	out, in := outbound(1), inbound(2)
	for _, n := range []int{0, 100, 1900, 20000} {
		inner := standard(make([]byte, n))
		inner[i2np.StandardHeaderLen-1]++ // what no hop would compute
		var wrapped []*buf.Buf
		for _, b := range out.gateway.AppendBatch(nil, []tunnel.Outgoing{{Delivery: to, Message: inner, Standard: true}}, now) {
			err := out.endpoint.Process(layered(t, b), now, func(d tunnel.Delivery, m *buf.Buf) {
				if err := tunnel.WrapStandard(m, d.Tunnel, now); err != nil {
					t.Fatal(err)
				}
				wrapped = append(wrapped, m)
			})
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if len(wrapped) != 1 {
			t.Fatalf("%d messages", len(wrapped))
		}
		h, _, err := i2np.ParseShort(wrapped[0].Bytes())
		if err != nil || h.Type != i2np.TypeTunnelGateway || h.Expired(now) {
			t.Fatalf("%+v, %v", h, err)
		}
		id, message, err := tunnel.ParseGateway(wrapped[0].Bytes())
		if err != nil || id != to.Tunnel || !bytes.Equal(message, inner) {
			t.Fatalf("tunnel %d, %v", id, err)
		}
		var c collector
		in.carry(t, in.gateway.AppendBatch(nil, []tunnel.Outgoing{{Message: message, Standard: true}}, now), &c)
		if len(c.got) != 1 || !bytes.Equal(c.got[0].msg[i2np.ShortHeaderLen:], inner[i2np.StandardHeaderLen:]) {
			t.Fatalf("%d messages", len(c.got))
		}
		releaseAll(wrapped)
	}
	bad := []tunnel.Outgoing{{Message: append(standard([]byte("x")), 0), Standard: true}, {Message: make([]byte, 15), Standard: true}}
	if got := in.gateway.AppendBatch(nil, bad, now); len(got) > 0 || in.gateway.Stats().Refused != 2 {
		t.Fatalf("%d tunnel messages of what is no message", len(got))
	}
}

func TestMessagesComeThrough(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	for name, p := range map[string]path{
		"outbound 1": outbound(1), "outbound 3": outbound(3), "inbound 1": inbound(1), "inbound 3": inbound(3), "inbound 8": inbound(8),
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range []tunnel.Delivery{{}, to, {Type: tunnel.DeliveryRouter, Router: i2p.Hash{7}}} {
				for _, n := range []int{0, 1, 500, 900, 940, 941, 942, 943, 944, 945, 946, 947, 948, 949, 950, 960, 984, 985, 990, 1000, 1900, 1940, 1990, 2032, 2040, 2048, 2100, 20000, i2np.MaxPayload} {
					msg := message(rng, n)
					var c collector
					p.carry(t, p.gateway.Append(nil, d, msg, now), &c)
					if len(c.got) != 1 || c.got[0].to != d || !bytes.Equal(c.got[0].msg, msg) {
						t.Fatalf("%v of %d bytes: %d messages", d.Type, n, len(c.got))
					}
				}
			}
			if s := p.endpoint.Stats(); s.Messages != 87 || s.Evicted+s.Malformed+s.Repeated+s.Expired != 0 {
				t.Fatalf("%+v", s)
			}
		})
	}
}

func TestBatchIsPacked(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		sizes []int
		want  int // tunnel messages
	}{
		{"nothing", nil, 0},
		{"small ones share", []int{100, 100, 100, 100, 100}, 1},
		{"one that does not fit starts anew", []int{600, 600}, 2},
		{"it is split where that saves one", []int{200, 1500}, 2},
		{"full-size packets", []int{1812 + 80, 1812 + 80, 1812 + 80}, 6},
		{"the largest", []int{i2np.MaxPayload, 10, 10}, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := outbound(2)
			var batch []tunnel.Outgoing
			for _, n := range c.sizes {
				batch = append(batch, tunnel.Outgoing{Delivery: to, Message: message(rng, n)})
			}
			out := p.gateway.AppendBatch(nil, batch, now)
			if len(out) != c.want {
				t.Errorf("%d tunnel messages, want %d", len(out), c.want)
			}
			var got collector
			p.carry(t, out, &got)
			if len(got.got) != len(batch) {
				t.Fatalf("%d messages of %d", len(got.got), len(batch))
			}
			for i := range batch {
				if !bytes.Equal(got.got[i].msg, batch[i].Message) {
					t.Errorf("message %d differs", i)
				}
			}
		})
	}
}

func TestRandomBatchesComeThroughInAnyOrder(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(3, 4))
	p := inbound(2)
	for range 200 {
		var batch []tunnel.Outgoing
		want := map[string]bool{}
		for range rng.IntN(8) {
			m := message(rng, rng.IntN(1<<rng.IntN(14)))
			batch = append(batch, tunnel.Outgoing{Message: m})
			want[string(m)] = true
		}
		out := p.gateway.AppendBatch(nil, batch, now)
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		var c collector
		p.carry(t, out, &c)
		for _, d := range c.got {
			if !want[string(d.msg)] {
				t.Fatal("a message that was not sent, or twice")
			}
			delete(want, string(d.msg))
		}
		if len(want) > 0 {
			t.Fatalf("%d messages missing", len(want))
		}
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	p := outbound(1)
	for _, m := range [][]byte{nil, make([]byte, 8), make([]byte, i2np.ShortHeaderLen+i2np.MaxPayload+1)} {
		if out := p.gateway.Append(nil, to, m, now); len(out) > 0 {
			t.Errorf("%d bytes gave %d tunnel messages", len(m), len(out))
		}
	}
	if s := p.gateway.Stats(); s.Refused != 3 || s.TunnelMessages != 0 {
		t.Errorf("%+v", s)
	}
}

func TestReplayIsRefusedAndChangesNothing(t *testing.T) {
	p := outbound(2)
	rng := mrand.New(mrand.NewPCG(1, 2))
	out := p.gateway.Append(nil, to, message(rng, 100), now)
	defer releaseAll(out)
	first := bytes.Clone(out[0].Bytes())
	if err := p.participants[0].Process(out[0], now); err != nil {
		t.Fatal(err)
	}
	again := buf.From(first)
	defer again.Release()
	if err := p.participants[0].Process(again, now); !errors.Is(err, tunnel.ErrDuplicate) || !bytes.Equal(again.Bytes(), first) {
		t.Fatalf("participant: %v", err)
	}
	second := bytes.Clone(layered(t, out[0]))
	var c collector
	if err := p.endpoint.Process(layered(t, out[0]), now, c.deliver); err != nil {
		t.Fatal(err)
	}
	if err := p.endpoint.Process(second, now, c.deliver); !errors.Is(err, tunnel.ErrDuplicate) || len(c.got) != 1 {
		t.Fatalf("endpoint: %v, %d messages", err, len(c.got))
	}
	// Swapping IV and first block is the same message to the filter (tunnel-implementation.md).
	swapped := buf.From(first)
	defer swapped.Release()
	msg := layered(t, swapped)
	iv := [16]byte(msg)
	copy(msg, msg[16:32])
	copy(msg[16:], iv[:])
	if err := p.participants[0].Process(swapped, now); !errors.Is(err, tunnel.ErrDuplicate) {
		t.Fatalf("swapped: %v", err)
	}
}

func TestParticipantRefusesOtherMessages(t *testing.T) {
	p := outbound(2).participants[0]
	for _, n := range []int{0, 8, 9, 1036, 1038} {
		b := buf.Get()
		b.Extend(n)
		if n > 0 {
			b.Bytes()[0] = byte(i2np.TypeTunnelData)
		}
		if err := p.Process(b, now); !errors.Is(err, tunnel.ErrMalformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
		b.Release()
	}
}

func TestTamperedMessageIsRefused(t *testing.T) {
	p := outbound(1)
	rng := mrand.New(mrand.NewPCG(1, 2))
	for _, at := range []int{0, 20, 500, 1023} {
		out := p.gateway.Append(nil, to, message(rng, 900), now)
		layered(t, out[0])[at] ^= 1
		var c collector
		if err := p.endpoint.Process(layered(t, out[0]), now, c.deliver); !errors.Is(err, tunnel.ErrChecksum) || len(c.got) > 0 {
			t.Errorf("byte %d: %v", at, err)
		}
		releaseAll(out)
	}
}

func TestGatewayMessageIsWrappedInPlace(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	msg := message(rng, 1000)
	b := buf.From(msg)
	defer b.Release()
	if err := tunnel.WrapGateway(b, 4711, now); err != nil {
		t.Fatal(err)
	}
	h, payload, err := i2np.ParseShort(b.Bytes())
	if err != nil || h.Type != i2np.TypeTunnelGateway || h.Expired(now) {
		t.Fatalf("%+v, %v", h, err)
	}
	m, err := i2np.ParseTunnelGateway(payload)
	if err != nil || m.Tunnel != 4711 {
		t.Fatalf("%+v, %v", m, err)
	}
	inner, p, rest, err := i2np.ParseStandard(m.Message)
	if err != nil || len(rest) > 0 || !bytes.Equal(append(inner.AppendShort(nil), p...), msg) {
		t.Fatalf("%+v, %v", inner, err)
	}
	id, err := tunnel.UnwrapGateway(b)
	if err != nil || id != 4711 || !bytes.Equal(b.Bytes(), msg) {
		t.Fatalf("%d, %v", id, err)
	}
	if _, err := tunnel.UnwrapGateway(b); err == nil || !bytes.Equal(b.Bytes(), msg) {
		t.Fatal("unwrapped what was not wrapped")
	}
}

func TestBatchDoesWhatProcessDoes(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	gw := outbound(1).gateway
	var one, many []*tunnel.Participant
	for i := range 3 {
		a, b := hops(1)
		one = append(one, tunnel.NewParticipant(i2p.Hash{}, i2p.TunnelID(i+1), a[0]))
		many = append(many, tunnel.NewParticipant(i2p.Hash{}, i2p.TunnelID(i+1), b[0]))
	}
	var w tunnel.Batch
	for n := range 12 {
		var want, got []*buf.Buf
		for i := range n {
			for _, b := range gw.Append(nil, to, message(rng, 100), now) {
				want, got = append(want, b), append(got, buf.From(b.Bytes()))
				if err := one[i%3].Process(b, now); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, b := range got {
			if err := w.Add(many[i%3], b); err != nil {
				t.Fatal(err)
			}
		}
		w.Run(now)
		for i := range want {
			// All but the message id, which is random.
			a, b := want[i].Bytes(), got[i].Bytes()
			if a[0] != b[0] || !bytes.Equal(a[5:], b[5:]) {
				t.Fatalf("message %d of %d differs", i, n)
			}
			if err := w.Add(many[i%3], got[i]); err != nil && !errors.Is(err, tunnel.ErrDuplicate) {
				t.Fatal(err)
			}
		}
		w.Run(now)
		releaseAll(want)
		releaseAll(got)
	}
}
