package netdb

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/i2p"
)

// The routing keys were computed with Python's hashlib: sha256(sha256(b"clove") + date).
func TestRoutingKey(t *testing.T) {
	key := i2p.HashOf([]byte("clove"))
	zone := time.FixedZone("east", 3*3600)
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2025, 1, 31, 0, 0, 0, 0, time.UTC), "54ae49340b59c3d92060d04408b6c1d424ccf8571b8171efa6edf7c48622c992"},
		{time.Date(2025, 1, 31, 23, 59, 59, 999, time.UTC), "54ae49340b59c3d92060d04408b6c1d424ccf8571b8171efa6edf7c48622c992"},
		{time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC), "b1e60805e97fc09e0048285fdf3f038ab0fdd538b56750e39c80192e22f713a6"},
		{time.Date(2025, 2, 1, 2, 0, 0, 0, zone), "54ae49340b59c3d92060d04408b6c1d424ccf8571b8171efa6edf7c48622c992"},
	} {
		got := routingKey(key, test.at)
		if fmt.Sprintf("%x", got[:]) != test.want {
			t.Errorf("routingKey at %v = %x, want %s", test.at, got[:], test.want)
		}
	}
}

func TestCompareDistance(t *testing.T) {
	var key, near, far i2p.Hash
	key[0], near[0], far[0] = 0b1000, 0b1001, 0b0000
	near[31] = 0xff
	if compareDistance(key, near, far) >= 0 || compareDistance(key, far, near) <= 0 || compareDistance(key, near, near) != 0 {
		t.Error("the first bit that differs decides")
	}
}

func TestUntilMidnight(t *testing.T) {
	if d := untilMidnight(time.Date(2025, 1, 31, 23, 15, 0, 0, time.UTC)); d != 45*time.Minute {
		t.Errorf("45 minutes before midnight: %v", d)
	}
	if d := untilMidnight(time.Date(2025, 1, 31, 0, 0, 0, 0, time.UTC)); d != 24*time.Hour {
		t.Errorf("at midnight: %v", d)
	}
}

// testRouters are RouterInfos in no order; the same in every test, as they cost time to make.
var testRouters = sync.OnceValue(func() []*i2p.RouterInfo {
	var list []*i2p.RouterInfo
	for range 24 {
		k, err := i2p.NewRouterKeys()
		if err != nil {
			panic(err)
		}
		ri, err := i2p.NewRouterInfo(k, time.Unix(1_700_000_000, 0), nil, nil)
		if err != nil {
			panic(err)
		}
		list = append(list, ri)
	}
	return list
})

// byDistance returns test routers, the closest to key first.
func byDistance(key i2p.Hash) []*i2p.RouterInfo {
	c := closestTo{key: key, n: len(testRouters())}
	for _, ri := range testRouters() {
		c.add(ri)
	}
	return c.list
}

var (
	target   = i2p.HashOf([]byte("target"))
	place    = i2p.HashOf([]byte("routing key of target"))
	serial   = searchConfig{parallel: 1, maxQueries: maxQueries, soft: time.Second, hard: 3 * time.Second}
	parallel = searchConfig{parallel: 2, maxQueries: maxQueries, soft: time.Second, hard: 3 * time.Second}
	epoch    = time.Unix(1_700_000_000, 0)
)

func unknown(i2p.Hash) *i2p.RouterInfo { return nil }

// step runs next and reports queries as the ranks of the receivers, "?" before one that asks for a RouterInfo.
func step(s *search, routers []*i2p.RouterInfo, now time.Time) (string, bool) {
	queries, done, _ := s.next(now)
	out := ""
	for _, q := range queries {
		for i, ri := range routers {
			if ri == q.to {
				if q.resolve {
					out += "?"
				}
				out += fmt.Sprintf("%d ", i)
			}
		}
	}
	return out, done
}

func wantStep(t *testing.T, s *search, routers []*i2p.RouterInfo, at time.Duration, want string, wantDone bool) {
	t.Helper()
	got, done := step(s, routers, epoch.Add(at))
	if got != want || done != wantDone {
		t.Errorf("at %v: %q, done %v; want %q, done %v", at, got, done, want, wantDone)
	}
}

func TestSearchAsksTheClosestFirst(t *testing.T) {
	r := byDistance(place)
	s := newSearch(serial, target, place, nil, []*i2p.RouterInfo{r[5], r[2], r[9], r[7], r[1]})
	wantStep(t, s, r, 0, "1 ", false)
	wantStep(t, s, r, 0, "", false)
	s.referral(r[1].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "2 ", false)
	s.referral(r[9].Hash(), nil, unknown) // was not asked
	wantStep(t, s, r, 0, "", false)
	s.referral(r[2].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "5 ", false)
	s.referral(r[5].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "7 ", false)
	s.referral(r[7].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "", true) // four answers are enough, 9 is not asked
}

func TestSearchAsksTwoAtOnceButNotTooMany(t *testing.T) {
	r := byDistance(place)
	s := newSearch(parallel, target, place, nil, r[:8])
	wantStep(t, s, r, 0, "0 1 ", false)
	s.referral(r[0].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "2 ", false)
	s.referral(r[1].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "3 ", false)
	s.referral(r[2].Hash(), nil, unknown)
	wantStep(t, s, r, 0, "", false) // 3 may still be the fourth to answer
	wantStep(t, s, r, time.Second, "4 ", false)
	s.referral(r[4].Hash(), nil, unknown)
	wantStep(t, s, r, time.Second, "", true) // four have answered, it does not matter what 3 would say
	if got := s.silent(); len(got) != 1 || got[0] != r[3].Hash() {
		t.Errorf("silent = %v, want 3", got)
	}
}

