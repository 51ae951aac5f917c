package build_test

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

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
