package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// serverSettings are those of tcp-server.
type serverSettings struct {
	Target      string            `setting:"target" kind:"dial-address" help:"the local server, host:port; takes all I2P ports that ports does not name"`
	Ports       map[string]string `setting:"ports" kind:"dial-address" help:"servers by I2P port: { 22 = \"127.0.0.1:22\" }; without a target, other ports are refused"`
	UniqueLocal bool              `setting:"unique_local" default:"true" help:"connect from an address that is the visitor's own: 127.x.y.z if the server is on 127.0.0.0/8, fdxx:... if it is on ::1 and the machine has these addresses"`
	Proxy       string            `setting:"proxy_protocol" choices:"none,v1,v2" default:"none" help:"tell the server the visitor's own address in a PROXY header; v2 also the destination's name"`
	Idle        time.Duration     `setting:"idle_timeout" default:"24h" help:"a connection that moves nothing for so long is closed"`

	TLS         bool   `setting:"tls" default:"false" help:"speak TLS to the local server"`
	TLSCA       string `setting:"tls_ca" kind:"file" help:"certificates (PEM) that it must be signed by; without one, any certificate of a server on this machine is taken"`
	TLSName     string `setting:"tls_name" help:"the name in its certificate; default: the target's host"`
	TLSInsecure bool   `setting:"tls_insecure" default:"false" help:"take any certificate, also of a server on another machine"`

	Allow       []string `setting:"access_list" help:"only these destinations may come: .b32.i2p names, or names of the address book"`
	Deny        []string `setting:"deny_list" help:"these may not"`
	PeerOpen    int      `setting:"peer_connections" default:"30" help:"connections of one visitor at a time; 0: no limit"`
	TotalOpen   int      `setting:"total_connections" default:"200" help:"of all"`
	PeerMinute  int      `setting:"peer_minute" default:"30" help:"new connections of one visitor per minute; 0: no limit"`
	PeerHour    int      `setting:"peer_hour" default:"80" help:"per hour"`
	PeerDay     int      `setting:"peer_day" default:"200" help:"per day"`
	TotalMinute int      `setting:"total_minute" default:"50" help:"new connections of all visitors per minute; 0: no limit"`
	TotalHour   int      `setting:"total_hour" default:"0" help:"per hour"`
	TotalDay    int      `setting:"total_day" default:"0" help:"per day"`
}

func (s serverSettings) limits() visitors.Limits {
	return visitors.Limits{
		PeerOpen: s.PeerOpen, TotalOpen: s.TotalOpen,
		Peer:  visitors.Rate{PerMinute: s.PeerMinute, PerHour: s.PeerHour, PerDay: s.PeerDay},
		Total: visitors.Rate{PerMinute: s.TotalMinute, PerHour: s.TotalHour, PerDay: s.TotalDay},
	}
}

func (s serverSettings) problems() []sdk.Problem {
	all := durations(map[string]time.Duration{"idle_timeout": s.Idle})
	problem := func(key, format string, args ...any) {
		all = append(all, sdk.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	if s.Target == "" && len(s.Ports) == 0 {
		problem("target", `is missing: write target = "127.0.0.1:22", or ports = { 22 = "127.0.0.1:22" }`)
	}
	if len(s.Ports) > maxMappings {
		problem("ports", "has %d entries; %d are the most", len(s.Ports), maxMappings)
	}
	check := func(key, address string) {
		if !isAddress(address) {
			problem(key, "%.80q is no address: write host:port, such as 127.0.0.1:22", address)
		}
		if s.TLS && s.TLSCA == "" && !s.TLSInsecure && !onThisMachine(address) {
			problem("tls_ca", "is missing: a server on another machine has to prove who it is; or set tls_insecure")
		}
	}
	if s.Target != "" {
		check("target", s.Target)
	}
	for port, address := range s.Ports {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			problem("ports", "%.20q is no I2P port: want 1 to 65535", port)
		}
		check("ports", address)
	}
	if !s.TLS && (s.TLSCA != "" || s.TLSName != "" || s.TLSInsecure) {
		problem("tls", "is off, and so tls_ca, tls_name and tls_insecure do nothing: set tls = true, or take them out")
	}
	for key, list := range map[string][]string{"access_list": s.Allow, "deny_list": s.Deny} {
		if len(list) > maxList {
			problem(key, "has %d entries; %d are the most", len(list), maxList)
		}
		for _, e := range list {
			if _, err := visitors.ParsePeer(e); err != nil && !isName(e) {
				problem(key, "%v, or a name of the address book", err)
			}
		}
	}
	for key, n := range map[string]int{
		"peer_connections": s.PeerOpen, "total_connections": s.TotalOpen, "peer_minute": s.PeerMinute, "peer_hour": s.PeerHour,
		"peer_day": s.PeerDay, "total_minute": s.TotalMinute, "total_hour": s.TotalHour, "total_day": s.TotalDay,
	} {
		if n < 0 {
			problem(key, "a limit is 0 (none) or more")
		}
	}
	return all
}

func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// onThisMachine reports whether nobody else can be in between.
func onThisMachine(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
