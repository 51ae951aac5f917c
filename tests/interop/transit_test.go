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
	"clove.i2p/router/tunnel/build"
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
		name     string
		port     int
		peers    []i2p.Hash
		out, in  place
		counters func(transit.Stats) (out, in uint64)
	}{
		{"Participant", 4701, []i2p.Hash{a, r.Hash(), b}, place{build.Participant, a, b}, place{build.Participant, b, a},
			func(s transit.Stats) (out, in uint64) { return s.Participant.Bytes, s.Participant.Bytes }},
		{"Ends", 4702, []i2p.Hash{a, r.Hash()}, place{build.OutboundEndpoint, a, i2p.Hash{}}, place{build.InboundGateway, i2p.Hash{}, a},
			func(s transit.Stats) (out, in uint64) { return s.OutboundEndpoint.Bytes, s.InboundGateway.Bytes }},
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
			before := r.Status()
			measure(t, "upload", func() error { return v.Upload(ctx, carried) })
			measure(t, "download", func() error { return v.Download(ctx, carried) })
			after := r.Status()
			outBefore, inBefore := c.counters(before.Stats.Transit)
			outAfter, inAfter := c.counters(after.Stats.Transit)
			if out, in := outAfter-outBefore, inAfter-inBefore; out < atLeast || in < atLeast {
				t.Errorf("the roles carried %d bytes up and %d down, want %d", out, in, atLeast)
			}
			// Tunnels of others may have passed too, in the same roles: these are the ones.
			if out, in := c.out.bytes(after)-c.out.bytes(before), c.in.bytes(after)-c.in.bytes(before); out < atLeast || in < atLeast {
				t.Errorf("the tunnels carried %d bytes up and %d down, want %d: %+v", out, in, atLeast, after.Transit)
			}
			checkConsole(ctx, t, n.Client, c.peers)
		})
	}
}

// A place is where clove is in a tunnel.
type place struct {
	role           build.Role
	previous, next i2p.Hash
}

// bytes that clove carried in tunnels where it has this place.
func (p place) bytes(s router.Status) (n uint64) {
	for _, t := range s.Transit {
		if (place{t.Role, t.Previous, t.Next}) == p {
			n += t.Bytes
		}
	}
	return n
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
