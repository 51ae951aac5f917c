package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func somePool(n int) *pool {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint("exit", i, ".i2p"))
	}
	return newPool(list, nil, rand.New(rand.NewPCG(1, 2)))
}

func TestASiteKeepsItsExit(t *testing.T) {
	p, now := somePool(5), time.Unix(1e9, 0)
	used := map[*peerExit]bool{}
	for i := range 50 {
		site := siteKey("", fmt.Sprint("site", i))
		e := p.pick(now, site, nil)
		p.worked(now, e, &site)
		used[e] = true
		for range 5 {
			if again := p.pick(now, site, nil); again != e {
				t.Fatalf("site %d goes from %s to %s", i, e.address, again.address)
			}
		}
	}
	if len(used) != 5 {
		t.Errorf("50 sites use %d of 5 exits", len(used))
	}
	// The same site of another client is another one.
	differ := 0
	for i := range 50 {
		site := siteKey(fmt.Sprint("client", i), "site0")
		if p.pick(now, site, nil) != p.pick(now, siteKey("", "site0"), nil) {
			differ++
		}
	}
	if differ == 0 {
		t.Error("all clients use the same exit for a site")
	}
}

func TestWhoFailedRests(t *testing.T) {
	p, now := somePool(2), time.Unix(1e9, 0)
	site, other := siteKey("", "a"), siteKey("", "b")
	bad := p.pick(now, site, nil)
	p.worked(now, bad, &site)
	p.failed(now, bad, &site)
	for range 20 {
		if p.pick(now, site, nil) == bad || p.pick(now, other, nil) == bad {
			t.Fatal("an exit that has just failed is used")
		}
	}
	good := p.pick(now, site, nil)
	if e := p.pick(now, site, []*peerExit{good}); e != bad {
		t.Error("nobody is left, and the one that rests is not tried")
	}
	if e := p.pick(now, site, []*peerExit{good, bad}); e != nil {
		t.Error("an exit is tried twice")
	}
	// Each failure doubles the rest, up to a limit.
	rest := time.Duration(0)
	for range 20 {
		p.failed(now, bad, nil)
		if d := bad.rest.Sub(now); d < rest || d > backoffMax {
			t.Fatalf("rest of %v after %v", d, rest)
		} else {
			rest = d
		}
	}
	if rest != backoffMax {
		t.Errorf("rest %v", rest)
	}
	now = now.Add(backoffMax)
	for range 20 {
		if p.pick(now, other, nil) == bad {
			t.Fatal("the last that failed is not avoided")
		}
	}
	if due := p.due(now, time.Hour); len(due) != 2 { // the bad one, and the good one that has never been seen
		t.Errorf("%d exits are due", len(due))
	}
	p.worked(now, bad, nil)
	p.worked(now, good, nil)
	if all, fine := p.state(); all != 2 || fine != 2 || len(p.due(now.Add(time.Minute), time.Hour)) != 0 || len(p.due(now.Add(2*time.Hour), time.Hour)) != 2 {
		t.Error("who works again is still suspected")
	}
}

func TestSitesAreForgotten(t *testing.T) {
	p, now := somePool(3), time.Unix(1e9, 0)
	for i := range 3 * maxSticky {
		site := siteKey("", fmt.Sprint(i))
		p.worked(now, p.pick(now, site, nil), &site)
	}
	if n := p.sticky.Len(); n > maxSticky {
		t.Errorf("%d sites are remembered", n)
	}
}

func TestEachExitCountsOnce(t *testing.T) {
	p := newPool([]string{"a.i2p", "a.i2p", "b.i2p"}, map[string]string{"b.i2p": "Basic x"}, rand.New(rand.NewPCG(1, 2)))
	if len(p.exits) != 2 || p.exits[1].auth != "Basic x" {
		t.Errorf("%+v", p.exits)
	}
	if empty := newPool(nil, nil, nil); empty.pick(time.Now(), siteKey("", ""), nil) != nil {
		t.Error("an exit out of nothing")
	}
}

func TestSiteOf(t *testing.T) {
	for host, want := range map[string]string{"www.example.co.uk": "example.co.uk", "example.org": "example.org", "a.b.example.org": "example.org", "93.184.216.34": "93.184.216.34"} {
		if got := siteOf(host); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
}
