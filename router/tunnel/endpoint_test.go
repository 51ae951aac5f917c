package tunnel_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	mrand "math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// clearMessage is a tunnel message without layers as tunnel-message.md draws it: IV, checksum, padding, zero, room.
func clearMessage(room []byte) []byte {
	msg := make([]byte, 16)
	rand.Read(msg)
	sum := sha256.Sum256(append(bytes.Clone(room), msg...))
	msg = append(msg, sum[:4]...)
	msg = append(msg, bytes.Repeat([]byte{0xff}, 1003-len(room))...)
	msg = append(msg, 0)
	return append(msg, room...)
}

// standard is a message with the standard header.
func standard(payload []byte) []byte {
	h := i2np.Header{Type: i2np.TypeData, ID: 7, Expiration: now}
	return h.AppendStandard(nil, payload)
}

func first(id uint32, data []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0x08}, id) // LOCAL, fragmented
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func follow(id uint32, number int, last bool, data []byte) []byte {
	b := []byte{0x80 | byte(number)<<1}
	if last {
		b[0] |= 1
	}
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func TestGatewayLayout(t *testing.T) {
	g := tunnel.NewGateway(i2p.Hash{9}, 0x01020304, nil, tunnel.Creator)
	msg := message(mrand.New(mrand.NewPCG(1, 2)), 50)
	h, payload, err := i2np.ParseShort(msg)
	if err != nil {
		t.Fatal(err)
	}
	inner := h.AppendStandard(nil, payload)
	for _, c := range []struct {
		d    tunnel.Delivery
		want []byte
	}{
		{tunnel.Delivery{}, []byte{0x00}},
		{to, append([]byte{0x20, 0, 0, 0x12, 0x67}, to.Router[:]...)},
		{tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: i2p.Hash{7}}, append([]byte{0x40, 7}, make([]byte, 31)...)},
	} {
		out := g.Append(nil, c.d, msg, now)
		b := out[0].Bytes()
		if len(out) != 1 || len(b) != 9+1028 || b[0] != 18 || !bytes.Equal(b[9:13], []byte{1, 2, 3, 4}) {
			t.Fatalf("%d messages, %x", len(out), b[:13])
		}
		room := append(append(bytes.Clone(c.want), 0, byte(len(inner))), inner...)
		at := len(b) - len(room)
		if !bytes.Equal(b[at:], room) || b[at-1] != 0 || bytes.IndexByte(b[33:at-1], 0) >= 0 {
			t.Fatalf("%v: %x", c.d.Type, b[33:])
		}
		sum := sha256.Sum256(append(room, b[13:29]...))
		if !bytes.Equal(b[29:33], sum[:4]) {
			t.Fatalf("checksum %x, want %x", b[29:33], sum[:4])
		}
		releaseAll(out)
	}
}

// process gives one tunnel message to e.
func process(t *testing.T, e *tunnel.Endpoint, c *collector, at time.Time, room ...[]byte) {
	t.Helper()
	if err := e.Process(clearMessage(bytes.Join(room, nil)), at, c.deliver); err != nil {
		t.Fatal(err)
	}
}

func TestFragmentsInAnyOrder(t *testing.T) {
	inner := standard(bytes.Repeat([]byte("payload."), 300))
	parts := [][]byte{first(5, inner[:700]), follow(5, 1, false, inner[700:1400]), follow(5, 2, false, inner[1400:2100]), follow(5, 3, true, inner[2100:])}
	orders := [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {1, 2, 3, 0}, {3, 0, 1, 2}, {0, 3, 3, 2, 2, 1}, {0, 0, 1, 1, 2, 2, 3}}
	for _, order := range orders {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		var c collector
		for _, i := range order {
			process(t, e, &c, now, parts[i])
		}
		if len(c.got) != 1 || !bytes.Equal(c.got[0].msg[9:], inner[16:]) {
			t.Errorf("%v: %d messages", order, len(c.got))
		}
		if s := e.Stats(); int(s.Repeated) != len(order)-4 {
			t.Errorf("%v: %+v", order, s)
		}
		e.Close()
	}
}

