package control_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/router"
	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport"
)

func TestAdviceForWhoCannotBeReached(t *testing.T) {
	at := netip.MustParseAddrPort
	now := time.Now()
	both := []router.Port{{Style: "NTCP2", At: at("0.0.0.0:5")}, {Style: "NTCP2", At: at("[::]:6")}, {Style: "SSU2", At: at("0.0.0.0:5")}, {Style: "SSU2", At: at("[::]:6")}}
	dual := []router.Port{{Style: "NTCP2", At: at("[::]:7")}, {Style: "SSU2", At: at("[::]:8")}}
	over := func(style, remote string) transport.SessionStatus {
		return transport.SessionStatus{Style: style, Remote: at(remote)}
	}
	old := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		s    router.Status
		r    reachability.Report
		want []string // none: no advice
	}{
		"reached":            {router.Status{Started: old}, reachability.Report{State: reachability.OK}, nil},
		"hidden":             {router.Status{Started: old}, reachability.Report{State: reachability.Hidden}, nil},
		"firewalled":         {router.Status{Ports: both}, reachability.Report{State: reachability.Firewalled}, []string{"forward port 5 for UDP and TCP", "works without"}},
		"symmetric, two":     {router.Status{Ports: dual}, reachability.Report{State: reachability.Symmetric}, []string{"forward UDP port 8 and TCP port 7"}},
		"SSU2 alone":         {router.Status{Ports: dual[1:]}, reachability.Report{State: reachability.Firewalled}, []string{"forward UDP port 8 in"}},
		"IPv6":               {router.Status{Ports: both}, reachability.Report{Family: reachability.V6, State: reachability.Firewalled}, []string{"let port 6 for UDP and TCP", "IPv6 firewall"}},
		"forwarded in vain":  {router.Status{Ports: both, Mappings: []portmap.State{{External: at("10.0.0.1:5"), DoubleNAT: true}}}, reachability.Report{State: reachability.Firewalled}, []string{"another one before it"}},
		"too early":          {router.Status{Started: now, Sessions: []transport.SessionStatus{over("NTCP2", "11.0.0.1:1")}}, reachability.Report{}, nil},
		"no IPv6":            {router.Status{Started: old, Sessions: []transport.SessionStatus{over("SSU2", "11.0.0.1:1")}}, reachability.Report{Family: reachability.V6}, nil},
		"UDP does not leave": {router.Status{Started: old, Sessions: []transport.SessionStatus{over("NTCP2", "11.0.0.1:1")}}, reachability.Report{}, []string{"over UDP"}},
		"nobody tested":      {router.Status{Started: old, Ports: both, Sessions: []transport.SessionStatus{over("SSU2", "11.0.0.1:1")}}, reachability.Report{}, []string{"wait", "port 5"}},
	} {
		c.s.Reachability = []reachability.Report{c.r}
		got := control.NewStatus(c.s, now).Reachability[0].Next
		if (got == "") != (c.want == nil) {
			t.Errorf("%s: %q", name, got)
		}
		for _, part := range c.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q, want %q in it", name, got, part)
			}
		}
	}
}

func TestStatusSaysPortsBansAndIntroducers(t *testing.T) {
	now := time.Now()
	a, err := i2p.NewRouterAddress(14, "SSU2", map[string]string{"ih0": "x", "ih1": "y", "pq": "4,3"})
	if err != nil {
		t.Fatal(err)
	}
	s := control.NewStatus(router.Status{
		Addresses: []i2p.RouterAddress{a}, Ports: []router.Port{{Style: "SSU2", At: netip.MustParseAddrPort("0.0.0.0:5")}}, Sockets: []string{"batch"},
		Bans: []transport.BannedPeer{{Reason: transport.BanProtocol, Until: now.Add(time.Minute)}},
	}, now)
	if s.Addresses[0].Introducers != 2 || s.Addresses[0].PostQuantum != "4,3" {
		t.Errorf("%+v", s.Addresses)
	}
	if len(s.Listening) != 1 || s.Listening[0] != (control.Listening{Style: "SSU2", Network: "UDP", Address: "0.0.0.0:5"}) || s.Sockets[0] != "batch" {
		t.Errorf("%+v %v", s.Listening, s.Sockets)
	}
	if len(s.Bans) != 1 || s.Bans[0].Reason != "protocol" || s.Bans[0].Seconds != 60 {
		t.Errorf("%+v", s.Bans)
	}
}
