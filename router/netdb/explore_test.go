package netdb

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

// questions keeps what is asked through tunnels.
type questions struct {
	nowhere
	asked chan i2np.DatabaseLookup
}

func (q *questions) ThroughTunnel(_ *i2p.RouterInfo, msg []byte) error {
	_, payload, err := i2np.ParseShort(msg)
	if err != nil {
		return err
	}
	m, err := i2np.ParseDatabaseLookup(payload)
	if err != nil {
		return err
	}
	m.Excluded = slices.Clone(m.Excluded)
	q.asked <- m
	return nil
}

// exploring is a DB that knows one floodfill, and another router for it to learn of.
func exploring(t *testing.T) (db *DB, q *questions, floodfill, other *i2p.RouterInfo) {
	t.Helper()
	floodfill, other = routerOfNine(t, "Xf"), routerOfNine(t, "X")
	q = &questions{asked: make(chan i2np.DatabaseLookup, 8)}
	clk := clock.New()
	var err error
	db, err = New(Config{NetworkID: 9}, Deps{
		Clock: clk, Peers: peer.New(peer.Config{}, clk, rand.New(rand.NewPCG(1, 1))), Self: fuzzSelf, Messenger: q, ReplyPath: q,
		Rand: rand.New(rand.NewPCG(1, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	db.store.put(floodfill)
	return db, q, floodfill, other
}

func routerOfNine(t *testing.T, caps string) *i2p.RouterInfo {
	t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	a, err := i2p.NewRouterAddress(3, "NTCP2", map[string]string{
		"host": "198.18.0.1", "port": "4567", "v": "2", "s": i2p.EncodeBase64(make([]byte, 32)), "i": i2p.EncodeBase64(make([]byte, 16)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(k, time.Now(), []i2p.RouterAddress{a}, map[string]string{"caps": caps, "netId": "9", "router.version": "0.9.67"})
	if err != nil {
		t.Fatal(err)
	}
	return ri
}

// The floodfill that is asked through tunnels must not learn from the question whose tunnels they are.
func TestExplorationDoesNotNameUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, q, _, _ := exploring(t)
		db.Explore(t.Context(), i2np.LookupExploratory)
		m := <-q.asked
		if self := fuzzSelf().Hash(); m.From == self || slices.Contains(m.Excluded, self) {
			t.Errorf("the question names its author: from %s, without %v", m.From.Short(), m.Excluded)
		}
	})
}

// Nor may it learn that by giving the answer to a router that it suspects, and seeing that router act on it.
func TestAnswerToATunnelCountsDownATunnelOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, q, floodfill, other := exploring(t)
		stranger, bait := i2p.Hash{9}, i2p.Hash{8}
		go db.Explore(t.Context(), i2np.LookupExploratory)
		m := <-q.asked
		answer := i2np.DatabaseSearchReply{Key: m.Key, Peers: []i2p.Hash{bait}, From: floodfill.Hash()}
		db.Handle(stranger, i2np.NewHeader(answer.Type(), time.Now()), answer.Append(nil))
		synctest.Wait()
		select {
		case m := <-q.asked:
			t.Errorf("an answer that came directly made us ask for %s", m.Key.Short())
		default:
		}
		db.Handle(i2p.Hash{}, i2np.NewHeader(answer.Type(), time.Now()), answer.Append(nil))
		if m := <-q.asked; m.Key != bait {
			t.Errorf("asked for %s, want the router that the answer named", m.Key.Short())
		}
		entry := i2np.DatabaseStore{Key: other.Hash(), StoreType: i2np.StoreRouterInfo, Data: other.Bytes()}
		fl := &flight{events: make(chan event, 1), tunnel: true}
		db.requester.await(fl, entry.Key)
		db.Handle(stranger, i2np.NewHeader(entry.Type(), time.Now()), entry.Append(nil))
		if len(fl.events) != 0 {
			t.Error("a RouterInfo that came directly answers a question through a tunnel")
		}
		db.Handle(i2p.Hash{}, i2np.NewHeader(entry.Type(), time.Now()), entry.Append(nil))
		if len(fl.events) != 1 {
			t.Error("a RouterInfo that came down a tunnel is no answer")
		}
		db.requester.land(fl)
	})
}
