//go:build linux

package interop_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/transit"
	"clove.i2p/tests/interop"
)

// carried is what each of testCarries' tunnels carries up and down, and atLeast how much of it clove has to count.
const (
	carried = 3 << 20
	atLeast = carried * 9 / 10
)

// testCarries: i2pd's tunnels run through clove in each role. i2pd takes explicit peers from itself outwards: the last
// is the endpoint of outbound tunnels, and the gateway of inbound ones.
func testCarries(t *testing.T, n *interop.Network, r *router.Router) {
	a, b := hashOf(t, n.Transit[4]), hashOf(t, n.Transit[5])
	cases := []struct {
		name  string
		port  int
		peers []i2p.Hash
		check func(t *testing.T, before, after transit.Stats)
	}{
		{"Participant", 4701, []i2p.Hash{a, r.Hash(), b}, func(t *testing.T, before, after transit.Stats) {
			if n := after.Participant.Bytes - before.Participant.Bytes; n < 2*atLeast {
				t.Errorf("%d bytes as participant, for %d up and down", n, 2*carried)
			}
		}},
		{"Ends", 4702, []i2p.Hash{a, r.Hash()}, func(t *testing.T, before, after transit.Stats) {
			if n := after.OutboundEndpoint.Bytes - before.OutboundEndpoint.Bytes; n < atLeast {
				t.Errorf("%d bytes as outbound endpoint, for %d up", n, carried)
			}
			if n := after.InboundGateway.Bytes - before.InboundGateway.Bytes; n < atLeast {
				t.Errorf("%d bytes as inbound gateway, for %d down", n, carried)
			}
		}},
	}
	var sections []string
	for _, c := range cases {
		sections = append(sections, n.ClientTunnel(c.name, c.port, c.peers))
	}
	if err := n.Client.SetTunnels(sections...); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			v := interop.NewVisitor(n.Eepsite, func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", c.port))
			})
			measure(t, "first page", func() error {
				return interop.Poll(ctx, time.Second, func() error { return v.ReadPage(ctx) })
			})
			before := r.Stats().Transit
			measure(t, "upload", func() error { return v.Upload(ctx, carried) })
			measure(t, "download", func() error { return v.Download(ctx, carried) })
			after := r.Stats().Transit
			c.check(t, before, after)
			t.Logf("before: %+v", before)
			t.Logf("after: %+v", after)
			checkConsole(ctx, t, n.Client, c.peers)
		})
	}
}

func hashOf(t *testing.T, r *interop.I2pd) i2p.Hash {
	t.Helper()
	h, err := r.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// checkConsole wants that the console of i2pd tells that all went through these hops.
func checkConsole(ctx context.Context, t *testing.T, i2pd *interop.I2pd, outbound []i2p.Hash) {
	t.Helper()
	tunnels, err := i2pd.Tunnels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range outbound {
		out = append(out, h.String()[:4])
	}
	in := slices.Clone(out)
	slices.Reverse(in)
	var sent, received int
	for _, tunnel := range tunnels {
		switch {
		case tunnel.Inbound && slices.Equal(tunnel.Hops, in):
			received += tunnel.Bytes
		case !tunnel.Inbound && slices.Equal(tunnel.Hops, out):
			sent += tunnel.Bytes
		}
	}
	if sent < carried || received < carried {
		t.Errorf("i2pd sent %d and received %d bytes through %v: %+v", sent, received, out, tunnels)
	}
}
