package testnet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

// A hidden router takes part as any other, and neither says where it is nor stores itself in the netDb.
func TestHiddenRouterDoesNotPublishItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hidden = 7
		n := testnet.New(t, testnet.Config{
			Routers: 8, Floodfills: 2, Delay: 20 * time.Millisecond, Seed: 8,
			Tune: func(i int, c *router.Config) { c.Hidden = i == hidden },
		})
		n.WaitReady(time.Minute)
		d := n.Nodes[hidden].Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 2, Quantity: 2}})
		reachable(t, time.Minute, d)
		time.Sleep(45 * time.Minute)
		for i, node := range n.Nodes {
			s := node.Status()
			if published := s.Stats.NetDB.Published > 0; published == (i == hidden) {
				t.Errorf("router %d, hidden %v, published itself %d times", i, i == hidden, s.Stats.NetDB.Published)
			}
			if i != hidden {
				continue
			}
			if strings.ContainsAny(s.Caps, "RUf") || !strings.Contains(s.Caps, "H") || len(s.Transit) > 0 {
				t.Errorf("caps %q, %d tunnels of others", s.Caps, len(s.Transit))
			}
			for _, a := range s.Addresses {
				if a.Host().IsValid() {
					t.Errorf("publishes %s %v", a.Style, a.Host())
				}
			}
		}
	})
}
