package reachability_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/reachability"
)

const (
	unknown, ok, firewalled = reachability.Unknown, reachability.OK, reachability.Firewalled
	symmetric, hidden       = reachability.Symmetric, reachability.Hidden
	v4, v6                  = reachability.V4, reachability.V6
)

var (
	start = time.Unix(1_700_000_000, 0)
	own   = netip.MustParseAddrPort("91.10.0.1:12345")
	bound = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:12345"), netip.MustParseAddrPort("[::]:12345")}
)

func peer(n int) reachability.Peer { return reachability.Peer{byte(n), byte(n >> 8), 1} }

// ip is in a network of its own for each n.
func ip(n int) netip.Addr { return netip.AddrFrom4([4]byte{byte(50 + n/200), byte(n % 200), 0, 1}) }

// test is one that Bob n and Charlie n+100 took part in.
func test(n int, outcome reachability.State) reachability.Test {
	return reachability.Test{
		Outcome: outcome, Tested: own, Bob: peer(n), BobIP: ip(n), Charlie: peer(n + 100), CharlieIP: ip(n + 100), Why: "because",
	}
}

func keeper(change func(*reachability.Config)) *reachability.Keeper {
	cfg := reachability.Config{Listen: bound, Jitter: func() float64 { return 0.5 }}
	if change != nil {
		change(&cfg)
	}
	return reachability.New(cfg, start)
}

func want(t *testing.T, k *reachability.Keeper, now time.Time, state reachability.State, external netip.AddrPort) reachability.Report {
	t.Helper()
	r := k.Report(now, v4)
	if r.State != state || r.External != external {
		t.Errorf("%v at %v (%s), want %v at %v", r.State, r.External, r.Reason, state, external)
	}
	if r.Reason == "" {
		t.Error("no reason")
	}
	return r
}

var nowhere netip.AddrPort

func TestConfigurationGoesFirst(t *testing.T) {
	k := keeper(func(c *reachability.Config) { c.Hidden = true })
	k.Inbound(start, peer(1), ip(1))
	k.Inbound(start, peer(2), ip(2))
	want(t, k, start, hidden, nowhere)
	if !k.NextTest(start, v4).IsZero() {
		t.Error("a hidden router is tested")
	}

	k = keeper(func(c *reachability.Config) { c.Listen = bound[1:] })
	want(t, k, start, reachability.Disabled, nowhere)
	if !k.NextTest(start, v4).IsZero() || k.NextTest(start, v6).IsZero() {
		t.Error("tests of a router with IPv6 only")
	}

	k = keeper(func(c *reachability.Config) { c.Advertise = []netip.AddrPort{netip.MustParseAddrPort("91.10.0.7:0")} })
	for i := range 4 {
		k.Tested(start, tested(i, firewalled, netip.MustParseAddrPort("91.10.0.7:12345")))
	}
	r := want(t, k, start, ok, netip.MustParseAddrPort("91.10.0.7:12345"))
	if !strings.Contains(r.Reason, "could not reach") {
		t.Errorf("nothing said against the configuration: %s", r.Reason)
	}
	if k.NextTest(start, v4).IsZero() {
		t.Error("a configured address is not tested")
	}
	if r := k.Report(start, v6); r.State != unknown {
		t.Errorf("IPv6: %v", r.State)
	}

	// Packets leave from another address than the one that is forwarded to us: what Bobs see is tested, and says nothing of that one.
	for _, outcome := range []reachability.State{ok, firewalled, symmetric} {
		k = keeper(func(c *reachability.Config) { c.Advertise = []netip.AddrPort{own} })
		for i := range 8 {
			k.AddressSeen(start, peer(i), ip(i), elsewhere)
			k.Tested(start, tested(i+1, outcome, elsewhere))
			if next := k.NextTest(start, v4); next.Before(start.Add(okTest)) {
				t.Errorf("test %d, %v: the next is in %v", i, outcome, next.Sub(start))
			}
		}
		r := want(t, k, start, ok, own)
		if r.Reached+r.Blocked > 0 || strings.Contains(r.Reason, "could not reach") {
			t.Errorf("%v: reached by %d, not by %d (%s)", outcome, r.Reached, r.Blocked, r.Reason)
		}
	}
	k = keeper(func(c *reachability.Config) { c.Advertise = []netip.AddrPort{own} })
	for i := range 3 { // tests of that one count
		k.AddressSeen(start, peer(i), ip(i), elsewhere)
		k.Tested(start, test(i+1, ok))
	}
	if r := want(t, k, start, ok, own); r.Reached != 3 || k.NextTest(start, v4).Before(start.Add(okTest)) {
		t.Errorf("reached by %d, next test in %v", r.Reached, k.NextTest(start, v4).Sub(start))
	}
}

