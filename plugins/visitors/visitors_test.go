package visitors_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/visitors"
)

func peer(n int) visitors.Peer { return sha256.Sum256([]byte{byte(n), byte(n >> 8)}) }

func TestParsePeerKnowsAllForms(t *testing.T) {
	keys := make([]byte, 391)
	hash := visitors.Peer(sha256.Sum256(keys))
	destination := strings.NewReplacer("+", "-", "/", "~").Replace(base64.StdEncoding.EncodeToString(keys))
	for _, s := range []string{hash.Base32(), strings.ToUpper(hash.Base32()), strings.TrimSuffix(hash.Base32(), ".b32.i2p"), hash.Base64(), destination} {
		if p, err := visitors.ParsePeer(s); err != nil || p != hash {
			t.Errorf("%.60q: %v %v", s, p, err)
		}
	}
	for _, s := range []string{"", "name.i2p", "a.b32.i2p", hash.Base32()[1:], destination[:100], hash.Base64() + "AAAA"} {
		if _, err := visitors.ParsePeer(s); err == nil || len(s) > 60 && strings.Contains(err.Error(), s) {
			t.Errorf("%.60q: %v", s, err)
		}
	}
}

func FuzzParsePeer(f *testing.F) {
	f.Add(peer(1).Base32())
	f.Add(peer(1).Base64())
	f.Fuzz(func(t *testing.T, s string) {
		p, err := visitors.ParsePeer(s)
		if err != nil {
			return
		}
		if again, err := visitors.ParsePeer(p.Base32()); err != nil || again != p {
			t.Fatalf("%q -> %s -> %v %v", s, p.Base32(), again, err)
		}
		a := p.Source().As4()
		if a[0] != 127 || a[1] == 0 && a[2] == 0 || a[3] == 0 || a[3] == 255 {
			t.Fatalf("source %v", p.Source())
		}
	})
}

func TestSourceIsNeverOneThatIsTrusted(t *testing.T) {
	for _, p := range []visitors.Peer{{}, {0, 0, 1}, {0, 0, 255}, {255, 255, 255}, {1, 2, 0}} {
		a := p.Source().As4()
		if a[0] != 127 || a[1] == 0 && a[2] == 0 || a[3] == 0 || a[3] == 255 {
			t.Errorf("%v: %v", p[:3], p.Source())
		}
	}
	if one, two := peer(1), peer(2); one.Source() == two.Source() || one.Source() != peer(1).Source() {
		t.Error("sources do not tell peers apart")
	}
}

func TestLists(t *testing.T) {
	for _, c := range []struct {
		allow, deny []string
		want        [2]bool // peers 1 and 2
	}{
		{nil, nil, [2]bool{true, true}},
		{[]string{peer(1).Base32()}, nil, [2]bool{true, false}},
		{nil, []string{peer(1).Base64()}, [2]bool{false, true}},
		{[]string{peer(1).Base32(), peer(2).Base32()}, []string{peer(1).Base32()}, [2]bool{false, true}},
	} {
		l, err := visitors.NewLists(c.allow, c.deny)
		if err != nil || l.Allows(peer(1)) != c.want[0] || l.Allows(peer(2)) != c.want[1] {
			t.Errorf("%v: %v %v %v", c, err, l.Allows(peer(1)), l.Allows(peer(2)))
		}
	}
	if _, err := visitors.NewLists([]string{peer(1).Base32(), "friend.i2p"}, nil); err == nil || !strings.Contains(err.Error(), "entry 2") {
		t.Error(err)
	}
}

func TestBookCountsConnections(t *testing.T) {
	b := visitors.NewBook(visitors.Limits{PeerOpen: 2, TotalOpen: 3})
	leave, v := b.Open(peer(1))
	_, v2 := b.Open(peer(1))
	_, v3 := b.Open(peer(1))
	_, v4 := b.Open(peer(2))
	_, v5 := b.Open(peer(3))
	if v != visitors.Welcome || v2 != visitors.Welcome || v3 != visitors.PeerOpen || v4 != visitors.Welcome || v5 != visitors.TotalOpen {
		t.Error(v, v2, v3, v4, v5)
	}
	leave()
	leave() // once
	if _, v := b.Open(peer(1)); v != visitors.Welcome {
		t.Error(v)
	}
	if _, v := b.Open(peer(3)); v != visitors.TotalOpen {
		t.Error(v)
	}
}

func TestBookCountsRequestsInAWindow(t *testing.T) {
	b := visitors.NewBook(visitors.Limits{Peer: visitors.Rate{PerMinute: 10, PerHour: 30}, Total: visitors.Rate{PerMinute: 15}})
	now := time.Unix(1e9, 0)
	ask := func(p visitors.Peer, n int) (welcome int, last visitors.Verdict, wait time.Duration) {
		for range n {
			if wait, last = b.Request(now, p); last == visitors.Welcome {
				welcome++
			}
		}
		return welcome, last, wait
	}
	if n, v, wait := ask(peer(1), 20); n != 10 || v != visitors.PeerRate || wait <= 0 || wait > time.Minute {
		t.Error(n, v, wait)
	}
	if n, v, _ := ask(peer(2), 20); n != 5 || v != visitors.TotalRate {
		t.Error(n, v)
	}
	now = now.Add(90 * time.Second) // half of the last minute still counts
	if n, _, _ := ask(peer(1), 20); n < 4 || n > 6 {
		t.Error(n)
	}
	for range 10 {
		now = now.Add(2 * time.Minute)
		ask(peer(1), 20)
	}
	if n, v, wait := ask(peer(1), 20); n != 0 || v != visitors.PeerRate || wait < time.Minute {
		t.Error("the hour does not count:", n, v, wait)
	}
	now = now.Add(3 * time.Hour)
	if n, _, _ := ask(peer(1), 20); n != 10 {
		t.Error(n)
	}
}

func TestThrottleBans(t *testing.T) {
	th := visitors.NewThrottle(visitors.ThrottleLimits{Peer: 3, Total: 5, Window: 5 * time.Minute, Ban: 30 * time.Minute, TotalBan: 10 * time.Minute})
	now := time.Unix(1e9, 0)
	post := func(p visitors.Peer, n int) (allowed int, wait time.Duration) {
		for range n {
			w, ok := th.Allow(now, p)
			if wait = w; ok {
				allowed++
			}
		}
		return allowed, wait
	}
	if n, wait := post(peer(1), 5); n != 3 || wait != 30*time.Minute {
		t.Error(n, wait)
	}
	if n, wait := post(peer(2), 3); n != 2 || wait != 10*time.Minute {
		t.Error(n, wait)
	}
	now = now.Add(11 * time.Minute)
	if n, _ := post(peer(1), 1); n != 0 {
		t.Error("the ban of a peer ended early")
	}
	if n, _ := post(peer(2), 1); n != 1 {
		t.Error("the ban of all did not end")
	}
	now = now.Add(20 * time.Minute)
	if n, _ := post(peer(1), 1); n != 1 {
		t.Error("the ban of a peer did not end")
	}
}

func TestTableForgetsWhoWasNotSeenForLongest(t *testing.T) {
	table := visitors.NewTable(3, func(n *int) bool { return *n == 1 })
	for i := 1; i <= 3; i++ {
		*table.Get(peer(i)) = i
	}
	table.Get(peer(2))
	*table.Get(peer(4)) = 4 // 1 may not go, 2 was used: 3 goes
	if table.Len() != 3 || *table.Get(peer(1)) != 1 || *table.Get(peer(2)) != 2 || *table.Get(peer(4)) != 4 {
		t.Error("the wrong one was forgotten")
	}
}
