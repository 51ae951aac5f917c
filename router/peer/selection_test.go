package peer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

// A spec describes a router; what is empty is that of a good one.
type spec struct {
	caps, host, version, family string
	age                         time.Duration
}

// routers makes RouterInfos, each on a /16 of its own unless the spec names a host; host "-" is unpublished.
func routers(t *testing.T, specs ...spec) []*i2p.RouterInfo {
	t.Helper()
	var list []*i2p.RouterInfo
	for i, s := range specs {
		k, err := i2p.NewRouterKeys()
		if err != nil {
			t.Fatal(err)
		}
		opts := map[string]string{"caps": "XR", "router.version": "0.9.67", "netId": "2"}
		if s.caps != "" {
			opts["caps"] = s.caps
		}
		if s.version != "" {
			opts["router.version"] = s.version
		}
		if s.family != "" {
			opts["family"] = s.family
		}
		address := map[string]string{"v": "2", "port": "1234", "host": fmt.Sprintf("11.%d.0.1", i)}
		if s.host == "-" {
			delete(address, "host")
			delete(address, "port")
		} else if s.host != "" {
			address["host"] = s.host
		}
		a, err := i2p.NewRouterAddress(3, "NTCP2", address)
		if err != nil {
			t.Fatal(err)
		}
		ri, err := i2p.NewRouterInfo(k, time.Now().Add(-s.age), []i2p.RouterAddress{a}, opts)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, ri)
	}
	return list
}

// chosen counts, by index, how often a router is at each position of a tunnel.
func chosen(t *testing.T, b *peer.Book, list []*i2p.RouterInfo, hops, times int, c peer.Criteria) (all []int, first []int, last []int) {
	t.Helper()
	all, first, last = make([]int, len(list)), make([]int, len(list)), make([]int, len(list))
	for range times {
		got, err := b.Select(hops, c, slices.Values(list))
		if err != nil {
			t.Fatal(err)
		}
		for i, ri := range got {
			at := slices.Index(list, ri)
			all[at]++
			if i == 0 {
				first[at]++
			}
			if i == len(got)-1 {
				last[at]++
			}
			if slices.Contains(got[:i], ri) {
				t.Fatal("a router is in the tunnel twice")
			}
		}
	}
	return all, first, last
}

func TestSelectSpreadsOverGoodRouters(t *testing.T) {
	list := routers(t, make([]spec, 10)...)
	all, _, _ := chosen(t, book(false), list, 3, 300, peer.Criteria{})
	for i, n := range all {
		if n < 45 || n > 135 {
			t.Errorf("router %d is in %d of 900 hops", i, n)
		}
	}
}

func TestSelectNeverTakes(t *testing.T) {
	list := routers(t, spec{}, spec{}, spec{}, spec{caps: "XH"}, spec{host: "-"}, spec{}, spec{}, spec{})
	b := peer.New(peer.Config{Banned: func(h i2p.Hash) bool { return h == list[0].Hash() }}, clock.New(), rand.New(rand.NewPCG(1, 2)))
	c := peer.Criteria{Self: list[1].Hash(), Exclude: func(h i2p.Hash) bool { return h == list[2].Hash() }}
	all, _, _ := chosen(t, b, list, 3, 50, c)
	for i, why := range []string{"banned", "ourselves", "excluded", "hidden", "not published"} {
		if all[i] != 0 {
			t.Errorf("%s: chosen %d times", why, all[i])
		}
	}
	got, err := b.Select(5, c, slices.Values(list))
	if err != nil || len(got) != 3 {
		t.Errorf("Select(5) = %d hops, %v; want the 3 that there are", len(got), err)
	}
	if _, err := b.Select(1, c, slices.Values(list[:5])); !errors.Is(err, peer.ErrNoPeers) {
		t.Errorf("err = %v, want ErrNoPeers", err)
	}
	if s := b.Stats(); s.SelectionsShort != 2 || s.Selections != 52 {
		t.Errorf("stats = %+v", s)
	}
}

func TestSelectKeepsOperatorsApart(t *testing.T) {
	specs := []spec{
		{host: "12.1.0.1"}, {host: "12.1.255.1"}, {host: "12.2.0.1"}, {family: "them"}, {family: "Them"},
		{host: "2001:db8:1::1"}, {host: "2001:db8:2::1"}, {host: "2001:db9::1"},
	}
	list := routers(t, specs...)
	pairs := [][2]int{{0, 1}, {3, 4}, {5, 6}}
	together := func(b *peer.Book) (count int) {
		for range 200 {
			got, err := b.Select(5, peer.Criteria{}, slices.Values(list))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pairs {
				if slices.Contains(got, list[p[0]]) && slices.Contains(got, list[p[1]]) {
					count++
				}
			}
		}
		return count
	}
	if n := together(book(false)); n != 0 {
		t.Errorf("routers of one operator are in a tunnel %d times", n)
	}
	if n := together(book(true)); n == 0 {
		t.Error("a private network has no such rule")
	}
}

