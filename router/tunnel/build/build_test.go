package build_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

var now = time.Unix(1_750_000_030, 0)

type router struct {
	hash    i2p.Hash
	private keys.X25519Private
}

func newRouter(t testing.TB) router {
	t.Helper()
	var r router
	rand.Read(r.hash[:])
	k, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	r.private = k
	return r
}

const (
	inbound  = true
	outbound = false

	lastTunnel = i2p.TunnelID(4711)
	replyID    = i2np.MessageID(0x01020304)
)

// newPlan chains the routers; last is the creator or the gateway of the reply tunnel.
func newPlan(in bool, routers []router, last i2p.Hash) build.Plan {
	p := build.Plan{ReplyMessage: replyID}
	for i, r := range routers {
		h := build.Hop{Router: r.hash, Static: r.private.Public(), ReceiveTunnel: i2p.TunnelID(100 + i), NextTunnel: i2p.TunnelID(101 + i)}
		if i+1 < len(routers) {
			h.Next = routers[i+1].hash
		} else {
			h.Next, h.NextTunnel = last, lastTunnel
		}
		switch {
		case in && i == 0:
			h.Role = build.InboundGateway
		case !in && i+1 == len(routers):
			h.Role = build.OutboundEndpoint
		}
		p.Hops = append(p.Hops, h)
	}
	return p
}

func newRouters(t testing.TB, n int) (rs []router) {
	for range n {
		rs = append(rs, newRouter(t))
	}
	return rs
}

func open(long bool, payload []byte, r router) (*build.Request, error) {
	if long {
		return build.OpenLong(payload, r.hash, r.private)
	}
	return build.OpenShort(payload, r.hash, r.private)
}

// travel passes the message through all hops and returns what they saw.
func travel(t *testing.T, long bool, payload []byte, routers []router, verdicts []byte) (requests []*build.Request) {
	t.Helper()
	for i, r := range routers {
		before := bytes.Clone(payload)
		q, err := open(long, payload, r)
		if err != nil {
			t.Fatalf("hop %d: %v", i, err)
		}
		if !bytes.Equal(before, payload) {
			t.Fatalf("hop %d: open changed the payload", i)
		}
		if err := q.Reply(payload, verdicts[i], 0); err != nil {
			t.Fatalf("hop %d: %v", i, err)
		}
		requests = append(requests, q)
	}
	return requests
}

func forms(t *testing.T, f func(t *testing.T, long bool)) {
	for _, long := range []bool{false, true} {
		name := "short"
		if long {
			name = "long"
		}
		t.Run(name, func(t *testing.T) { f(t, long) })
	}
}

func TestTunnelsOfEveryLength(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		for n := 1; n <= build.MaxHops; n++ {
			for _, in := range []bool{outbound, inbound} {
				if in && n == build.MaxHops {
					continue
				}
				t.Run(fmt.Sprintf("%d hops inbound %v", n, in), func(t *testing.T) { roundTrip(t, long, in, n) })
			}
		}
	})
}

