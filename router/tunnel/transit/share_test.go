package transit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/transit"
)

// A message of 50 bytes leaves a gateway as one of 1 KiB: it is what leaves that counts against the share.
func TestGatewayKeepsToTheShareInWhatItSends(t *testing.T) {
	before := buf.InUse()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		const rate, seconds = 100_000, 10
		r := net.node(transit.Config{}, bandwidth.Config{Inbound: rate, Outbound: rate, Share: 100})
		net.run()
		allAgree(t, net.verdicts(net.request(plan(false, true, r)), true), 1)
		for range seconds * 1000 / 5 {
			b := buf.From(garlicMessage(net.clock.Now(), 10))
			if err := tunnel.WrapGateway(b, 100, net.clock.Now()); err != nil {
				t.Fatal(err)
			}
			r.table.Gateway(stranger, b)
			time.Sleep(5 * time.Millisecond)
		}
		sent := 0
		for _, m := range net.letters(creator) {
			sent += len(m)
		}
		if most := rate*(seconds+1) + 64<<10; sent > most || sent < most/2 {
			t.Errorf("%d bytes sent in %d s at %d a second", sent, seconds, rate)
		}
		if r.table.Stats().Dropped["bandwidth"] == 0 {
			t.Error("nothing counted")
		}
	})
	if got := buf.InUse(); got != before {
		t.Errorf("%d buffers lost", got-before)
	}
}