const okTest = 30 * time.Minute

func TestVerdictTakesTwoNetworks(t *testing.T) {
	for _, s := range []reachability.State{ok, firewalled, symmetric} {
		k := keeper(nil)
		k.Tested(start, test(1, s))
		want(t, k, start, unknown, nowhere)
		same := test(1, s)
		same.Charlie, same.CharlieIP = peer(150), ip(150) // another Charlie of the same Bob
		k.Tested(start.Add(time.Second), same)
		same = test(50, s)
		same.BobIP = netip.AddrFrom4([4]byte{50, 1, 77, 77}) // another Bob of the same network
		k.Tested(start.Add(2*time.Second), same)
		want(t, k, start.Add(3*time.Second), unknown, nowhere)
		k.Tested(start.Add(time.Minute), test(2, s))
		external := nowhere
		if s == ok {
			external = own
		}
		want(t, k, start.Add(time.Minute), s, external)
	}
}

// With nobody else to ask, one who repeats himself is believed, until others say otherwise.
func TestLoneWitness(t *testing.T) {
	k := keeper(nil)
	k.Tested(start, test(1, firewalled))
	k.Tested(start.Add(time.Minute), test(1, firewalled))
	want(t, k, start.Add(time.Minute), unknown, nowhere)
	k.Tested(start.Add(6*time.Minute), test(1, firewalled))
	want(t, k, start.Add(6*time.Minute), firewalled, nowhere)
	k.Tested(start.Add(7*time.Minute), test(2, ok))
	k.Tested(start.Add(8*time.Minute), test(3, ok))
	want(t, k, start.Add(8*time.Minute), ok, own)
}

// One network says the opposite of the truth in every other test, for hours.
func TestLiarDoesNotFlip(t *testing.T) {
	for _, truth := range []reachability.State{ok, firewalled} {
		lie := ok + firewalled - truth
		k := keeper(nil)
		now := start
		for i := range 60 {
			now = now.Add(3 * time.Minute)
			if i%2 == 0 {
				k.Tested(now, test(i%6, truth))
			} else {
				l := test(7, lie)
				l.CharlieIP = ip(200 + i) // any Charlie
				k.Tested(now, l)
			}
			if r := k.Report(now, v4); i > 3 && r.State != truth {
				t.Fatalf("%v after %d tests, %v is true", r.State, i, truth)
			}
		}
	}
}

func TestVerdictFollowsTheTruth(t *testing.T) {
	k := keeper(nil)
	now := start
	for i, s := range []reachability.State{ok, ok, ok, firewalled, firewalled, ok, ok} {
		now = now.Add(10 * time.Minute)
		k.Tested(now, test(i, s))
		if i == 0 {
			continue
		}
		state := []reachability.State{0, ok, ok, ok, firewalled, firewalled, ok}[i]
		if r := k.Report(now, v4); r.State != state {
			t.Errorf("test %d: %v, want %v", i, r.State, state)
		}
	}
	if r := k.Report(now, v4); !r.Since.Equal(now) {
		t.Errorf("since %v, now %v", r.Since, now)
	}
}

func TestStrangersShowThatWeAreReached(t *testing.T) {
	k := keeper(nil)
	k.Inbound(start, peer(1), ip(1))
	k.Inbound(start, peer(2), netip.AddrFrom4([4]byte{50, 1, 3, 3})) // of the same network
	want(t, k, start, unknown, nowhere)
	k.Inbound(start, peer(3), netip.AddrFrom16(ip(3).As16())) // 4-in-6, as some sockets have it
	if r := want(t, k, start, ok, nowhere); r.Inbound != 2 {
		t.Errorf("%d strangers", r.Inbound)
	}
	if r := k.Report(start, v6); r.State != unknown {
		t.Errorf("IPv6 is %v", r.State)
	}
}