func roundTrip(t *testing.T, long, in bool, n int) {
	routers, last := newRouters(t, n), newRouter(t)
	plan := newPlan(in, routers, last.hash)
	plan.Long = long
	p, err := build.New(plan, now)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Clone(p.Message())
	want := make([]byte, n)
	want[n-1] = build.RejectBandwidth
	requests := travel(t, long, payload, routers, want)
	layers := p.Layers()
	for i, q := range requests {
		h := plan.Hops[i]
		if q.ReceiveTunnel != h.ReceiveTunnel || q.NextTunnel != h.NextTunnel || q.Next != h.Next || q.Role != h.Role {
			t.Errorf("hop %d: %+v, want %+v", i, q, h)
		}
		if (q.ReplyMessage == replyID) != (i == n-1) || q.Expiration != 10*time.Minute || !q.Timely(now) || q.Long() != long {
			t.Errorf("hop %d: message %x, expiration %v, time %v", i, q.ReplyMessage, q.Expiration, q.Time)
		}
		msg := make([]byte, layer.MessageLen)
		q.Layer().Encrypt(msg)
		layers[i].Decrypt(msg)
		if !bytes.Equal(msg, make([]byte, layer.MessageLen)) {
			t.Errorf("hop %d: layer keys differ", i)
		}
	}
	end := requests[n-1]
	key, tag, ok := p.ReplyGarlic()
	if ok != (!in && !long) {
		t.Errorf("garlic %v", ok)
	}
	if k, g, o := end.ReplyGarlic(); k != key || g != tag || o != ok {
		t.Error("garlic key and tag differ")
	}
	wantType := p.Type()
	if !in {
		wantType = map[i2np.Type]i2np.Type{
			i2np.TypeShortTunnelBuild:    i2np.TypeOutboundTunnelBuildReply,
			i2np.TypeVariableTunnelBuild: i2np.TypeVariableTunnelBuildReply,
		}[wantType]
	}
	if end.ReplyType() != wantType {
		t.Errorf("reply type %v, want %v", end.ReplyType(), wantType)
	}
	if in { // the last hop must not see that the next is the creator: it has a record as well
		if !hasRecord(payload, last.hash, long) {
			t.Error("the creator has no record of its own")
		}
		if _, err := open(long, payload, last); !errors.Is(err, build.ErrNotOurs) {
			t.Errorf("the creator's record opens: %v", err)
		}
	}
	got, err := p.Reply(payload)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("verdicts %v, %v, want %v", got, err, want)
	}
}

func recordLen(long bool) int {
	if long {
		return i2np.LongRecordLen
	}
	return i2np.ShortRecordLen
}

func hasRecord(payload []byte, h i2p.Hash, long bool) bool {
	for rec := payload[1:]; len(rec) > 0; rec = rec[recordLen(long):] {
		if bytes.HasPrefix(rec, h[:16]) {
			return true
		}
	}
	return false
}

func TestOnlyTheNextHopFindsItsRecord(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		routers := newRouters(t, 3)
		plan := newPlan(outbound, routers, newRouter(t).hash)
		plan.Long = long
		p, err := build.New(plan, now)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range append(routers[1:], newRouter(t)) {
			if _, err := open(long, p.Message(), r); !errors.Is(err, build.ErrNotOurs) {
				t.Errorf("router %d: %v", i, err)
			}
		}
		wrongKey := router{routers[0].hash, newRouter(t).private}
		if _, err := open(long, p.Message(), wrongKey); !errors.Is(err, build.ErrNotOurs) {
			t.Errorf("wrong key: %v", err)
		}
		if _, err := open(!long, p.Message(), routers[0]); err == nil {
			t.Error("opened as the other form")
		}
	})
}

func TestNumberAndOrderOfRecordsHideTheLength(t *testing.T) {
	for hops, want := range map[int]int{1: 4, 3: 4, 4: 4, 5: 8, 8: 8} {
		p, err := build.New(newPlan(outbound, newRouters(t, hops), i2p.Hash{}), now)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(p.Message()[0]); got != want {
			t.Errorf("%d hops: %d records, want %d", hops, got, want)
		}
	}
	p, err := build.New(newPlan(inbound, newRouters(t, 4), i2p.Hash{}), now)
	if err != nil || p.Message()[0] != 8 {
		t.Errorf("4 hops and the creator: %d records, %v", p.Message()[0], err)
	}
	r := newRouter(t)
	var slots [4]int
	for range 100 {
		p, err := build.New(newPlan(outbound, []router{r}, i2p.Hash{}), now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range slots {
			if bytes.HasPrefix(p.Message()[1+i*i2np.ShortRecordLen:], r.hash[:16]) {
				slots[i]++
			}
		}
	}
	for i, n := range slots {
		if n == 0 {
			t.Errorf("slot %d never used: %v", i, slots)
		}
	}
}

func TestRouterTwiceOnThePath(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		a, b := newRouter(t), newRouter(t)
		path := []router{a, b, a}
		plan := newPlan(outbound, path, newRouter(t).hash)
		plan.Long = long
		p, err := build.New(plan, now)
		if err != nil {
			t.Fatal(err)
		}
		payload := bytes.Clone(p.Message())
		requests := travel(t, long, payload, path, make([]byte, 3))
		if requests[0].Role != build.Participant || requests[2].Role != build.OutboundEndpoint {
			t.Errorf("roles %v %v", requests[0].Role, requests[2].Role)
		}
		if verdicts, err := p.Reply(payload); err != nil || !bytes.Equal(verdicts, make([]byte, 3)) {
			t.Errorf("%v, %v", verdicts, err)
		}
	})
}