func TestMessagesInterleave(t *testing.T) {
	inner := standard(bytes.Repeat([]byte("payload."), 50))
	e := tunnel.NewEndpoint(nil, tunnel.Creator)
	var c collector
	process(t, e, &c, now, first(1, inner[:200]), first(2, inner[:200]))
	process(t, e, &c, now, follow(2, 1, true, inner[200:]), follow(1, 1, true, inner[200:]))
	if len(c.got) != 2 {
		t.Fatalf("%d messages", len(c.got))
	}
}

func TestMalformedInstructionsAreRefused(t *testing.T) {
	inner := standard([]byte("payload"))
	good := append([]byte{0, 0, byte(len(inner))}, inner...)
	for name, room := range map[string][]byte{
		"delivery type 3":         {0x60, 0, 1, 1},
		"delay":                   {0x10, 1, 0, 1, 1},
		"extended options":        {0x04, 0, 0, 1, 1},
		"follow-on 0":             {0x80, 0, 0, 0, 5, 0, 1, 1},
		"empty fragment":          {0, 0, 0},
		"fragment beyond the end": {0, 0, 2, 1},
		"no size":                 {0, 0},
		"nothing but a flag":      {0},
		"cut message id":          {0x08, 0, 0},
		"cut router":              append([]byte{0x40}, make([]byte, 31)...),
		"cut tunnel":              append([]byte{0x20}, make([]byte, 35)...),
		"tunnel 0":                append(append([]byte{0x20}, make([]byte, 36)...), 0, 1, 1),
	} {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		var c collector
		if err := e.Process(clearMessage(append(bytes.Clone(good), room...)), now, c.deliver); !errors.Is(err, tunnel.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.got) != 1 || e.Stats().Malformed != 1 {
			t.Errorf("%s: %d messages in front of it", name, len(c.got))
		}
	}
}

func TestWhatIsNoTunnelMessageIsRefused(t *testing.T) {
	e := tunnel.NewEndpoint(nil, tunnel.Creator)
	var c collector
	if err := e.Process(make([]byte, 1023), now, c.deliver); !errors.Is(err, tunnel.ErrMalformed) {
		t.Errorf("short: %v", err)
	}
	if err := e.Process(bytes.Repeat([]byte{1}, 1024), now, c.deliver); !errors.Is(err, tunnel.ErrChecksum) {
		t.Errorf("no zero byte: %v", err)
	}
	process(t, e, &c, now) // only padding: cover traffic
	if len(c.got) > 0 {
		t.Error("a message out of nothing")
	}
}

func TestMessagesThatAreNoneAreDropped(t *testing.T) {
	inner := standard([]byte("payload"))
	for name, m := range map[string][]byte{
		"shorter than a header": inner[:15],
		"cut":                   inner[:20],
		"trailing byte":         append(bytes.Clone(inner), 0),
	} {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		var c collector
		process(t, e, &c, now, []byte{0, 0, byte(len(m))}, m)
		process(t, e, &c, now, first(1, m[:10]), follow(1, 1, true, m[10:]))
		if len(c.got) > 0 || e.Stats().Malformed != 2 {
			t.Errorf("%s: %d messages, %+v", name, len(c.got), e.Stats())
		}
	}
}

func TestContradictingFragmentsGiveUpTheMessage(t *testing.T) {
	for name, parts := range map[string][][]byte{
		"two ends":          {follow(1, 3, true, []byte("a")), follow(1, 2, true, []byte("a"))},
		"beyond the end":    {follow(1, 2, true, []byte("a")), follow(1, 3, false, []byte("a"))},
		"the end before it": {follow(1, 3, false, []byte("a")), follow(1, 2, true, []byte("a"))},
	} {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		var c collector
		process(t, e, &c, now, parts...)
		if e.Stats().Malformed != 1 {
			t.Errorf("%s: %+v", name, e.Stats())
		}
	}
}

