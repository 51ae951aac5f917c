//go:build linux

package ssu2

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// TestHybridInteropWithI2pd has sessions with an i2pd that has ML-KEM, from either side: what both have is used, and only where it
// fits the path. i2pd publishes one handshake, and takes all; of a list it reads the first. The i2pd of Debian 12 has none, so that
// this is for whoever names one.
func TestHybridInteropWithI2pd(t *testing.T) {
	program, inside := interoptest.InsideHybrid(t)
	if !inside {
		return
	}
	const plain, small, large = "X25519", "X25519+ML-KEM-512", "X25519+ML-KEM-768"
	for _, c := range []struct {
		offers          []byte // ours
		mtu             int
		version, mtuOf  int // i2pd's
		dialled, opened string
	}{
		{[]byte{4, 3}, maxMTU, 2, maxMTU, plain, plain},
		{[]byte{4, 3}, maxMTU, 3, maxMTU, small, large},
		{[]byte{4, 3}, maxMTU, 4, maxMTU, large, large},
		{[]byte{3, 4}, maxMTU, 4, maxMTU, large, small},
		{[]byte{3}, maxMTU, 4, maxMTU, plain, small},
		{nil, maxMTU, 4, maxMTU, plain, plain},
		{[]byte{4, 3}, maxMTU, 4, minMTU, plain, plain},
		{[]byte{4, 3}, minMTU, 4, maxMTU, plain, small},
	} {
		t.Run(fmt.Sprintf("%v %d to %d %d", c.offers, c.mtu, c.version, c.mtuOf), func(t *testing.T) {
			made := func(host byte) interopRouter {
				r := newRouter(t, func(cfg *Config, _ *Deps) {
					cfg.Listen = []netip.AddrPort{netip.AddrPortFrom(netns.Host(host), 9300)}
					cfg.NetworkID, cfg.PostQuantum, cfg.MTU = netns.NetworkID, c.offers, c.mtu
				})
				r.sign(map[string]string{"caps": "LR", "router.version": "0.9.70"})
				return interopRouter{r}
			}
			absent := made(99)
			absent.transport.Close()
			_, i2pd := interoptest.Start(t, program, interop.SSU2, i2pdPort, absent.self(),
				fmt.Sprintf("--ssu2.version=%d", c.version), fmt.Sprintf("--ssu2.mtu4=%d", c.mtuOf))
			want := func(s transport.Session, d transport.Direction, v string) {
				t.Helper()
				if got := s.Status(); got.Crypto != v || got.Direction != d {
					t.Errorf("%v session with %s, want %s", d, got.Crypto, v)
				}
			}
			a, b, visitor := made(20), made(21), made(22)
			a.serve()
			b.serve()
			visitor.serve()
			// What i2pd writes first lacks its version: a session brings the RouterInfo that it publishes.
			first := visitor.dialI2pd(i2pd)
			visitor.send(first, i2np.DatabaseLookup{Key: i2pd.Hash(), From: visitor.hash(), LookupType: i2np.LookupRouterInfo})
			for {
				h, body, err := i2np.ParseShort(receive(t, visitor.messages))
				if err != nil {
					t.Fatal(err)
				}
				if h.Type != i2np.TypeDatabaseStore {
					continue
				}
				m, err := i2np.ParseDatabaseStore(body)
				if err != nil {
					t.Fatal(err)
				}
				if i2pd, _, err = i2p.ParseRouterInfo(m.Data); err != nil {
					t.Fatal(err)
				}
				break
			}
			t.Logf("i2pd publishes pq=%q mtu=%q", i2pd.Addresses()[0].Options.Get("pq"), i2pd.Addresses()[0].Options.Get("mtu"))
			s := a.dialI2pd(i2pd)
			want(s, transport.Outbound, c.dialled)
			// i2pd looks up for b what it was told by a. It does not always answer the first time.
			for try := 0; len(b.opened) == 0; try++ {
				if try == 20 {
					t.Fatal("i2pd does not dial")
				}
				for _, r := range []interopRouter{a, b} {
					a.send(s, i2np.DatabaseStore{Key: r.hash(), Data: r.self().Bytes()})
				}
				a.send(s, i2np.DatabaseLookup{Key: i2pd.Hash(), From: b.hash(), LookupType: i2np.LookupRouterInfo})
				a.acked(s)
				time.Sleep(time.Second)
			}
			want(receive(t, b.opened), transport.Inbound, c.opened)
			b.await(i2np.TypeDatabaseStore, 30*time.Second)
		})
	}
}
