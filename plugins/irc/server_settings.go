package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// serverSettings are those of irc-server.
type serverSettings struct {
	Target      string `setting:"target" kind:"dial-address" default:"127.0.0.1:6667" help:"the local IRC server, without TLS"`
	Port        int    `setting:"port" default:"0" help:"I2P port; 0: all"`
	Method      string `setting:"method" choices:"user,webirc" default:"user" help:"how the server is told the client's host: in USER, or by WEBIRC, which it must be configured for"`
	Password    string `setting:"webirc_password" kind:"secret" help:"for webirc"`
	Gateway     string `setting:"webirc_gateway" default:"cgiirc" help:"the gateway's name, for webirc"`
	Hostname    string `setting:"hostname" default:"%f.b32.i2p" help:"the client's host: %f is the hash of its destination, %c a cloaked one that only this server can tell"`
	UniqueLocal bool   `setting:"unique_local" default:"true" help:"connect from an address 127.x.y.z that is the client's own, if the server is on 127.0.0.0/8"`

	PeerOpen    int `setting:"peer_connections" default:"5" help:"connections of one client at a time; 0: no limit"`
	TotalOpen   int `setting:"total_connections" default:"200" help:"of all"`
	PeerMinute  int `setting:"peer_minute" default:"10" help:"new connections of one client per minute; 0: no limit"`
	PeerHour    int `setting:"peer_hour" default:"60" help:"per hour"`
	PeerDay     int `setting:"peer_day" default:"200" help:"per day"`
	TotalMinute int `setting:"total_minute" default:"50" help:"new connections of all clients per minute; 0: no limit"`
	TotalHour   int `setting:"total_hour" default:"0" help:"per hour"`
	TotalDay    int `setting:"total_day" default:"0" help:"per day"`
}

func (s serverSettings) limits() visitors.Limits {
	return visitors.Limits{
		PeerOpen: s.PeerOpen, TotalOpen: s.TotalOpen,
		Peer:  visitors.Rate{PerMinute: s.PeerMinute, PerHour: s.PeerHour, PerDay: s.PeerDay},
		Total: visitors.Rate{PerMinute: s.TotalMinute, PerHour: s.TotalHour, PerDay: s.TotalDay},
	}
}

func (s serverSettings) problems() []sdk.Problem {
	var all []sdk.Problem
	problem := func(key, format string, args ...any) {
		all = append(all, sdk.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	if port, err := portOf(s.Target); err != nil || port == 0 {
		problem("target", "%.80q is no address: write host:port, such as 127.0.0.1:6667", s.Target)
	}
	if s.Port < 0 || s.Port > 65535 {
		problem("port", "must be a number from 0 to 65535")
	}
	if s.Method == "webirc" && !word(s.Password) {
		problem("webirc_password", "write the password that the server expects, one word")
	}
	if !word(s.Gateway) {
		problem("webirc_gateway", "must be one word")
	}
	if host := hostOf(s.Hostname, visitors.Peer{}, nil); !word(host) || len(host) > maxHost {
		problem("hostname", "makes a host of %d characters: use %%f or %%c once, no spaces, and at most %d in all", len(host), maxHost)
	}
	for _, n := range []struct {
		key string
		n   int
	}{
		{"peer_connections", s.PeerOpen}, {"total_connections", s.TotalOpen}, {"peer_minute", s.PeerMinute}, {"peer_hour", s.PeerHour},
		{"peer_day", s.PeerDay}, {"total_minute", s.TotalMinute}, {"total_hour", s.TotalHour}, {"total_day", s.TotalDay},
	} {
		if n.n < 0 {
			problem(n.key, "a limit is 0 (none) or more")
		}
	}
	return all
}

// word can stand as a parameter of IRC.
func word(s string) bool {
	return s != "" && s[0] != ':' && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// sources tells whether the server can be reached from any address of 127.0.0.0/8.
func (s serverSettings) sources() bool {
	host, _, _ := net.SplitHostPort(s.Target)
	a, err := netip.ParseAddr(host)
	return s.UniqueLocal && (host == "localhost" || err == nil && a.Unmap().Is4() && a.IsLoopback())
}
