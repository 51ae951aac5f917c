package ssu2

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// What flows did is counted once, while they are open and after they have ended.
func TestStatsCountWhatAllFlowsDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, ha := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		transfer(t, ours, b, 20, 3000, nil)
		time.Sleep(2 * sweepInterval)
		open := a.transport.Stats().Flows
		ha.SetPath(simnet.Path{Link: simnet.Link{Loss: 1}}, simnet.Path{})
		ours.Send([]*buf.Buf{message(1, 3000, 1)})
		time.Sleep(2 * time.Second)
		ha.SetPath(lossy(0), simnet.Path{})
		time.Sleep(2 * time.Second)
		sn := ours.(*session)
		ours.Close(transport.ReasonNormal)
		receive(t, a.closed)
		sn.mu.Lock()
		want := sn.flow.Stats()
		sn.mu.Unlock()
		got := a.transport.Stats().Flows
		if open.PacketsOut < 20 || got.PacketsOut != want.PacketsOut || got.Resent == 0 || got.Resent != want.Resent || got.Probes != want.Probes {
			t.Errorf("open %+v, ended %+v, of the flow %+v", open, got, want)
		}
	})
}

func TestStatsHaveSocketsAndNAT(t *testing.T) {
	a, b := newRouter(t, nil).serve(), newRouter(t, nil).serve()
	a.dial(b)
	(&reader{l: a.running().links[0]}).batch(shortPackets(), time.Now())
	a.running().nat.block(b.hash(), 9, nil)
	for end := time.Now().Add(20 * time.Second); a.transport.Stats().NAT == (nat.Stats{}); {
		if time.Now().After(end) {
			t.Fatal("a malformed block is not counted")
		}
		time.Sleep(time.Millisecond)
	}
	if s := a.transport.Stats(); s.Sockets.Read == 0 || s.Sockets.Written == 0 || s.Short != 1 {
		t.Errorf("%+v", s)
	}
}

func shortPackets() []udp.Packet { return []udp.Packet{{Data: make([]byte, 3)}} }
