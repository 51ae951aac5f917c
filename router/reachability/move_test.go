package reachability_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/reachability"
)

var elsewhere = netip.MustParseAddrPort("8.8.8.8:5353")

// settled is a keeper whose address many networks see and tests reached, and the time after that.
func settled() (*reachability.Keeper, time.Time) {
	k, now := keeper(nil), start
	for i := range 40 {
		k.AddressSeen(now, peer(i), ip(i), own)
		now = now.Add(10 * time.Second)
	}
	for i := range 3 {
		k.Tested(now, test(i+1, ok))
	}
	return k, now.Add(time.Second)
}

func tested(n int, outcome reachability.State, at netip.AddrPort) reachability.Test {
	x := test(n, outcome)
	x.Tested = at
	return x
}

func TestAFewLiarsDoNotMoveUs(t *testing.T) {
	k, now := settled()
	for i := range 20 {
		k.AddressSeen(now, peer(900+i), ip(300+i), elsewhere)
		want(t, k, now, ok, own)
	}
	if next := k.NextTest(now, v4); next.After(now.Add(20 * time.Second)) {
		t.Errorf("another address is said, and the next test is in %v", next.Sub(now))
	}
	for i := range 4 {
		now = now.Add(15 * time.Second)
		k.Tested(now, test(i+4, ok))
		want(t, k, now, ok, own)
	}
}

// An address that peers outvoted the old one with is not published as reached before a test says so; strangers, who may have come to the old one, do not.
// Tests bring the old one back.
func TestNewAddressIsNotReachedBeforeATest(t *testing.T) {
	moved := func() (*reachability.Keeper, time.Time) {
		k, now := settled()
		for i := range 41 {
			k.AddressSeen(now, peer(900+i), ip(300+i), elsewhere)
		}
		for i := range 5 {
			k.Inbound(now, peer(i), ip(i))
		}
		if r := want(t, k, now, unknown, elsewhere); !strings.Contains(r.Reason, "another address") {
			t.Error(r.Reason)
		}
		return k, now.Add(time.Second)
	}
	k, now := moved()
	k.Tested(now, test(1, ok))
	want(t, k, now, unknown, elsewhere)
	k.Tested(now, test(2, ok))
	want(t, k, now, ok, own)

	k, now = moved()
	k.Tested(now, tested(1, ok, elsewhere))
	k.Tested(now, tested(2, ok, elsewhere))
	want(t, k, now, ok, elsewhere)
	if r := k.Report(now, v4); r.Inbound != 5 {
		t.Errorf("%d strangers", r.Inbound)
	}
}

// The provider gives another address, and this machine does not notice: the tests of the old address fail, those of the new one are believed, though few
// have seen us there yet.
func TestRealMoveIsFollowedByTests(t *testing.T) {
	k, now := settled()
	to := netip.AddrPortFrom(netip.MustParseAddr("91.77.0.1"), 12345)
	for i := range 4 {
		now = now.Add(5 * time.Second)
		k.AddressSeen(now, peer(900+i), ip(300+i), to)
	}
	began := now
	for i := 0; ; i++ {
		r := k.Report(now, v4)
		if r.State == ok && r.External == to {
			return
		}
		switch now = k.NextTest(now, v4); {
		case now.Sub(began) > 5*time.Minute:
			t.Fatalf("not followed: %v at %v (%s)", r.State, r.External, r.Reason)
		case r.State == ok:
			k.Tested(now, tested(i+4, firewalled, own)) // what is published is what is tested
		default:
			k.Tested(now, tested(i+4, ok, to))
		}
	}
}

func TestOldReasonTellsWhatItIs(t *testing.T) {
	k := keeper(nil)
	k.AddressSeen(start, peer(1), ip(1), own)
	k.AddressSeen(start, peer(2), ip(2), own)
	k.Tested(start, test(1, firewalled))
	k.Tested(start, test(2, firewalled))
	now := start.Add(time.Second)
	for i := range 3 {
		k.AddressSeen(now, peer(900+i), ip(300+i), elsewhere)
	}
	if r := want(t, k, now, firewalled, elsewhere); !strings.Contains(r.Reason, "before our address changed") {
		t.Error(r.Reason)
	}
	k = keeper(nil)
	k.Inbound(start, peer(1), ip(1))
	k.Inbound(start, peer(2), ip(2))
	now = start.Add(90 * time.Minute)
	if r := k.Report(now, v4); !strings.Contains(r.Reason, "1h30m") || strings.Contains(r.Reason, "test") {
		t.Error(r.Reason)
	}
}

// Peers see us elsewhere than where the gateway forwards: a VPN, a second NAT, a gateway that lies, or one whose address changed.
func TestMappingElsewhereIsNotUsed(t *testing.T) {
	k := keeper(nil)
	k.Mapped(start, elsewhere, "UPnP")
	want(t, k, start, unknown, elsewhere)
	k.AddressSeen(start, peer(1), ip(1), own)
	want(t, k, start, unknown, elsewhere)
	k.AddressSeen(start, peer(2), ip(2), own)
	want(t, k, start, unknown, own)
	for i := range 3 {
		k.Tested(start, test(i+1, ok))
	}
	want(t, k, start, ok, own)

	k = keeper(nil) // strangers came, but not there
	k.Mapped(start, elsewhere, "UPnP")
	k.Inbound(start, peer(1), ip(1))
	k.Inbound(start, peer(2), ip(2))
	want(t, k, start, ok, nowhere)
	k.AddressSeen(start, peer(3), ip(3), elsewhere)
	want(t, k, start, ok, elsewhere)

	k = keeper(nil) // the provider gave another address
	k.Mapped(start, own, "UPnP")
	k.AddressSeen(start, peer(1), ip(1), own)
	k.AddressSeen(start, peer(2), ip(2), own)
	want(t, k, start, ok, own)
	now := start.Add(time.Minute)
	for i := range 3 {
		k.AddressSeen(now, peer(900+i), ip(300+i), elsewhere)
	}
	want(t, k, now, unknown, elsewhere)
	k.Mapped(now, elsewhere, "UPnP") // renewed
	want(t, k, now, ok, elsewhere)
}

// A gateway that says it forwards, though tests showed that it does not, is not believed anew because our address changed.
func TestRefutedMappingStaysRefutedAtANewAddress(t *testing.T) {
	k := keeper(nil)
	k.Mapped(start, own, "UPnP")
	for i := range 3 {
		k.AddressSeen(start, peer(i), ip(i), own)
		k.Tested(start, test(i+1, firewalled))
	}
	want(t, k, start, firewalled, own)
	now := start
	for _, to := range []netip.AddrPort{elsewhere, netip.MustParseAddrPort("91.77.0.1:12345")} {
		now = now.Add(20 * time.Minute)
		for i := range 7 {
			k.AddressSeen(now, peer(i), ip(i), to)
		}
		k.Mapped(now, to, "UPnP") // renewed
		if r := want(t, k, now, firewalled, to); !strings.Contains(r.Reason, "before our address changed") || r.Blocked != 0 {
			t.Error(r.Reason, r.Blocked)
		}
	}
	to := k.Report(now, v4).External
	k.Tested(now, tested(4, firewalled, elsewhere)) // of the one before: says nothing
	k.Tested(now, tested(5, ok, to))
	want(t, k, now, firewalled, to)
	k.Tested(now, tested(6, ok, to))
	want(t, k, now, ok, to)
}
