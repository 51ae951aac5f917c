package testnet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/reachability"
	"clove.i2p/tests/simnet"
	"clove.i2p/tests/testnet"
)

// Who can only be reached through others publishes introducers, hosts and reads: behind each kind of NAT.
func TestEepsiteBehindNATs(t *testing.T) {
	for kind, want := range map[simnet.NATKind]reachability.State{
		simnet.FullCone: reachability.OK, simnet.AddressRestricted: reachability.Firewalled, simnet.PortRestricted: reachability.Firewalled,
		simnet.Symmetric: reachability.Symmetric, simnet.Firewall: reachability.Firewalled,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testBehindNATs(t, kind, want) })
		})
	}
}

func testBehindNATs(t *testing.T, kind simnet.NATKind, want reachability.State) {
	const server, reader = 14, 15
	n := testnet.New(t, testnet.Config{
		Routers: 16, Floodfills: 3, Seeds: 5, Delay: 20 * time.Millisecond, Seed: uint64(kind) + 1, UDP: true,
		Behind: func(i int) *simnet.NATOptions {
			if i < server {
				return nil
			}
			return &simnet.NATOptions{Kind: kind}
		},
	})
	shape := router.Tunnels{Length: 2, Quantity: 2}
	site := n.Nodes[server].Open(router.DestinationConfig{Tunnels: shape})
	visit := n.Nodes[reader].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
	serve(t, site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") }))
	reachable(t, time.Minute, site, visit)
	page, err := get(t.Context(), visitor(t, visit, false), "http://"+site.Base32()+"/")
	if err != nil || page != "page" {
		t.Fatalf("%q, %v", page, err)
	}
	for _, i := range []int{server, reader} {
		verdict := func() reachability.Report { return n.Nodes[i].Status().Reachability[reachability.V4] }
		// Everybody has a session with everybody: most Charlies cannot be strangers, and refuse.
		for deadline := time.Now().Add(time.Hour); verdict().State != want && time.Now().Before(deadline); {
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute) // the RouterInfo follows
		v4 := verdict()
		t.Logf("%s: %s, external %s: %s", n.Nodes[i], v4.State, v4.External, v4.Reason)
		if v4.State != want {
			t.Errorf("%s is %s, want %s: %s (%+v)", n.Nodes[i], v4.State, want, v4.Reason, v4.Evidence)
		}
		ri := n.Nodes[i].RouterInfo()
		for _, a := range ri.Addresses() {
			published, introduced := a.Host().IsValid(), a.Options.Get("itag0") != ""
			if published != (want == reachability.OK) || introduced != (want == reachability.Firewalled || want == reachability.Symmetric) {
				t.Errorf("%s publishes %v", n.Nodes[i], a)
			}
		}
		if reached := strings.Contains(ri.Caps(), "R"); reached != (want == reachability.OK) {
			t.Errorf("%s has the capabilities %s", n.Nodes[i], ri.Caps())
		}
	}
	page, err = get(t.Context(), visitor(t, visit, false), "http://"+site.Base32()+"/")
	if err != nil || page != "page" {
		t.Fatalf("later: %q, %v", page, err)
	}
	for _, s := range n.Nodes[server].Status().Sessions {
		if s.Style != "SSU2" {
			t.Errorf("a session over %s", s.Style)
		}
	}
}
