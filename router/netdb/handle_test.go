package netdb_test

import (
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
)

func encode(n *network, body i2np.Body) (i2np.Header, []byte) {
	msg := i2np.Encode(i2np.NewHeader(body.Type(), n.clock.Now()), body)
	h, payload, err := i2np.ParseShort(msg)
	if err != nil {
		n.t.Fatal(err)
	}
	return h, payload
}

func storeOf(ri *i2p.RouterInfo) i2np.DatabaseStore {
	return i2np.DatabaseStore{Key: ri.Hash(), StoreType: i2np.StoreRouterInfo, Data: ri.Bytes()}
}

func storeOfLeaseSet(ls i2p.LeaseSet) i2np.DatabaseStore {
	return i2np.DatabaseStore{Key: ls.Hash(), StoreType: i2np.StoreType(ls.StoreType()), Data: ls.Bytes()}
}

func (r *testRouter) handle(from i2p.Hash, body i2np.Body) {
	h, payload := encode(r.net, body)
	r.db.Handle(from, h, payload)
}

func TestFloodfillFloodsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		floodfill, publisher := n.nodes[0], n.client(n.nodes[1])
		m := storeOfLeaseSet(publisher.leaseSet())
		m.ReplyToken, m.ReplyGateway = 77, n.nodes[1].self.Hash()
		from := n.nodes[2].self.Hash()

		floodfill.handle(from, m)
		time.Sleep(time.Second)
		if s := floodfill.db.Stats(); s.Flooded != 3 || s.LeaseSetsStored != 1 {
			t.Errorf("stats = %+v, want 3 floods", s)
		}
		if n.count("DeliveryStatus") != 1 {
			t.Errorf("%d confirmations, want 1", n.count("DeliveryStatus"))
		}
		total := 0
		for _, r := range n.nodes {
			total += r.db.Stats().LeaseSets
		}
		if total != 4 {
			t.Errorf("%d floodfills have it, want 4: those that got a flood must not flood", total)
		}

		floodfill.handle(from, m)
		if s := floodfill.db.Stats(); s.Flooded != 3 {
			t.Error("flooded again what was no news")
		}
		time.Sleep(time.Second)
		if n.count("DeliveryStatus") != 2 {
			t.Error("a repeated store was not confirmed")
		}

		// An owner who signs without end is flooded three times a minute.
		for range 10 {
			time.Sleep(time.Second)
			m.Data = publisher.leaseSet().Bytes()
			floodfill.handle(from, m)
		}
		if s := floodfill.db.Stats(); s.Flooded != 9 {
			t.Errorf("%d floods, want 9", s.Flooded)
		}
	})
}

func TestFloodAroundMidnight(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 32)
		now := n.clock.Now().UTC()
		time.Sleep(now.Truncate(24 * time.Hour).Add(24*time.Hour - 5*time.Minute).Sub(now))
		floodfill, publisher := n.nodes[0], n.client(n.nodes[1])
		m := storeOfLeaseSet(publisher.leaseSet())
		m.ReplyToken, m.ReplyGateway = 77, n.nodes[1].self.Hash()
		floodfill.handle(n.nodes[2].self.Hash(), m)
		if s := floodfill.db.Stats(); s.Flooded != 5 {
			t.Errorf("%d floods, want 3 for today and 2 for tomorrow", s.Flooded)
		}
		// After midnight it is found where it belongs then.
		time.Sleep(6 * time.Minute)
		if _, err := n.client(n.nodes[9]).view.Lookup(t.Context(), publisher.hash()); err != nil {
			t.Errorf("after midnight: %v", err)
		}
	})
}

func TestRouterInfoIsFloodedAfterTheHandshakeBroughtIt(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		r := n.add("XR", nil)
		r.know(n.nodes...)
		if err := r.db.PublishSelf(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		known := 0
		for _, o := range n.nodes[:8] {
			if o.db.RouterInfo(r.self.Hash()) != nil {
				known++
			}
		}
		if known != 4 {
			t.Errorf("%d floodfills know it, want 4", known)
		}
	})
}

func TestStoresThatAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		floodfill, plain, other := n.add("XfR", nil), n.add("XR", nil), n.add("XR", nil)
		peer := other.self.Hash()
		c := n.client(other)
		ls := c.leaseSet()
		sign := func(published time.Time, options map[string]string) *i2p.RouterInfo {
			ri, err := i2p.NewRouterInfo(other.keys, published, nil, options)
			if err != nil {
				t.Fatal(err)
			}
			return ri
		}
		good := map[string]string{"netId": fmt.Sprint(testNetwork), "router.version": "0.9.67", "caps": "XR"}
		forged := storeOf(sign(n.clock.Now().Add(time.Minute), good))
		forged.Data[len(forged.Data)-1] ^= 1
		wrongKey := storeOf(other.self)
		wrongKey.Key = i2p.HashOf([]byte("x"))
		forgedLeaseSet := storeOfLeaseSet(ls)
		forgedLeaseSet.Data = append([]byte(nil), forgedLeaseSet.Data...)
		forgedLeaseSet.Data[len(forgedLeaseSet.Data)-1] ^= 1
		unpublished, err := i2p.NewLeaseSet2(c.keys, n.clock.Now(), ls.Leases(), i2p.Mapping{}, i2p.FlagUnpublished)
		if err != nil {
			t.Fatal(err)
		}
		expired, err := i2p.NewLeaseSet2(c.keys, n.clock.Now().Add(-20*time.Minute), []i2p.Lease{
			{Gateway: peer, Tunnel: 1, End: n.clock.Now().Add(-10 * time.Minute)},
		}, i2p.Mapping{})
		if err != nil {
			t.Fatal(err)
		}

		for _, test := range []struct {
			name, want string
			at         *testRouter
			from       i2p.Hash
			m          i2np.DatabaseStore
		}{
			{"other network", "other network", floodfill, peer, storeOf(sign(n.clock.Now(), map[string]string{"netId": "2", "router.version": "0.9.67"}))},
			{"no version", "no version", floodfill, peer, storeOf(sign(n.clock.Now(), map[string]string{"netId": fmt.Sprint(testNetwork)}))},
			{"from the future", "from the future", floodfill, peer, storeOf(sign(n.clock.Now().Add(3*time.Minute), good))},
			{"too old", "too old", floodfill, peer, storeOf(sign(n.clock.Now().Add(-40*24*time.Hour), good))},
			{"forged", "bad signature", floodfill, peer, forged},
			{"wrong key", "wrong key", floodfill, peer, wrongKey},
			{"our own", "own", floodfill, peer, storeOf(floodfill.self)},
			{"down our tunnel", "came down a tunnel", floodfill, i2p.Hash{}, storeOf(other.self)},
			{"lease set at a plain router", "not floodfill", plain, peer, storeOfLeaseSet(ls)},
			{"lease set down our tunnel", "came down a tunnel", floodfill, i2p.Hash{}, storeOfLeaseSet(ls)},
			{"forged lease set", "bad signature", floodfill, peer, forgedLeaseSet},
			{"unpublished lease set", "unpublished", floodfill, peer, storeOfLeaseSet(unpublished)},
			{"expired lease set", "too old", floodfill, peer, storeOfLeaseSet(expired)},
		} {
			test.m.ReplyToken, test.m.ReplyGateway = 9, peer
			before := test.at.db.Stats()
			test.at.handle(test.from, test.m)
			after := test.at.db.Stats()
			if after.Refused[test.want] != before.Refused[test.want]+1 {
				t.Errorf("%s: refused %v, want one more %q", test.name, after.Refused, test.want)
			}
			if after.Routers != before.Routers || after.LeaseSets != before.LeaseSets {
				t.Errorf("%s: stored", test.name)
			}
			if n.count("DeliveryStatus") != 0 {
				t.Fatalf("%s: confirmed", test.name)
			}
		}
	})
}

func TestPlainRouterOfLargeNetworkTakesOnlyWhatItAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		r, other, third := n.add("XR", nil), n.add("XR", nil), n.add("XR", nil)
		for range 90 {
			n.add("XR", nil)
		}
		r.know(n.nodes[3:]...)
		r.handle(other.self.Hash(), storeOf(third.self))
		if s := r.db.Stats(); s.Refused["not asked for"] != 1 || s.Routers != 90 {
			t.Errorf("stats = %+v", s)
		}
		r.handle(other.self.Hash(), storeOf(other.self))
		if r.db.RouterInfo(other.self.Hash()) == nil {
			t.Error("the sender's own RouterInfo was refused")
		}
	})
}

func TestLookupsThatAreAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		floodfill, other, plain, asker := n.add("XfR", nil), n.add("XfR", nil), n.add("XR", nil), n.add("XR", nil)
		for _, r := range n.nodes {
			r.know(n.nodes...)
		}
		c := n.client(asker)
		floodfill.handle(other.self.Hash(), storeOfLeaseSet(c.leaseSet()))
		from := asker.self.Hash()
		nobody := i2p.HashOf([]byte("nobody"))
		for _, test := range []struct {
			name                        string
			at                          *testRouter
			from, key                   i2p.Hash
			kind                        i2np.LookupType
			answered, referred, dropped uint64
		}{
			{"router info at a floodfill", floodfill, from, plain.self.Hash(), i2np.LookupRouterInfo, 1, 0, 0},
			{"lease set at a floodfill", floodfill, from, c.hash(), i2np.LookupLeaseSet, 1, 0, 0},
			{"any lease set at a floodfill", floodfill, from, c.hash(), i2np.LookupAny, 1, 0, 0},
			{"lease set as router info", floodfill, from, c.hash(), i2np.LookupRouterInfo, 0, 1, 0},
			{"unknown lease set", floodfill, from, nobody, i2np.LookupLeaseSet, 0, 1, 0},
			{"exploration", floodfill, from, nobody, i2np.LookupExploratory, 0, 1, 0},
			{"zero key", floodfill, from, i2p.Hash{}, i2np.LookupRouterInfo, 0, 0, 1},
			{"down our tunnel", floodfill, i2p.Hash{}, plain.self.Hash(), i2np.LookupRouterInfo, 0, 0, 1},
			{"itself at a plain router", plain, from, plain.self.Hash(), i2np.LookupRouterInfo, 1, 0, 0},
			{"floodfill at a plain router", plain, from, floodfill.self.Hash(), i2np.LookupRouterInfo, 1, 0, 0},
			{"whom a plain router deals with", plain, from, asker.self.Hash(), i2np.LookupRouterInfo, 0, 1, 0},
			{"lease set at a plain router", plain, from, c.hash(), i2np.LookupLeaseSet, 0, 0, 1},
			{"exploration at a plain router", plain, from, nobody, i2np.LookupExploratory, 0, 0, 1},
		} {
			before := test.at.db.Stats()
			test.at.handle(test.from, i2np.DatabaseLookup{Key: test.key, From: asker.self.Hash(), LookupType: test.kind})
			after := test.at.db.Stats()
			a, r, d := after.LookupsAnswered-before.LookupsAnswered, after.LookupsReferred-before.LookupsReferred,
				after.LookupsDropped-before.LookupsDropped
			if a != test.answered || r != test.referred || d != test.dropped {
				t.Errorf("%s: answered %d, referred %d, dropped %d", test.name, a, r, d)
			}
		}
	})
}

