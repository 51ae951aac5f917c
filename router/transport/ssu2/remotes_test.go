package ssu2

import (
	"net/netip"
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

func TestTableKnowsTheAddressesOfSessions(t *testing.T) {
	all := newTable()
	at := netip.MustParseAddrPort
	enter := func(i byte, remote string) *session {
		s := &session{id: wire.ConnectionID(i), peer: i2p.Hash{i}, remote: at(remote)}
		h := &inbound{id: s.id}
		if !all.enterInbound(s.id, h) || !all.enterSession(s, h) {
			t.Fatal("not entered")
		}
		return s
	}
	check := func(when string, want map[string]bool) {
		t.Helper()
		for a, is := range want {
			if all.hasRemote(at(a)) != is {
				t.Errorf("%s: %s: %v", when, a, !is)
			}
		}
	}
	a, b := enter(1, "11.0.0.1:5"), enter(2, "11.0.0.1:6")
	check("two of one IP", map[string]bool{"11.0.0.1:5": true, "11.0.0.1:6": true, "11.0.0.1:7": false, "11.0.0.1:0": true, "11.0.0.2:0": false})
	all.moveSession(b, at("11.0.0.2:6"))
	check("moved", map[string]bool{"11.0.0.1:6": false, "11.0.0.2:6": true, "11.0.0.1:0": true, "11.0.0.2:0": true})
	all.endSession(a)
	check("one has ended", map[string]bool{"11.0.0.1:5": false, "11.0.0.1:0": false, "11.0.0.2:0": true})
	all.endSession(b)
	all.moveSession(b, at("11.0.0.3:6")) // too late
	all.endSession(b)
	if len(all.remotes) != 0 || b.remote != at("11.0.0.3:6") {
		t.Errorf("%v are left", all.remotes)
	}
}

// Each inbound handshake asks: it may wait for no session.
func TestNoSessionIsAskedForItsAddress(t *testing.T) {
	a, b := newRouter(t, nil).serve(), newRouter(t, nil).serve()
	_, theirs := a.dial(b)
	h := (*natHost)(b.running().nat)
	sn := theirs.(*session)
	sn.mu.Lock()
	defer sn.mu.Unlock()
	answers := make(chan bool)
	go func() {
		answers <- h.Contacted(sn.remote, false)
		answers <- h.Contacted(netip.MustParseAddrPort("11.0.0.9:9"), true)
	}()
	if !receive(t, answers) || receive(t, answers) {
		t.Error("wrong answers")
	}
}