func TestSymmetric(t *testing.T) {
	see := func(k *reachability.Keeper, now time.Time, n int) {
		for i := range n {
			k.AddressSeen(now, peer(i), ip(i), netip.AddrPortFrom(own.Addr(), uint16(20000+i)))
		}
	}
	k := keeper(nil)
	see(k, start, 2)
	if r := k.Report(start, v4); r.State != unknown || r.Ports != 2 {
		t.Errorf("%v after two ports", r)
	}
	see(k, start, 3)
	if r := k.Report(start, v4); r.State != symmetric || r.External.Addr() != own.Addr() {
		t.Errorf("%v at %v after three ports", r.State, r.External)
	}
	// A stranger gets in all the same: the port is forwarded.
	k.Tested(start, test(1, ok))
	k.Tested(start, test(2, ok))
	want(t, k, start, ok, own)

	k = keeper(nil)
	k.Tested(start, test(1, firewalled))
	k.Tested(start, test(2, firewalled))
	see(k, start, 4)
	if r := k.Report(start, v4); r.State != symmetric {
		t.Errorf("%v: firewalled, and every peer sees another port", r.State)
	}

	// Two of six see another port: not symmetric, but two peers that lie or had an old mapping.
	k = keeper(nil)
	k.Tested(start, test(1, firewalled))
	k.Tested(start, test(2, firewalled))
	see(k, start, 2)
	for i := 2; i < 6; i++ {
		k.AddressSeen(start, peer(i), ip(i), own)
	}
	want(t, k, start, firewalled, own)

	k = keeper(nil)
	k.Tested(start, test(1, firewalled))
	k.Tested(start, test(2, symmetric))
	if r := k.Report(start, v4); r.State != firewalled {
		t.Errorf("%v by the word of one", r.State)
	}
	k.Tested(start, test(3, symmetric))
	if r := k.Report(start, v4); r.State != symmetric {
		t.Errorf("%v by the word of two", r.State)
	}
}

func TestAddressTakesTwoNetworksAndChangesByThree(t *testing.T) {
	k := keeper(nil)
	for i := range 20 { // one network with many routers
		k.AddressSeen(start, peer(i), netip.AddrFrom4([4]byte{77, 1, 0, byte(i)}), netip.MustParseAddrPort("8.8.8.8:1"))
	}
	want(t, k, start, unknown, nowhere)
	k.AddressSeen(start, peer(30), ip(30), own)
	k.AddressSeen(start, peer(31), ip(31), own)
	want(t, k, start, unknown, own)
	k.AddressSeen(start, peer(32), ip(32), netip.MustParseAddrPort("192.168.1.1:12345")) // no address to be seen at

	moved := netip.AddrPortFrom(netip.MustParseAddr("91.77.0.1"), 12345)
	now := start.Add(time.Minute)
	for i, a := range []netip.AddrPort{own, own, moved} {
		k.AddressSeen(now, peer(40+i), ip(40+i), moved)
		want(t, k, now, unknown, a)
	}
	if next := k.NextTest(now, v4); next.After(now.Add(20 * time.Second)) {
		t.Errorf("next test in %v after a change of address", next.Sub(now))
	}
	// The other family has its own.
	k.AddressSeen(now, peer(1), netip.MustParseAddr("2a01:100::1"), netip.MustParseAddrPort("[2a01:1::1]:5000"))
	k.AddressSeen(now, peer(2), netip.MustParseAddr("2a01:200::1"), netip.MustParseAddrPort("[2a01:1::1]:5000"))
	if r := k.Report(now, v6); r.External != netip.MustParseAddrPort("[2a01:1::1]:5000") {
		t.Error(r.External)
	}
}

// A Bob who lies about our port and has a friend confirm it does not make us publish that port.
func TestPortOfOneTestIsNotPublished(t *testing.T) {
	k := keeper(nil)
	for i := range 3 {
		k.AddressSeen(start, peer(i), ip(i), own)
	}
	k.Tested(start, test(1, ok))
	lie := test(9, ok)
	lie.Tested = netip.AddrPortFrom(own.Addr(), 9999)
	k.Tested(start.Add(time.Second), lie)
	want(t, k, start.Add(time.Second), ok, own)
}

