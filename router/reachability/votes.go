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
}

// tally is what the votes of different networks say, from the latest back.
type tally struct {
	ok, blocked, symmetric int
	// state is the first that enough agree on; Unknown if none.
	state  State
	latest time.Time      // of the votes for state
	tested netip.AddrPort // where strangers reached us last
}

// count goes through votes, the latest first.
func count(votes []vote, agree int) (t tally) {
	used := map[network]bool{}
	for _, v := range votes {
		if used[v.by[0]] || used[v.by[1]] {
			continue
		}
		used[v.by[0]], used[v.by[1]] = true, true
		switch v.state {
		case OK:
			t.ok++
			if !t.tested.IsValid() {
				t.tested = v.tested
			}
		case Symmetric:
			t.symmetric++
			t.blocked++
		case Firewalled:
			t.blocked++
		}
		if t.state == Unknown && t.ok >= agree {
			t.state = OK
		}
		if t.state == Unknown && t.blocked >= agree {
			t.state = Firewalled
		}
		if t.latest.IsZero() && (v.state == OK) == (t.state == OK) && t.state != Unknown {
			t.latest = v.at
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

// latestFirst merges and sorts.
func latestFirst(lists ...[]vote) []vote {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b vote) int { return b.at.Compare(a.at) })
	return all
}
