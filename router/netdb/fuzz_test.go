package netdb

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

// nowhere is a Messenger and a ReplyPath that counts.
type nowhere struct{ replies, direct int }

func (n *nowhere) Direct(i2p.Hash, []byte)                     { n.direct++ }
func (n *nowhere) ThroughTunnel(*i2p.RouterInfo, []byte) error { return nil }
func (n *nowhere) Reply(ReplyTo, []byte)                       { n.replies++ }
func (n *nowhere) ReplyPath() (g i2p.Hash, id i2p.TunnelID, key [32]byte, tag [8]byte, ok bool) {
	return g, 1, key, tag, true
}

var fuzzSelf = sync.OnceValue(func() *i2p.RouterInfo {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		panic(err)
	}
	ri, err := i2p.NewRouterInfo(k, time.Now(), nil, map[string]string{"caps": "Xf", "netId": "9", "router.version": "0.9.67"})
	if err != nil {
		panic(err)
	}
	return ri
})

// FuzzHandle gives any payload to a floodfill and to a client's view: no panic, at most one answer and the floods for it,
// and nothing is stored that is not signed.
func FuzzHandle(f *testing.F) {
	k, err := i2p.NewDestinationKeys(7)
	if err != nil {
		f.Fatal(err)
	}
	ls, err := i2p.NewLeaseSet2(k, time.Now(), []i2p.Lease{{Tunnel: 1, End: time.Now().Add(time.Minute)}}, i2p.Mapping{})
	if err != nil {
		f.Fatal(err)
	}
	ri := testRouters()[0]
	for _, body := range []i2np.Body{
		i2np.DatabaseStore{Key: ls.Hash(), StoreType: i2np.StoreLeaseSet2, Data: ls.Bytes(), ReplyToken: 1},
		i2np.DatabaseStore{Key: ri.Hash(), Data: ri.Bytes(), ReplyToken: 1, ReplyTunnel: 2},
		i2np.DatabaseLookup{Key: ls.Hash(), LookupType: i2np.LookupLeaseSet, ReplyTunnel: 1, ReplyTags: []i2np.ReplyTag{{1}}},
		i2np.DatabaseLookup{Key: ri.Hash(), LookupType: i2np.LookupExploratory, Excluded: []i2p.Hash{{1}, {2}}},
		i2np.DatabaseSearchReply{Key: ls.Hash(), Peers: []i2p.Hash{{1}, {2}}, From: ri.Hash()},
		i2np.DeliveryStatus{MessageID: 1, Timestamp: time.Now()},
	} {
		f.Add(byte(body.Type()), true, body.Append(nil))
		f.Add(byte(body.Type()), false, body.Append(nil))
	}
	f.Fuzz(func(t *testing.T, kind byte, direct bool, payload []byte) {
		n := new(nowhere)
		clk := clock.New()
		db, err := New(Config{NetworkID: 9}, Deps{
			Clock: clk, Peers: peer.New(peer.Config{}, clk, rand.New(rand.NewPCG(1, 1))), Self: fuzzSelf, Messenger: n,
			Rand: rand.New(rand.NewPCG(1, 1)), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		var from i2p.Hash
		if direct {
			from[0] = 1
		}
		h := i2np.Header{Type: i2np.Type(kind)}
		db.Handle(from, h, payload)
		if n.replies > 1 || n.direct > floodTo+floodToNextDay || !direct && n.replies+n.direct > 0 {
			t.Errorf("%d answers, %d floods", n.replies, n.direct)
		}
		for _, ri := range db.store.all() {
			if ri.Verify() != nil {
				t.Error("a forged RouterInfo is stored")
			}
		}
		v := db.NewView(n, n)
		fl := &flight{events: make(chan event, 1)}
		if len(payload) >= 32 {
			v.requester.await(fl, i2p.Hash(payload[:32]))
		}
		before := n.replies + n.direct
		v.Handle(h, payload)
		if n.replies+n.direct != before {
			t.Error("a view answered")
		}
	})
}

// FuzzSearch feeds answers, lies and time in any order to a search: it ends, and keeps its bounds.
func FuzzSearch(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, true)
	f.Add([]byte{0x10, 0x21, 0x32, 0x43, 0x50, 0x61, 0x10, 0x10, 0x10}, false)
	f.Fuzz(func(t *testing.T, script []byte, two bool) {
		script = script[:min(len(script), 1000)]
		r := byDistance(place)
		cfg := serial
		if two {
			cfg = parallel
		}
		s := newSearch(cfg, target, place, []i2p.Hash{r[4].Hash()}, r[6:12])
		now := epoch
		queries := 0
		info := func(h i2p.Hash) *i2p.RouterInfo {
			if h[31]&1 == 0 {
				return nil
			}
			return testRoutersByHash()[h]
		}
		move := func(op byte) {
			i := int(op&0x0f) % len(r)
			switch op >> 4 {
			case 0, 1, 2:
				s.referral(r[i].Hash(), []i2p.Hash{r[(i*5+1)%len(r)].Hash(), r[(i*3+2)%len(r)].Hash(), r[4].Hash(), {op}}, info)
			case 3, 4:
				s.resolved(r[i].Hash(), r[i])
			case 5:
				s.resolved(r[i].Hash(), nil)
			case 6:
				s.unresolved(r[i].Hash(), r[(i+1)%len(r)].Hash())
			case 7:
				s.failed(query{to: r[i], key: r[(i+1)%len(r)].Hash(), resolve: i&1 == 0})
			default:
				now = now.Add(time.Duration(i+1) * 100 * time.Millisecond)
			}
		}
		for range 2000 {
			q, done, wake := s.next(now)
			queries += len(q)
			for _, q := range q {
				if q.to == nil || q.to == r[4] {
					t.Fatalf("asked %v", q.to)
				}
			}
			if done {
				if queries > maxQueries+maxResolves {
					t.Errorf("%d queries", queries)
				}
				return
			}
			if len(script) > 0 {
				move(script[0])
				script = script[1:]
			} else {
				now = wake
			}
		}
		t.Error("the search does not end")
	})
}

var testRoutersByHash = sync.OnceValue(func() map[i2p.Hash]*i2p.RouterInfo {
	m := make(map[i2p.Hash]*i2p.RouterInfo)
	for _, ri := range testRouters() {
		m[ri.Hash()] = ri
	}
	return m
})