func TestLookupBudgetOfOneTunnel(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		floodfill := n.add("XfR", func(c *netdb.Config) { c.Private = false })
		peers := []*testRouter{n.add("XR", nil), n.add("XR", nil)}
		ask := func(from int, tunnel i2p.TunnelID, times int) (answered uint64) {
			before := floodfill.db.Stats().LookupsReferred
			for range times {
				floodfill.handle(peers[from].self.Hash(), i2np.DatabaseLookup{
					Key: i2p.HashOf([]byte("x")), From: peers[0].self.Hash(), ReplyTunnel: tunnel, LookupType: i2np.LookupLeaseSet,
				})
			}
			return floodfill.db.Stats().LookupsReferred - before
		}
		if got := ask(0, 1, 50); got != 30 {
			t.Errorf("one tunnel: %d of 50 answered, want 30", got)
		}
		if got := ask(0, 2, 10); got != 10 {
			t.Errorf("another tunnel: %d of 10 answered", got)
		}
		total := uint64(0)
		for i := range 300 {
			total += ask(1, i2p.TunnelID(100+i), 1)
		}
		if total != 200 {
			t.Errorf("one peer: %d of 300 answered, want 200", total)
		}
		time.Sleep(2 * time.Minute)
		if got := ask(0, 1, 50); got != 30 {
			t.Errorf("after two minutes: %d of 50 answered, want 30", got)
		}
	})
}

func TestViewTakesOnlyAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 4)
		c, o := n.client(n.nodes[0]), n.client(n.nodes[1])
		ls := o.leaseSet()
		for name, body := range map[string]i2np.Body{
			"lease set":   storeOfLeaseSet(ls),
			"router info": storeOf(n.nodes[2].self),
			"lookup":      i2np.DatabaseLookup{Key: ls.Hash(), From: n.nodes[2].self.Hash(), LookupType: i2np.LookupLeaseSet},
		} {
			before := c.view.Stats().Refused
			c.view.Handle(encode(n, body))
			if c.view.Stats().Refused != before+1 {
				t.Errorf("%s that nobody asked for was not refused", name)
			}
		}
		if _, ok := c.view.LeaseSet(ls.Hash()); ok {
			t.Error("a LeaseSet that nobody asked for was kept")
		}
		if err := c.view.Store(ls); err != nil {
			t.Errorf("bundled LeaseSet: %v", err)
		}
		if _, ok := c.view.LeaseSet(ls.Hash()); !ok {
			t.Error("a bundled LeaseSet was not kept")
		}
		time.Sleep(11 * time.Minute)
		if _, ok := c.view.LeaseSet(ls.Hash()); ok {
			t.Error("an expired LeaseSet was returned")
		}
		if c.view.Store(ls) == nil {
			t.Error("an expired LeaseSet was kept")
		}
		if c.view.Expire(); c.view.Stats().LeaseSets != 0 {
			t.Error("an expired LeaseSet was not dropped")
		}
	})
}

func TestExpiryLeavesEnough(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		r := n.add("XR", func(c *netdb.Config) { c.Private = false })
		for range 95 {
			n.add("XR", nil)
		}
		for range 5 {
			n.add("XfR", nil)
		}
		r.know(n.nodes...)
		n.nodes = n.nodes[:1] // the others do not run
		stop := n.run()
		defer stop()
		time.Sleep(20 * time.Hour)
		if s := r.db.Stats(); s.Routers != 100 {
			t.Errorf("%d routers, want all 100 before they are too old", s.Routers)
		}
		time.Sleep(10 * time.Hour)
		if s := r.db.Stats(); s.Routers != 90 || s.Floodfills != 5 {
			t.Errorf("%d routers and %d floodfills, want 90 and 5 kept", s.Routers, s.Floodfills)
		}
	})
}
