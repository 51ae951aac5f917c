package testnet_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

// TestRestartKeepsIdentityAndNetDB: a router and its eepsite come back with what is on the disk, without seeds.
func TestRestartKeepsIdentityAndNetDB(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := testnet.New(t, testnet.Config{
			Routers: 6, Floodfills: 2, Delay: 10 * time.Millisecond, Seed: 6,
			Tune: func(i int, c *router.Config) {
				if i == 5 {
					c.DataDir = dir
				}
			},
		})
		node := n.Nodes[5]
		id := node.Hash()
		site := router.DestinationConfig{KeyFile: filepath.Join(dir, "site.dat"), Tunnels: router.Tunnels{Length: 2, Quantity: 2}}
		reader := n.Nodes[4].Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 2, Quantity: 2}, Unpublished: true})
		c := visitor(t, reader, false)
		address := ""
		for round := range 3 {
			d := node.Open(site)
			serve(t, d, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, round) }))
			reachable(t, 30*time.Second, d, reader)
			if address == "" {
				address = d.Base32()
			}
			if node.Hash() != id || d.Base32() != address {
				t.Errorf("round %d: router %s, site %s; were %s and %s", round, node.Hash(), d.Base32(), id, address)
			}
			if got, err := get(t.Context(), c, "http://"+address+"/"); err != nil || got != fmt.Sprint(round) {
				t.Fatalf("round %d: %q, %v", round, got, err)
			}
			before := node.Stats().NetDB.Routers
			if err := node.Stop(); err != nil {
				t.Fatal(err)
			}
			node.Restart()
			if after := node.Stats().NetDB.Routers; after != before || after != 5 {
				t.Errorf("round %d: %d routers in the netDb, before the restart %d", round, after, before)
			}
		}
	})
}