func TestPortMapping(t *testing.T) {
	external := netip.AddrPortFrom(own.Addr(), 40000)
	k := keeper(nil)
	k.Mapped(start, external, "UPnP")
	want(t, k, start, unknown, external) // the gateway's word alone
	k.AddressSeen(start, peer(1), ip(1), netip.AddrPortFrom(own.Addr(), 5))
	r := want(t, k, start, ok, external)
	if !strings.Contains(r.Reason, "UPnP") {
		t.Error(r.Reason)
	}
	k.Tested(start.Add(time.Minute), test(1, firewalled))
	k.Tested(start.Add(2*time.Minute), test(2, firewalled))
	r = want(t, k, start.Add(2*time.Minute), firewalled, external)
	if !strings.Contains(r.Reason, "not forwarded") {
		t.Error(r.Reason)
	}
	k.Unmapped(start.Add(3*time.Minute), v4)
	want(t, k, start.Add(3*time.Minute), firewalled, nowhere)

	k = keeper(nil)
	k.Mapped(start, netip.MustParseAddrPort("192.168.1.2:12345"), "NAT-PMP")
	r = want(t, k, start, unknown, nowhere)
	if !strings.Contains(r.Reason, "another NAT") {
		t.Error(r.Reason)
	}
	// Peers see another address than the one that is mapped: a second NAT.
	k = keeper(nil)
	for i := range 3 {
		k.AddressSeen(start, peer(i), ip(i), own)
	}
	k.Mapped(start, netip.MustParseAddrPort("91.200.0.1:12345"), "PCP")
	if r := k.Report(start, v4); r.State != unknown {
		t.Errorf("%+v", r)
	}
}

func TestVerdictFades(t *testing.T) {
	k := keeper(nil)
	k.Tested(start, test(1, ok))
	k.Tested(start, test(2, ok))
	r := k.Report(start.Add(3*time.Hour+time.Minute), v4)
	if r.State != ok || r.Reached != 0 {
		t.Errorf("%+v", r)
	}
	k.Tick(start.Add(4*time.Hour + time.Minute))
	if r = k.Report(start.Add(4*time.Hour+time.Minute), v4); r.State != unknown {
		t.Errorf("%v after four hours", r.State)
	}
}

func TestLocalChangeForgets(t *testing.T) {
	k := keeper(nil)
	k.Tested(start, test(1, ok))
	k.Tested(start, test(2, ok))
	k.LocalChanged(start, bound[:1])
	want(t, k, start, unknown, nowhere)
	if r := k.Report(start, v6); r.State != reachability.Disabled {
		t.Error(r.State)
	}
	if next := k.NextTest(start, v4); next.After(start.Add(20 * time.Second)) {
		t.Error(next.Sub(start))
	}
}

// A new network for IPv4 says nothing of IPv6; a rest says nothing of either, but asks for tests.
func TestMoveForgetsOneFamilyAndARestNone(t *testing.T) {
	k := keeper(nil)
	six := func(n int) reachability.Test {
		x := test(n, ok)
		x.Family, x.Tested = v6, netip.MustParseAddrPort("[2600::1]:12345")
		return x
	}
	for n := range 2 {
		k.Tested(start, test(n+1, ok))
		k.Tested(start, six(n+1))
	}
	k.Mapped(start, own, "UPnP")
	state := func(f reachability.Family) reachability.State { return k.Report(start, f).State }
	if state(v4) != ok || state(v6) != ok || k.NextTest(start, v6).Sub(start) < 20*time.Second {
		t.Fatal(state(v4), state(v6), k.NextTest(start, v6).Sub(start))
	}
	k.Retest(start)
	if state(v4) != ok || state(v6) != ok || k.NextTest(start, v6).Sub(start) > 20*time.Second {
		t.Error("rest:", state(v4), state(v6), k.NextTest(start, v6).Sub(start))
	}
	k.Moved(start, v4)
	want(t, k, start, unknown, nowhere)
	if state(v6) != ok || k.NextTest(start, v4).Sub(start) > 20*time.Second {
		t.Error("move:", state(v6), k.NextTest(start, v4).Sub(start))
	}
}