func TestAlteredReplyIsRefused(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		for _, in := range []bool{outbound, inbound} {
			routers := newRouters(t, 2)
			plan := newPlan(in, routers, newRouter(t).hash)
			plan.Long = long
			p, err := build.New(plan, now)
			if err != nil {
				t.Fatal(err)
			}
			payload := bytes.Clone(p.Message())
			travel(t, long, payload, routers, make([]byte, 2))
			for at := 0; at < len(payload); at += 13 { // every record, be it a hop's or nobody's
				bad := bytes.Clone(payload)
				bad[at] ^= 0x20
				if verdicts, err := p.Reply(bad); !errors.Is(err, build.ErrTampered) || verdicts != nil {
					t.Fatalf("byte %d altered: %v, %v", at, verdicts, err)
				}
			}
			for _, bad := range [][]byte{nil, payload[:1], payload[:len(payload)-1], append(bytes.Clone(payload), 0)} {
				if _, err := p.Reply(bad); !errors.Is(err, build.ErrTampered) {
					t.Errorf("%d bytes: %v", len(bad), err)
				}
			}
			if _, err := p.Reply(payload); err != nil {
				t.Errorf("the true reply after the false ones: %v", err)
			}
		}
	})
}

func TestHopThatDoesNotAnswerSpoilsTheReply(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		routers := newRouters(t, 3)
		plan := newPlan(outbound, routers, i2p.Hash{})
		plan.Long = long
		p, err := build.New(plan, now)
		if err != nil {
			t.Fatal(err)
		}
		payload := bytes.Clone(p.Message())
		travel(t, long, payload, routers[:2], make([]byte, 2))
		if _, err := p.Reply(payload); !errors.Is(err, build.ErrTampered) {
			t.Errorf("%v", err)
		}
	})
}

func TestAlteredRequestDoesNotOpen(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		r := newRouter(t)
		plan := newPlan(outbound, []router{r}, i2p.Hash{})
		plan.Long = long
		p, err := build.New(plan, now)
		if err != nil {
			t.Fatal(err)
		}
		slot := 0
		for !bytes.HasPrefix(p.Message()[1+slot*recordLen(long):], r.hash[:16]) {
			slot++
		}
		for at := 0; at < recordLen(long); at += 7 {
			bad := bytes.Clone(p.Message())
			bad[1+slot*recordLen(long)+at] ^= 0x80
			if _, err := open(long, bad, r); !errors.Is(err, build.ErrNotOurs) {
				t.Fatalf("byte %d altered: %v", at, err)
			}
		}
	})
}

