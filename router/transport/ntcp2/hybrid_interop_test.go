//go:build linux

package ntcp2

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2np"
	"clove.i2p/router/transport"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// i2pdPort is where the one i2pd listens.
const i2pdPort = 9202

// The first i2pd with these handshakes is 2.59, if its OpenSSL is 3.5 or later; the one that Debian 12 has is older. So this
// test is for whoever names one.
func TestHybridInteropWithI2pd(t *testing.T) {
	program, inside := interoptest.InsideHybrid(t)
	if !inside {
		return
	}
	for version, p := range map[int]mlkem.Params{2: 0, 3: mlkem.MLKEM512, 4: mlkem.MLKEM768, 5: mlkem.MLKEM1024} {
		t.Run(cryptoName(p), func(t *testing.T) {
			at := func(host byte) func(*Config, *Deps) {
				return func(c *Config, _ *Deps) {
					c.Listen, c.NetworkID = []netip.AddrPort{netip.AddrPortFrom(netns.Host(host), 0)}, netns.NetworkID
					c.PostQuantum = allSizes()
					if p != 0 {
						c.PostQuantum = []mlkem.Params{p}
					}
				}
			}
			absent := newRouter(t, at(99))
			absent.transport.Close()
			_, peer := interoptest.Start(t, program, interop.NTCP2, i2pdPort, absent.self(), fmt.Sprintf("--ntcp2.version=%d", version))
			a, b := newRouter(t, at(20)), newRouter(t, at(21))
			a.sign(map[string]string{"router.version": "0.9.70"})
			b.sign(map[string]string{"router.version": "0.9.70"})
			a.serve()
			b.serve()
			open := func(r *router) transport.Session {
				s, err := r.transport.Dial(t.Context(), peer)
				if err != nil {
					t.Fatal(err)
				}
				<-r.opened
				if got := s.Status().Crypto; got != cryptoName(p) {
					t.Fatalf("session with %s", got)
				}
				return s
			}
			send := func(s transport.Session, body i2np.Body) {
				s.Send([]*buf.Buf{buf.From(i2np.Encode(i2np.NewHeader(body.Type(), time.Now()), body))})
			}
			// We dial: i2pd answers a lookup of its own RouterInfo.
			s := open(a)
			send(s, i2np.DatabaseLookup{Key: peer.Hash(), From: a.keys.Identity.Hash(), LookupType: i2np.LookupRouterInfo})
			for {
				h, body, err := i2np.ParseShort(receive(t, a.messages))
				if err != nil {
					t.Fatal(err)
				}
				if h.Type != i2np.TypeDatabaseStore {
					continue
				}
				if m, err := i2np.ParseDatabaseStore(body); err == nil && m.Key == peer.Hash() {
					break
				}
			}
			// i2pd dials us, to answer in another session than it was asked; now and then with the plain handshake on purpose.
			ask := open(b)
			hybrid := 0
			for try := 0; try < 40 && hybrid < 3; try++ {
				s.Close(transport.ReasonNormal)
				receive(t, a.closed)
				hash := a.keys.Identity.Hash()
				for len(a.opened) == 0 {
					send(ask, i2np.DatabaseLookup{Key: peer.Hash(), From: hash, LookupType: i2np.LookupRouterInfo})
					time.Sleep(200 * time.Millisecond)
				}
				s = receive(t, a.opened)
				switch got := s.Status().Crypto; {
				case s.Direction() != transport.Inbound:
					t.Fatal("not inbound")
				case got == cryptoName(p):
					hybrid++
				case got != "X25519":
					t.Fatalf("session with %s", got)
				}
				if ri := receive(t, a.infos); ri.Hash() != peer.Hash() {
					t.Fatal("another peer")
				}
				receive(t, a.messages)
			}
			if hybrid < 3 {
				t.Errorf("i2pd opened %d sessions with %s", hybrid, cryptoName(p))
			}
		})
	}
}