// A mapping that is lost takes what came through it along, not what was found without it.
func TestLostMapping(t *testing.T) {
	for name, evidence := range map[string]func(k *reachability.Keeper){
		"none":      func(*reachability.Keeper) {},
		"tests":     func(k *reachability.Keeper) { k.Tested(start, test(1, ok)); k.Tested(start, test(2, ok)) },
		"strangers": func(k *reachability.Keeper) { k.Inbound(start, peer(1), ip(1)); k.Inbound(start, peer(2), ip(2)) },
	} {
		k := keeper(nil)
		k.Mapped(start, own, "UPnP")
		k.AddressSeen(start, peer(1), ip(1), own)
		evidence(k)
		want(t, k, start, ok, own)
		k.Unmapped(start, v4)
		if r := k.Report(start, v4); r.State != unknown {
			t.Errorf("%s: %v (%s)", name, r.State, r.Reason)
		}
		if next := k.NextTest(start, v4); next.After(start.Add(20 * time.Second)) {
			t.Errorf("%s: tested in %v", name, next.Sub(start))
		}
		k.Tested(start, test(3, ok))
		k.Tested(start, test(4, ok))
		k.Unmapped(start, v4) // it is not there
		want(t, k, start, ok, own)
	}
}

func TestSchedule(t *testing.T) {
	k := keeper(nil)
	now := start
	in := func(least, most time.Duration) {
		t.Helper()
		if d := k.NextTest(now, v4).Sub(now); d < least || d > most {
			t.Errorf("next test in %v, want %v to %v", d, least, most)
		}
	}
	in(time.Second, time.Minute)
	for _, d := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		k.TestFailed(now, v4)
		in(d*time.Second, 2*d*time.Second)
	}
	k.TestStarted(now, v4)
	in(31*time.Second, time.Minute) // longer than a test
	for _, d := range []time.Duration{10, 10, 10, 10, 10, 30, 60, 120, 240, 480, 600, 600} {
		k.Tested(now, test(1, unknown))
		in(d*time.Second, 2*d*time.Second)
	}
	k.Tested(now, test(1, ok)) // one says so
	in(10*time.Second, 20*time.Second)
	k.Tested(now, test(2, ok))
	in(30*time.Minute, time.Hour)
	k.Tested(now, test(3, firewalled)) // contradicts
	in(10*time.Second, 20*time.Second)
	k.Tested(now, test(4, firewalled))
	in(20*time.Minute, 40*time.Minute)
	k.Mapped(now, own, "PCP")
	in(time.Second, 20*time.Second)
	k.Moved(now, v4)
	for i, d := range []time.Duration{10, 10, 10, 10, 10, 30, 60, 120, 240, 480, 600, 600} { // one who contradicts himself settles nothing
		k.Tested(now, test(1, []reachability.State{ok, firewalled}[i%2]))
		in(d*time.Second, 2*d*time.Second)
	}
	if d := k.NextTest(now, v6).Sub(now); d > time.Minute {
		t.Errorf("IPv6 in %v", d)
	}
}

// Changed is called once for each change, one call at a time, and may call the keeper.
func TestChangedIsCalledInOrder(t *testing.T) {
	var k *reachability.Keeper
	var mu sync.Mutex
	var got []reachability.State
	busy := false
	k = keeper(func(c *reachability.Config) {
		c.Changed = func(r reachability.Report) {
			mu.Lock()
			if busy {
				t.Error("two calls at once")
			}
			busy = true
			got = append(got, r.State)
			mu.Unlock()
			k.Tick(start)
			if now := k.Report(start, r.Family); now.Since != r.Since {
				t.Error("overtaken report")
			}
			mu.Lock()
			busy = false
			mu.Unlock()
		}
	})
	for i := range 6 {
		k.Tested(start.Add(time.Duration(i)), test(i, []reachability.State{ok, ok, firewalled, firewalled, firewalled, symmetric}[i]))
	}
	if fmt.Sprint(got) != "[ok firewalled]" {
		t.Errorf("%v", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	calls := 0 // unguarded: Changed is called one at a time
	var k *reachability.Keeper
	k = keeper(func(c *reachability.Config) {
		c.Changed = func(r reachability.Report) { calls++; k.Report(start, r.Family) }
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 80 {
				now := start.Add(time.Duration(i) * time.Minute)
				k.Tested(now, test(g*10+i%10, []reachability.State{ok, firewalled, symmetric}[(g+i)%3]))
				k.AddressSeen(now, peer(i), ip(i), netip.AddrPortFrom(own.Addr(), uint16(1000+g)))
				k.Inbound(now, peer(i), ip(i))
				k.Report(now, v4)
				k.NextTest(now, v6)
			}
		})
	}
	wg.Wait()
	if calls == 0 {
		t.Error("nothing changed")
	}
}
