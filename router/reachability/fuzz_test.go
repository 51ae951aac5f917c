package reachability_test

import (
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/reachability"
)

// FuzzKeeper lives through any sequence of evidence with a truth behind it: what honest networks (0 to 9) say is true, what the one liar (10) says is
// whatever helps him. A verdict that goes against the truth must not come about once two honest networks have spoken, nor an external address that
// only the liar has named.
func FuzzKeeper(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 2, 3, 10, 4, 10, 5, 1, 6, 7, 7, 8, 8, 9, 9})
	f.Add([]byte{1, 1, 10, 1, 10, 1, 10, 1, 10, 1, 3, 1, 10, 5, 5, 1, 10})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || len(data) > 2000 {
			return
		}
		truth := []reachability.State{ok, firewalled}[data[0]&1]
		lie := ok + firewalled - truth
		k := keeper(func(c *reachability.Config) {
			c.Changed = func(r reachability.Report) {
				if r.Family != v4 && r.State != unknown {
					t.Fatalf("IPv6 is %v by nobody's word", r.State)
				}
			}
		})
		now := start
		spoke := map[int]time.Time{}
		named := map[int]bool{}
		liarAddress := netip.MustParseAddrPort("8.8.8.8:53")
		for i := 1; i+1 < len(data); i += 2 {
			op, who := data[i], int(data[i+1])%11
			liar := who == 10
			now = now.Add(time.Duration(op>>3) * time.Minute)
			switch op & 7 {
			case 0, 1, 2:
				s := truth
				if liar {
					s = lie
				}
				tested := test(who, s)
				if liar {
					tested.Tested, tested.External = liarAddress, liarAddress
					tested.CharlieIP = netip.AddrFrom4([4]byte{50, 10, 9, 9}) // his own network: another would be a second liar
				} else {
					spoke[who] = now
				}
				k.Tested(now, tested)
			case 3:
				tested := test(who, unknown)
				k.Tested(now, tested)
			case 4:
				a := own
				if liar {
					a = liarAddress
				} else {
					named[who] = true
				}
				k.AddressSeen(now, peer(who), ip(who), a)
			case 5:
				if !liar && truth == ok {
					k.Inbound(now, peer(who), ip(who))
				}
			case 6:
				k.TestStarted(now, v4)
				k.TestFailed(now, v4)
			case 7:
				k.Tick(now)
			}
			r := k.Report(now, v4)
			recent := 0
			for _, at := range spoke {
				if now.Sub(at) < 2*time.Hour {
					recent++
				}
			}
			if recent >= 2 && (r.State == lie || r.State == symmetric) {
				t.Fatalf("%v, though %d networks know better: %s", r.State, recent, r.Reason)
			}
			if r.External.Addr() == liarAddress.Addr() {
				t.Fatalf("the liar's address is published; %d named the other", len(named))
			}
			if next := k.NextTest(now, v4); next.IsZero() || next.After(now.Add(2*time.Hour)) {
				t.Fatalf("next test at %v, now %v", next, now)
			}
			if r.Reason == "" || r.Since.After(now) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