func TestSelectPrefers(t *testing.T) {
	good := spec{}
	for _, test := range []struct {
		name   string
		worse  spec
		client bool
		most   int // of 200 one-hop tunnels among one worse and three good ones
	}{
		{"fast", spec{caps: "LR"}, true, 30},
		{"not congested", spec{caps: "XRD"}, true, 30},
		{"not very congested", spec{caps: "XRE"}, false, 0},
		{"not rejecting", spec{caps: "XRG"}, false, 0},
		{"not firewalled", spec{caps: "XU"}, false, 0},
		{"IPv4", spec{host: "2001:db8::1"}, false, 0},
		{"new versions", spec{version: "0.9.50"}, false, 30},
		{"fresh RouterInfos", spec{age: 5 * time.Hour}, false, 0},
	} {
		list := routers(t, test.worse, good, good, good)
		all, _, _ := chosen(t, book(false), list, 1, 200, peer.Criteria{Client: test.client})
		if all[0] > test.most {
			t.Errorf("%s: the other was chosen %d times", test.name, all[0])
		}
		// It is better than nothing.
		if got, err := book(false).Select(1, peer.Criteria{Client: test.client}, slices.Values(list[:1])); err != nil || len(got) != 1 {
			t.Errorf("%s: the only router was not chosen: %v", test.name, err)
		}
	}
}

func TestSelectLearns(t *testing.T) {
	list := routers(t, make([]spec, 6)...)
	for _, test := range []struct {
		name string
		do   func(b *peer.Book)
	}{
		{"refuses", func(b *peer.Book) { b.Replied(list[0].Hash(), 30) }},
		{"cannot be dialled", func(b *peer.Book) { b.Failed(list[0].Hash(), errRefused) }},
		{"is silent twice", func(b *peer.Book) {
			b.TimedOut([]i2p.Hash{list[0].Hash()})
			b.TimedOut([]i2p.Hash{list[0].Hash()})
		}},
	} {
		b := book(false)
		test.do(b)
		if all, _, _ := chosen(t, b, list, 3, 60, peer.Criteria{}); all[0] != 0 {
			t.Errorf("one that %s was chosen %d times", test.name, all[0])
		}
		if got, err := b.Select(6, peer.Criteria{}, slices.Values(list)); err != nil || len(got) != 6 {
			t.Errorf("one that %s is not a last resort: %d hops, %v", test.name, len(got), err)
		}
	}
	b := book(false)
	for range 30 {
		b.Replied(list[1].Hash(), 0)
		b.Tested([]i2p.Hash{list[1].Hash()}, true)
		b.Tested([]i2p.Hash{list[2].Hash()}, false)
	}
	all, _, _ := chosen(t, b, list, 1, 600, peer.Criteria{})
	if all[1] < all[3]*5/4 || all[2] > all[3]/2 {
		t.Errorf("good, bad and unknown routers are chosen %d, %d and %d times", all[1], all[2], all[3])
	}
}

// Whoever connects to us with many identities is not in more of our tunnels for it.
func TestSelectDoesNotFavourWhoConnectsToUs(t *testing.T) {
	list := routers(t, make([]spec, 10)...)
	c := peer.Criteria{ConnectedTo: func(h i2p.Hash) bool { return h == list[0].Hash() }}
	_, first, _ := chosen(t, book(false), list, 3, 1000, c)
	if first[0] > 150 {
		t.Errorf("one of ten routers is the first hop of %d tunnels of 1000", first[0])
	}
}

func TestSelectEndsOfTheTunnel(t *testing.T) {
	// 0 is connected to us and has no address, 1 cannot be dialled by us, 2 is firewalled with an address.
	list := routers(t, spec{host: "-"}, spec{}, spec{caps: "XU"}, spec{}, spec{}, spec{})
	c := peer.Criteria{
		Reachable:   func(ri *i2p.RouterInfo) bool { return ri != list[1] },
		ConnectedTo: func(h i2p.Hash) bool { return h == list[0].Hash() },
	}
	for _, inbound := range []bool{false, true} {
		c.Inbound = inbound
		all, first, last := chosen(t, book(true), list, 3, 400, c)
		neighbour, far := first, last
		if inbound {
			neighbour, far = last, first
		}
		if neighbour[1] != 0 {
			t.Errorf("inbound %v: the neighbour cannot be dialled", inbound)
		}
		if all[0] != neighbour[0] || neighbour[0] == 0 {
			t.Errorf("inbound %v: a router without address is %d times in a tunnel, %d times our neighbour", inbound, all[0], neighbour[0])
		}
		if inbound && far[2] != 0 {
			t.Error("the gateway is firewalled")
		}
		if all[1] == 0 {
			t.Errorf("inbound %v: one that we cannot dial is never in the middle", inbound)
		}
	}
	// With one hop, the gateway is the neighbour, too.
	c.Inbound = true
	all, _, _ := chosen(t, book(true), list, 1, 100, c)
	if all[0] != 0 || all[1] != 0 || all[2] != 0 {
		t.Errorf("one-hop inbound tunnels through %v", all)
	}
}

func BenchmarkSelect(b *testing.B) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		b.Fatal(err)
	}
	a, err := i2p.NewRouterAddress(3, "NTCP2", map[string]string{"host": "11.1.0.1", "port": "1234"})
	if err != nil {
		b.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(k, time.Now(), []i2p.RouterAddress{a}, map[string]string{"caps": "XR", "router.version": "0.9.67"})
	if err != nil {
		b.Fatal(err)
	}
	book := book(true)
	network := func(yield func(*i2p.RouterInfo) bool) {
		for range 10_000 {
			if !yield(ri) {
				return
			}
		}
	}
	for b.Loop() {
		book.Select(3, peer.Criteria{}, network)
	}
}
