package build_test

import (
	"bytes"
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
