package build_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
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
