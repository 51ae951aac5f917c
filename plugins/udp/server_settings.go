package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// serverSettings are those of udp-server.
type serverSettings struct {
	Target      string        `setting:"target" kind:"dial-address" required:"true" help:"the local UDP server, host:port"`
	Port        int           `setting:"port" default:"0" help:"I2P port; 0: all"`
	Kind        string        `setting:"kind" choices:"datagram1,datagram2,datagram3,raw" default:"datagram1" help:"what to take: datagram1 is what all clients send, datagram2 cannot be replayed elsewhere; raw has no sender and gets no answer"`
	Raw         string        `setting:"raw" choices:"auto,yes,no" default:"auto" help:"take raw datagrams that come from the port of one peer, as i2pd sends most of its; auto: unless there is an access or deny list, since nothing proves who sent them"`
	UniqueLocal bool          `setting:"unique_local" default:"true" help:"send from an address of 127.0.0.0/8 that is the peer's own, if the server is on this machine"`
	Idle        time.Duration `setting:"idle_timeout" default:"2m" help:"a peer that was quiet for so long is forgotten"`

	Allow        []string `setting:"access_list" help:"only these destinations may come: .b32.i2p names, or names of the address book"`
	Deny         []string `setting:"deny_list" help:"these may not"`
	PeerOpen     int      `setting:"peer_sessions" default:"8" help:"ports of one destination at a time; 0: no limit"`
	TotalOpen    int      `setting:"total_sessions" default:"100" help:"of all, up to 200"`
	PeerMinute   int      `setting:"peer_minute" default:"60" help:"new ports of one destination per minute; 0: no limit"`
	TotalMinute  int      `setting:"total_minute" default:"300" help:"of all"`
	PeerPackets  int      `setting:"peer_packets" default:"0" help:"datagrams of one destination per second; 0: no limit"`
	TotalPackets int      `setting:"total_packets" default:"0" help:"of all"`
}

func (s serverSettings) limits() visitors.Limits {
	return visitors.Limits{
		PeerOpen: s.PeerOpen, TotalOpen: s.TotalOpen,
		Peer: visitors.Rate{PerMinute: s.PeerMinute}, Total: visitors.Rate{PerMinute: s.TotalMinute},
	}
}

// listed: some may not come.
func (s serverSettings) listed() bool { return len(s.Allow)+len(s.Deny) > 0 }

// takesRaw: raw datagrams, too.
func (s serverSettings) takesRaw() bool {
	return s.Kind != "raw" && (s.Raw == "yes" || s.Raw == "auto" && !s.listed())
}

func (s serverSettings) problems() (all []sdk.Problem) {
	problem := func(key, format string, args ...any) {
		all = append(all, sdk.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	if host, port, err := net.SplitHostPort(s.Target); err != nil || host == "" || port == "0" {
		problem("target", "%.80q is no address: write host:port, such as 127.0.0.1:53", s.Target)
	}
	if s.Port < 0 || s.Port > 65535 {
		problem("port", "%d: want 0 to 65535", s.Port)
	}
	if s.Idle < leastIdle {
		problem("idle_timeout", "%v is too short: want at least %v", s.Idle, leastIdle)
	}
	if s.listed() && !proven(s.Kind) {
		problem("kind", "nothing proves who sends %s, and so the lists would keep nobody out: use datagram1 or datagram2", s.Kind)
	}
	if s.listed() && s.Raw == "yes" {
		problem("raw", "nothing proves who sends raw datagrams, and so the lists would keep nobody out: use no or auto")
	}
	for key, list := range map[string][]string{"access_list": s.Allow, "deny_list": s.Deny} {
		if len(list) > maxList {
			problem(key, "has %d entries; %d are the most", len(list), maxList)
		}
		for _, e := range list {
			if _, err := visitors.ParsePeer(e); err != nil && !strings.HasSuffix(e, ".i2p") {
				problem(key, "%v, or a name of the address book", err)
			}
		}
	}
	if s.TotalOpen < 1 || s.TotalOpen > mostPeers {
		problem("total_sessions", "%d: want 1 to %d", s.TotalOpen, mostPeers)
	}
	for key, n := range map[string]int{
		"peer_sessions": s.PeerOpen, "peer_minute": s.PeerMinute, "total_minute": s.TotalMinute, "peer_packets": s.PeerPackets,
		"total_packets": s.TotalPackets,
	} {
		if n < 0 {
			problem(key, "a limit is 0 (none) or more")
		}
	}
	return all
}
