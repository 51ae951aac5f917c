package gate_test

import (
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func TestIsolatedStreamsLeaveFromDestinationsOfTheirOwn(t *testing.T) {
	b := newBed(t)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Length, s.Quantity = 2, 5 })
	p := b.start("t")
	far, _ := b.net.peer("site.i2p").Listen(80)
	defer far.Close()
	seen := make(chan string, 10)
	go func() {
		for {
			c, err := far.Accept()
			if err != nil {
				return
			}
			seen <- c.RemoteAddr().String()
			defer c.Close()
		}
	}()
	from := func(isolation string) string {
		t.Helper()
		if _, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "site.i2p:80", Isolation: isolation}); err != nil {
			t.Fatal(err)
		}
		return <-seen
	}
	own, ann, bob := from(""), from("ann"), from("bob")
	if own == ann || ann == bob || own == bob {
		t.Errorf("streams come from %s, %s and %s: want three destinations", own, ann, bob)
	}
	if again := from("ann"); again != ann {
		t.Errorf("ann came from %s, and now from %s", ann, again)
	}
	for _, s := range b.net.specs()[1:] {
		if s != (gate.Spec{Tunnel: "t", Length: 2, Quantity: 5}) {
			t.Errorf("isolated destination opened as %+v: want no keys, not published, and the tunnel's shape", s)
		}
	}
	if s, _ := b.gate.Tunnel("t"); s.Destinations != 3 {
		t.Errorf("%d destinations, want 3", s.Destinations)
	}
	_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "site.i2p:80", Isolation: string(make([]byte, 1025))})
	wantErr(t, err, api.ErrInvalid)
	b.gate.RemoveTunnel("t")
	if b.net.closed() != 3 {
		t.Errorf("%d closed, want 3", b.net.closed())
	}
}
