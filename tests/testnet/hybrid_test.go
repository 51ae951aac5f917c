package testnet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

// Offers of the key exchanges beside X25519, as in router.Config.
var hybridOffers = map[string][]string{
	"none": nil, "512": {"mlkem512"}, "768": {"mlkem768"}, "1024": {"mlkem1024"},
	"768+512": {"mlkem768", "mlkem512"}, "512+768": {"mlkem512", "mlkem768"}, "all": {"mlkem768", "mlkem512", "mlkem1024"},
}

const (
	plain     = "X25519"
	hybrid512 = "X25519+ML-KEM-512"
	hybrid768 = "X25519+ML-KEM-768"
	hybrid1k  = "X25519+ML-KEM-1024"
)

// Routers of two kinds have sessions with the best handshake that both sides have, in the order of the one that dials.
func TestHybridSessions(t *testing.T) {
	for _, c := range []struct {
		udp             bool
		mtu             int    // of the paths, 0 for what routers take for granted
		even, odd       string // offers
		want            string // of sessions within the even, within the odd, and from even to odd and back
		odds, out, back string
	}{
		{true, 0, "none", "none", plain, plain, plain, plain},
		{true, 0, "512", "none", hybrid512, plain, plain, plain},
		{true, 0, "512", "512", hybrid512, hybrid512, hybrid512, hybrid512},
		{true, 0, "512", "768", hybrid512, hybrid768, plain, plain},
		{true, 0, "768", "768", hybrid768, hybrid768, hybrid768, hybrid768},
		{true, 0, "768+512", "512", hybrid768, hybrid512, hybrid512, hybrid512},
		{true, 0, "768+512", "512+768", hybrid768, hybrid512, hybrid768, hybrid512},
		{true, 0, "all", "none", hybrid768, plain, plain, plain},
		{true, 0, "1024", "all", plain, hybrid768, plain, plain}, // SSU2 has no ML-KEM-1024
		// A SessionRequest with ML-KEM-768 gets nowhere; the smaller ones do.
		{true, 1300, "768", "768+512", plain, plain, plain, plain},
		{true, 1300, "512", "512+768", hybrid512, hybrid512, hybrid512, hybrid512},
		// NTCP2 publishes the best alone, and takes that alone.
		{false, 0, "none", "all", plain, hybrid768, plain, plain},
		{false, 0, "512", "512", hybrid512, hybrid512, hybrid512, hybrid512},
		{false, 0, "768", "768", hybrid768, hybrid768, hybrid768, hybrid768},
		{false, 0, "1024", "1024", hybrid1k, hybrid1k, hybrid1k, hybrid1k},
		{false, 0, "all", "512", hybrid768, hybrid512, hybrid512, plain},
		{false, 0, "1024", "512+768", hybrid1k, hybrid512, plain, plain},
	} {
		name := map[bool]string{true: "SSU2", false: "NTCP2"}[c.udp]
		t.Run(fmt.Sprintf("%s %s and %s %d", name, c.even, c.odd, c.mtu), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := testnet.New(t, testnet.Config{
					Routers: 6, Floodfills: 2, Hops: 1, Delay: 20 * time.Millisecond, Seed: 7, UDP: c.udp, MTU: c.mtu,
					Tune: func(i int, cfg *router.Config) {
						cfg.PostQuantum = hybridOffers[[]string{c.even, c.odd}[i%2]]
					},
				})
				// want of a session that dialler opened to the other.
				want := func(dialler, other int) string {
					return [2][2]string{{c.want, c.out}, {c.back, c.odds}}[dialler%2][other%2]
				}
				const server, reader = 4, 5
				shape := router.Tunnels{Length: 1, Quantity: 2}
				site := n.Nodes[server].Open(router.DestinationConfig{Tunnels: shape})
				visit := n.Nodes[reader].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
				serve(t, site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") }))
				reachable(t, time.Minute, site, visit)
				if page, err := get(t.Context(), visitor(t, visit, false), "http://"+site.Base32()+"/"); err != nil || page != "page" {
					t.Fatalf("%q, %v", page, err)
				}
				time.Sleep(time.Minute)
				index := map[string]int{}
				for i, node := range n.Nodes {
					index[node.RouterInfo().Hash().String()] = i
				}
				seen := map[string]int{}
				for i, node := range n.Nodes {
					for _, s := range node.Status().Sessions {
						j := index[s.Peer.String()]
						a, b := i, j
						if s.Direction.String() == "inbound" {
							a, b = j, i
						}
						if s.Crypto != want(a, b) || s.Style != name {
							t.Errorf("%d to %d over %s: %s, want %s", a, b, s.Style, s.Crypto, want(a, b))
						}
						seen[fmt.Sprint(a%2, b%2)]++
					}
					for _, a := range node.RouterInfo().Addresses() {
						if pq := a.Options.Get("pq"); strings.Contains(pq, "5") && c.udp {
							t.Errorf("%s publishes pq=%s", node, pq)
						}
					}
				}
				if len(seen) < 3 {
					t.Errorf("sessions %v are too few to tell", seen)
				}
			})
		})
	}
}
