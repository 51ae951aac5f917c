package reachability

import (
	"net/netip"
	"slices"
	"time"
)

// A vote is one piece of evidence for a state: a peer test, or a session that a stranger opened. Whoever arranged it and whoever carried it out stand
// behind it, and a network stands behind one vote only, its latest.
type vote struct {
	at     time.Time
	state  State // OK, Firewalled or Symmetric
	by     [2]network
	tested netip.AddrPort
	before bool // it did not reach us, and our address was another one then: of the same NAT, most likely
}

// tally is what the votes of different networks say, from the latest back.
type tally struct {
	ok, blocked, symmetric int
	// state is the first that enough agree on; Unknown if none.
	state  State
	latest time.Time // of the votes for state
	// tested is where most strangers reached us, and how many did.
	tested  netip.AddrPort
	reached int
}

// count goes through votes, the latest first.
func count(votes []vote, agree int) (t tally) {
	used := map[network]bool{}
	at := map[netip.AddrPort]int{}
	var latestOK, latestBlocked time.Time
	for _, v := range votes {
		if used[v.by[0]] || used[v.by[1]] {
			continue
		}
		used[v.by[0]], used[v.by[1]] = true, true
		if v.state == OK {
			t.ok++
			if latestOK.IsZero() {
				latestOK = v.at
			}
			if v.tested.IsValid() {
				if at[v.tested]++; at[v.tested] > t.reached {
					t.tested, t.reached = v.tested, at[v.tested]
				}
			}
		} else {
			t.blocked++
			if latestBlocked.IsZero() {
				latestBlocked = v.at
			}
			if v.state == Symmetric {
				t.symmetric++
			}
		}
		switch {
		case t.state != Unknown:
		case t.ok >= agree:
			t.state, t.latest = OK, latestOK
		case t.blocked >= agree:
			t.state, t.latest = Firewalled, latestBlocked
		}
	}
	if t.state == Firewalled && t.symmetric >= agree && 2*t.symmetric >= t.blocked {
		t.state = Symmetric
	}
	return t
}

// repeated is what all tests say, if there is nothing but them to go by: the same at least twice, some time apart.
func repeated(tests []vote) State {
	if len(tests) < 2 || tests[len(tests)-1].at.Sub(tests[0].at) < repeatSpan {
		return Unknown
	}
	s := tests[len(tests)-1].state
	for _, v := range tests {
		if (v.state == OK) != (s == OK) {
			return Unknown
		}
		if v.state != s {
			s = Firewalled
		}
	}
	return s
}

// latestFirst merges and sorts; of votes at the same time the one entered later comes first.
func latestFirst(lists ...[]vote) []vote {
	all := slices.Concat(lists...)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b vote) int { return b.at.Compare(a.at) })
	return all
}