func TestBandwidthIsAskedAndAnswered(t *testing.T) {
	forms(t, func(t *testing.T, long bool) {
		routers := newRouters(t, 3)
		plan := newPlan(inbound, routers, newRouter(t).hash)
		plan.Long, plan.Bandwidth = long, build.Bandwidth{Min: 16, Requested: 64, Limit: 128}
		p, err := build.New(plan, now)
		if err != nil {
			t.Fatal(err)
		}
		payload := bytes.Clone(p.Message())
		for i, r := range routers {
			q, err := open(long, payload, r)
			if err != nil {
				t.Fatal(err)
			}
			want := plan.Bandwidth
			if i > 0 {
				want.Limit = 0 // for the gateway only
			}
			if q.Bandwidth != want {
				t.Errorf("hop %d: %+v", i, q.Bandwidth)
			}
			verdict := byte(build.Agreed)
			if i == 2 {
				verdict = build.RejectBandwidth
			}
			if err := q.Reply(payload, verdict, uint32(100+i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Reply(payload); err != nil {
			t.Fatal(err)
		}
		for i, want := range []uint32{100, 101, 0} {
			if got := p.Available(i); got != want {
				t.Errorf("hop %d offers %d, want %d", i, got, want)
			}
		}
	})
}

func TestUnaskedBandwidthIsNotAnswered(t *testing.T) {
	r := newRouter(t)
	p, err := build.New(newPlan(outbound, []router{r}, i2p.Hash{}), now)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Clone(p.Message())
	q, err := open(false, payload, r)
	if err != nil || !q.Bandwidth.IsZero() {
		t.Fatalf("%+v, %v", q, err)
	}
	if err := q.Reply(payload, build.Agreed, 99); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Reply(payload); err != nil || p.Available(0) != 0 {
		t.Errorf("offer %d, %v", p.Available(0), err)
	}
}

func TestPlansThatBreakTheRulesAreRefused(t *testing.T) {
	good := func() build.Plan { return newPlan(outbound, newRouters(t, 3), newRouter(t).hash) }
	for name, spoil := range map[string]func(*build.Plan){
		"no hops":                func(p *build.Plan) { p.Hops = nil },
		"9 hops":                 func(p *build.Plan) { *p = newPlan(outbound, newRouters(t, 9), i2p.Hash{}) },
		"8 hops inbound":         func(p *build.Plan) { *p = newPlan(inbound, newRouters(t, 8), i2p.Hash{}) },
		"tunnel id 0":            func(p *build.Plan) { p.Hops[1].ReceiveTunnel = 0 },
		"next tunnel id 0":       func(p *build.Plan) { p.Hops[2].NextTunnel = 0 },
		"broken chain":           func(p *build.Plan) { p.Hops[0].Next = i2p.Hash{} },
		"broken chain of ids":    func(p *build.Plan) { p.Hops[0].NextTunnel++ },
		"gateway in the middle":  func(p *build.Plan) { p.Hops[1].Role = build.InboundGateway },
		"endpoint too early":     func(p *build.Plan) { p.Hops[1].Role = build.OutboundEndpoint },
		"no endpoint":            func(p *build.Plan) { p.Hops[2].Role = build.Participant },
		"unusable key":           func(p *build.Plan) { p.Hops[0].Static = keys.X25519Public{} },
		"less wanted than least": func(p *build.Plan) { p.Bandwidth = build.Bandwidth{Min: 2, Requested: 1} },
		"limit below the least":  func(p *build.Plan) { p.Bandwidth = build.Bandwidth{Min: 2, Limit: 1} },
	} {
		p := good()
		spoil(&p)
		if _, err := build.New(p, now); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRequestsAreTimelyForEightMinutes(t *testing.T) {
	q := build.Request{Time: time.Unix(1_750_000_020, 0)}
	for offset, want := range map[time.Duration]bool{
		0: true, 8 * time.Minute: true, 8*time.Minute + time.Second: false, -5 * time.Minute: true, -5*time.Minute - time.Second: false,
	} {
		if got := q.Timely(q.Time.Add(offset)); got != want {
			t.Errorf("%v later: %v", offset, got)
		}
	}
}

func TestReplyNeedsThePayloadOfTheRequest(t *testing.T) {
	r := newRouter(t)
	p, err := build.New(newPlan(outbound, []router{r}, i2p.Hash{}), now)
	if err != nil {
		t.Fatal(err)
	}
	q, err := open(false, p.Message(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Reply(p.Message()[:100], build.Agreed, 0); err == nil {
		t.Error("wrote into a payload that is too short")
	}
}

func BenchmarkOpenShort(b *testing.B) {
	r := newRouter(b)
	p, err := build.New(newPlan(outbound, []router{r}, i2p.Hash{}), now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(false, p.Message(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewShort(b *testing.B) {
	plan := newPlan(outbound, newRouters(b, 3), i2p.Hash{})
	for b.Loop() {
		if _, err := build.New(plan, now); err != nil {
			b.Fatal(err)
		}
	}
}