func TestSearchTakesLateAnswers(t *testing.T) {
	r := byDistance(place)
	s := newSearch(serial, target, place, nil, r[:2])
	wantStep(t, s, r, 0, "0 ", false)
	wantStep(t, s, r, time.Second, "1 ", false)
	wantStep(t, s, r, 2*time.Second, "", false)
	s.referral(r[0].Hash(), nil, unknown)
	s.referral(r[0].Hash(), []i2p.Hash{r[5].Hash()}, unknown) // one answer each
	wantStep(t, s, r, 2*time.Second, "", false)
	wantStep(t, s, r, 4*time.Second, "", true)
}

func TestSearchFollowsReferralsThatAreCloser(t *testing.T) {
	r := byDistance(place)
	info := func(h i2p.Hash) *i2p.RouterInfo {
		if h == r[3].Hash() {
			return r[3]
		}
		return nil
	}
	s := newSearch(serial, target, place, nil, []*i2p.RouterInfo{r[10]})
	wantStep(t, s, r, 0, "10 ", false)
	s.referral(r[10].Hash(), []i2p.Hash{r[3].Hash(), r[12].Hash(), r[1].Hash(), r[14].Hash()}, info)
	wantStep(t, s, r, 0, "?10 ", false) // 1 is the closest, 10 knows its RouterInfo
	s.resolved(r[1].Hash(), r[1])
	wantStep(t, s, r, 0, "1 ", false)
	s.referral(r[1].Hash(), []i2p.Hash{r[0].Hash()}, info)
	wantStep(t, s, r, 0, "?1 ", false)
	s.unresolved(r[1].Hash(), r[0].Hash())
	wantStep(t, s, r, 0, "3 ", false)
	if s.depth != 1 || s.sent != 3 || s.resolves != 2 {
		t.Errorf("depth %d, sent %d, resolves %d", s.depth, s.sent, s.resolves)
	}
}

func TestSearchKeepsQueriesForThoseItKnew(t *testing.T) {
	r := byDistance(place)
	info := func(h i2p.Hash) *i2p.RouterInfo {
		for _, ri := range r {
			if ri.Hash() == h {
				return ri
			}
		}
		return nil
	}
	s := newSearch(serial, target, place, nil, r[20:23])
	order := ""
	for range 20 {
		q, done := step(s, r, epoch)
		order += q
		if done {
			break
		}
		for i := range r {
			if q == fmt.Sprintf("%d ", i) {
				// Whoever is asked refers to others that are still closer and never answer.
				if i == 20 {
					s.referral(r[i].Hash(), []i2p.Hash{r[0].Hash(), r[1].Hash(), r[2].Hash()}, info)
				} else if n := s.byHash[r[i].Hash()]; n.state == asked {
					n.state = failed
					for j := 3; j < 9; j++ {
						s.add(&node{hash: r[j].Hash(), info: r[j], via: n, depth: 2})
					}
				}
			}
		}
	}
	if order != "20 0 1 2 3 4 21 " {
		t.Errorf("asked %q: of seven queries two are kept for 21 and 22, which were known before", order)
	}
}

func TestSearchDistrustsReferralsThatAreNotThere(t *testing.T) {
	r := byDistance(place)
	s := newSearch(serial, target, place, nil, []*i2p.RouterInfo{r[10], r[11]})
	wantStep(t, s, r, 0, "10 ", false)
	s.referral(r[10].Hash(), []i2p.Hash{r[0].Hash(), r[1].Hash(), r[2].Hash()}, unknown)
	wantStep(t, s, r, 0, "?10 ", false)
	wantStep(t, s, r, time.Second, "?10 ", false)
	wantStep(t, s, r, 2*time.Second, "11 ", false) // the third is not asked for
	s.resolved(r[0].Hash(), r[0])                  // late, but there
	s.referral(r[11].Hash(), nil, unknown)
	wantStep(t, s, r, 2*time.Second, "0 ", false)
}

func TestSearchNeverAsksItselfOrTheTarget(t *testing.T) {
	r := byDistance(place)
	never := []i2p.Hash{r[0].Hash(), r[1].Hash()}
	s := newSearch(serial, target, place, never, []*i2p.RouterInfo{r[0], r[5]})
	wantStep(t, s, r, 0, "5 ", false)
	s.referral(r[5].Hash(), never, unknown)
	wantStep(t, s, r, 0, "", true)
}

func TestThrottle(t *testing.T) {
	th := newThrottle[int](2, 1)
	now := epoch
	for i, want := range []bool{true, true, false} {
		if th.allow(1, now) != want {
			t.Errorf("token %d: want %v", i, want)
		}
	}
	if !th.allow(2, now) {
		t.Error("keys share a bucket")
	}
	if now = now.Add(time.Second); !th.allow(1, now) || th.allow(1, now) {
		t.Error("one token a second")
	}
	for i := range 10 * throttleEntries {
		th.allow(i+10, now)
	}
	if n := len(th.now) + len(th.old); n > 2*throttleEntries {
		t.Errorf("%d keys are remembered", n)
	}
}
