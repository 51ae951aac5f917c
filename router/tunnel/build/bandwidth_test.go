package build_test

import (
	"bytes"
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

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
