package transit_test

import (
	"testing"

	"clove.i2p/router/tunnel"
)

// Where an outbound tunnel ends at the router that an inbound one begins at, what came together goes on together.
func TestGatewayBehindEndpointSendsOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, net *network, r []*node) {
		out := net.request(plan(false, false, r[0]))
		allAgree(t, net.verdicts(out, false), 1)
		in := plan(false, true, r[0])
		in.Hops[0].ReceiveTunnel = 200
		allAgree(t, net.verdicts(net.request(in), true), 1)

		gw := tunnel.NewGateway(r[0].hash, 100, out.Layers(), tunnel.Creator)
		now := net.clock.Now()
		var batch []tunnel.Outgoing
		for range 20 {
			batch = append(batch, tunnel.Outgoing{
				Delivery: tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: r[0].hash, Tunnel: 200}, Message: garlicMessage(now, 300),
			})
		}
		before := net.sends
		net.send(creator, r[0].hash, gw.AppendBatch(nil, batch, now)...)
		if n := net.sends - before; n != 1 {
			t.Errorf("%d sends, want 1", n)
		}
		// Three to a tunnel message.
		if n := len(net.letters(creator)); n != 7 {
			t.Errorf("%d tunnel messages", n)
		}
		if len(r[0].injected) != 0 {
			t.Errorf("%d messages injected", len(r[0].injected))
		}
	})
}