func TestTheLargestMessageIsBounded(t *testing.T) {
	e := tunnel.NewEndpoint(nil, tunnel.Creator)
	var c collector
	part := make([]byte, 996)
	process(t, e, &c, now, first(1, part[:990]))
	for i := 1; i < 63; i++ {
		process(t, e, &c, now, follow(1, i, false, part))
	}
	if e.Stats().Malformed != 1 || len(c.got) > 0 {
		t.Fatalf("%+v", e.Stats())
	}
	e.Close()
}

func TestFragmentsAgeOut(t *testing.T) {
	inner := standard(bytes.Repeat([]byte("payload."), 50))
	e := tunnel.NewEndpoint(nil, tunnel.Creator)
	var c collector
	process(t, e, &c, now, first(1, inner[:200]))
	e.Expire(now.Add(8 * time.Second))
	if e.Stats().Expired != 0 {
		t.Fatal("too early")
	}
	e.Expire(now.Add(8*time.Second + 1))
	process(t, e, &c, now.Add(9*time.Second), follow(1, 1, true, inner[200:]))
	if len(c.got) != 0 || e.Stats().Expired != 1 {
		t.Fatalf("%d messages, %+v", len(c.got), e.Stats())
	}
	e.Close()
}

func TestManyEndpointsKeepToTheirBudget(t *testing.T) {
	inner := standard(bytes.Repeat([]byte("payload."), 50))
	const budget, endpoints = 1 << 20, 100
	shared := tunnel.NewBudget(budget)
	var all []*tunnel.Endpoint
	var c collector
	id := uint32(0)
	for range endpoints {
		e := tunnel.NewEndpointWithin(shared, nil, tunnel.Creator)
		all = append(all, e)
		for range 3 { // a hundred messages begin in each
			var parts [][]byte
			for range 100 {
				id++
				parts = append(parts, first(id, []byte{1}))
			}
			process(t, e, &c, now, parts...)
		}
	}
	if used := shared.Used(); used < budget/2 || used > budget+endpoints*(9<<10) {
		t.Errorf("%d bytes are kept", used)
	}
	// The last one can still put messages together, though the budget is spent.
	last := all[len(all)-1]
	process(t, last, &c, now, first(1<<30, inner[:200]))
	process(t, last, &c, now, follow(1<<30, 1, true, inner[200:]))
	if len(c.got) != 1 {
		t.Errorf("%d messages", len(c.got))
	}
	for _, e := range all {
		e.Close()
	}
	if shared.Used() != 0 {
		t.Errorf("%d bytes left", shared.Used())
	}
}

func TestFloodOfFragmentsIsBounded(t *testing.T) {
	inner := standard(bytes.Repeat([]byte("payload."), 50))
	data := make([]byte, 900)
	for name, part := range map[string]func(id uint32) []byte{
		"first":       func(id uint32) []byte { return first(id, data) },
		"follow":      func(id uint32) []byte { return follow(id, 1+int(id%60), false, data) },
		"many of one": func(id uint32) []byte { return follow(id/60, 1+int(id%60), false, data) },
	} {
		e := tunnel.NewEndpoint(nil, tunnel.Creator)
		var c collector
		process(t, e, &c, now, first(1<<31, inner[:200]))
		for id := range uint32(5000) {
			process(t, e, &c, now, part(id))
		}
		if s := e.Stats(); s.Evicted == 0 {
			t.Errorf("%s: %+v", name, s)
		}
		// A message that comes in order still makes it.
		process(t, e, &c, now, first(1<<30, inner[:200]), follow(1<<30, 1, true, inner[200:]))
		if len(c.got) != 1 {
			t.Errorf("%s: %d messages", name, len(c.got))
		}
		e.Close()
	}
}
