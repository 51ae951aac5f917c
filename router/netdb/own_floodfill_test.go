package netdb_test

import "testing"

// A floodfill serves the clients of its own router like those of others: through their tunnels.
func TestFloodfillServesItsOwnClients(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		stranger := n.add("XR", nil)
		stranger.know(n.nodes...)
		owner := n.client(n.nodes[0])
		closest := n.byHash[stranger.db.Closest(owner.hash(), 1)[0].Hash()]
		owner.home, owner.view = closest, closest.db.NewView(owner, owner)
		if err := owner.view.Publish(t.Context(), owner.leaseSet()); err != nil {
			t.Fatal(err)
		}
		if s := owner.view.Stats(); s.PublishAttempts != 1 {
			t.Errorf("stats = %+v, want one attempt", s)
		}
		// Before any flood has come back to it: its own client was not passed over.
		if closest.db.Stats().LeaseSetsStored != 1 {
			t.Errorf("the closest floodfill has not stored the LeaseSet of its client")
		}
		// Flooding does not depend on who publishes.
		if got := closest.db.Stats().Flooded; got != 3 {
			t.Errorf("flooded to %d, want 3", got)
		}
		other := n.client(closest)
		if _, err := other.view.Lookup(t.Context(), owner.hash()); err != nil {
			t.Fatal(err)
		}
		if s := closest.db.Stats(); s.LookupsAnswered != 1 || other.view.Stats().Lookups.Queries != 2 {
			t.Errorf("%+v, %+v: want two queries, one of which it answered itself", s, other.view.Stats().Lookups)
		}
	})
}
