package ntcp2

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

// We have a better session with the peer, or banned it: its other addresses would tell the same after another handshake.
func TestDialEndsWhenTheSessionIsNotWanted(t *testing.T) {
	connects := 0
	a := newRouter(t, func(_ *Config, d *Deps) {
		d.Dial = func(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
			connects++
			return dialTCP(ctx, local, to)
		}
	})
	b := newRouter(t, func(c *Config, _ *Deps) {
		c.Listen = append(c.Listen, netip.MustParseAddrPort("127.0.0.2:0"))
	})
	a.refuse = true
	a.serve()
	b.serve()
	if n := len(a.transport.targets(b.self())); n != 2 {
		t.Fatalf("%d addresses", n)
	}
	if _, err := a.transport.Dial(t.Context(), b.self()); !errors.Is(err, transport.ErrRefused) || connects != 1 {
		t.Errorf("%v after %d connections", err, connects)
	}
}

func TestSessionCarriesMessagesBothWays(t *testing.T) {
	for name, at := range map[string]string{"IPv4": "127.0.0.1:0", "IPv6": "[::1]:0"} {
		t.Run(name, func(t *testing.T) {
			listen := func(c *Config, _ *Deps) { c.Listen = []netip.AddrPort{netip.MustParseAddrPort(at)} }
			a, b := newRouter(t, listen), newRouter(t, listen)
			a.serve()
			b.serve()
			ours, theirs := a.dial(b)
			if ours.Peer() != b.keys.Identity.Hash() || theirs.Peer() != a.keys.Identity.Hash() {
				t.Fatal("peers are not who they are")
			}
			if ours.Direction() != transport.Outbound || theirs.Direction() != transport.Inbound {
				t.Fatal("directions")
			}
			if ri := receive(t, b.infos); ri.Hash() != a.keys.Identity.Hash() {
				t.Fatal("RouterInfo of the initiator did not arrive")
			}
			for i, n := range []int{0, 1, 1028, 17000, 65000, maxMessage - shortHeaderLen} {
				for _, end := range []struct {
					s  transport.Session
					to *router
				}{{ours, b}, {theirs, a}} {
					m := message(n, byte(i))
					want := bytes.Clone(m.Bytes())
					if end.s.Send([]*buf.Buf{m}) != 1 {
						t.Fatal("not taken")
					}
					if got := receive(t, end.to.messages); !bytes.Equal(got, want) {
						t.Fatalf("message of %d bytes: got %d bytes", len(want), len(got))
					}
				}
			}
			ours.Close(transport.ReasonNormal)
			var by *transport.Terminated
			if err := receive(t, b.closed); !errors.As(err, &by) || by.Reason != transport.ReasonNormal {
				t.Fatalf("closed with %v", err)
			}
			receive(t, a.closed)
			if st := ours.Status(); st.MessagesIn != 6 || st.MessagesOut != 6 || st.BytesIn == 0 || st.BytesOut == 0 {
				t.Fatalf("status %+v", st)
			}
		})
	}
}
