package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// exitSettings are those of outproxy-server.
type exitSettings struct {
	Squid       string   `setting:"squid" kind:"dial-address" help:"host:port of a squid; without it the plugin goes out itself, which needs the permission dial-clearnet"`
	UniqueLocal bool     `setting:"unique_local" default:"false" help:"connect to squid from an address 127.x.y.z that is the client's own; its http_access must allow 127.0.0.0/8"`
	ForwardDest bool     `setting:"forward_dest" default:"false" help:"tell squid the client's destination in X-I2P-DestB32; squid must not send it on"`
	Ports       []string `setting:"ports" kind:"clearnet-ports" default:"80,443" help:"ports that clients may reach: 443, or 1000-2000"`
	DenyHosts   []string `setting:"deny_hosts" help:"domains that nobody may reach; example.org means all below it, too"`
	AllowHosts  []string `setting:"allow_hosts" help:"if it is given, only these domains may be reached"`

	Rate       sdk.Size          `setting:"client_rate" default:"256KB" help:"bytes per second of one client, both directions together; 0: no limit"`
	Quota      sdk.Size          `setting:"client_quota" default:"2GB" help:"bytes per day (UTC) of one client; 0: no limit"`
	TotalQuota sdk.Size          `setting:"total_quota" default:"0" help:"bytes per day of all clients; 0: no limit"`
	PeerMinute int               `setting:"client_minute" default:"120" help:"requests of one client per minute; 0: no limit"`
	AllMinute  int               `setting:"total_minute" default:"1200" help:"requests of all clients per minute; 0: no limit"`
	PeerOpen   int               `setting:"client_connections" default:"32" help:"connections of one client at a time; 0: no limit"`
	TotalOpen  int               `setting:"total_connections" default:"200" help:"of all"`
	Allow      []string          `setting:"access_list" help:"only these destinations may use the exit: .b32.i2p names"`
	Deny       []string          `setting:"deny_list" help:"these may not"`
	Users      map[string]string `setting:"users" kind:"secret" help:"names and passwords, one of which a client must give; without it nobody is asked"`
	Audit      bool              `setting:"audit" default:"true" help:"keep counts by day, client (six characters), port and outcome; never sites"`
}

// exitPolicy is what a reload replaces.
type exitPolicy struct {
	rules   rules
	lists   visitors.Lists
	limits  visitors.Limits
	budget  budget
	users   map[string]string
	forward bool
	unique  bool
	audit   bool
}

func (s exitSettings) policy() (exitPolicy, []sdk.Problem) {
	var problems []sdk.Problem
	problem := func(key string, err error) {
		if err != nil {
			problems = append(problems, sdk.Problem{Key: key, Text: err.Error()})
		}
	}
	_, err := newRules(s.Ports, nil, nil)
	problem("ports", err)
	_, err = newRules(nil, s.AllowHosts, nil)
	problem("allow_hosts", err)
	_, err = newRules(nil, nil, s.DenyHosts)
	problem("deny_hosts", err)
	_, err = visitors.NewLists(s.Allow, nil)
	problem("access_list", err)
	_, err = visitors.NewLists(nil, s.Deny)
	problem("deny_list", err)
	for _, n := range []struct {
		key string
		n   int64
	}{
		{"client_rate", int64(s.Rate)}, {"client_quota", int64(s.Quota)}, {"total_quota", int64(s.TotalQuota)}, {"client_minute", int64(s.PeerMinute)},
		{"total_minute", int64(s.AllMinute)}, {"client_connections", int64(s.PeerOpen)}, {"total_connections", int64(s.TotalOpen)},
	} {
		if n.n < 0 {
			problem(n.key, fmt.Errorf("a limit is 0 (none) or more"))
		}
	}
	for name, password := range s.Users {
		if name == "" || strings.Contains(name, ":") || password == "" {
			problem("users", fmt.Errorf("names have no colon, and passwords are not empty"))
		}
	}
	if s.UniqueLocal && !loopback4(s.Squid) {
		problem("unique_local", fmt.Errorf("works for a squid on 127.0.0.1 only"))
	}
	if s.ForwardDest && s.Squid == "" {
		problem("forward_dest", fmt.Errorf("is for squid: nobody else is told who asks"))
	}
	r, _ := newRules(s.Ports, s.AllowHosts, s.DenyHosts)
	lists, _ := visitors.NewLists(s.Allow, s.Deny)
	return exitPolicy{
		rules: r, lists: lists, users: s.Users, forward: s.ForwardDest, unique: s.UniqueLocal, audit: s.Audit,
		limits: visitors.Limits{
			PeerOpen: s.PeerOpen, TotalOpen: s.TotalOpen, Peer: visitors.Rate{PerMinute: s.PeerMinute}, Total: visitors.Rate{PerMinute: s.AllMinute},
		},
		budget: budget{rate: int64(s.Rate), client: int64(s.Quota), total: int64(s.TotalQuota)},
	}, problems
}

func (s exitSettings) problems() []sdk.Problem {
	_, problems := s.policy()
	if s.Squid != "" && !isHostPort(s.Squid) {
		problems = append(problems, sdk.Problem{Key: "squid", Text: fmt.Sprintf("%.80q is no address: write 127.0.0.1:3128", s.Squid)})
	}
	return problems
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && host != "" && n > 0
}

func loopback4(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Is4() && a.Addr().IsLoopback()
}

// clientSettings are those of outproxy-client.
type clientSettings struct {
	Exits       []string          `setting:"outproxies" kind:"i2p-address" help:"exits for http:// requests: name.i2p or .b32.i2p, with :port if it has one"`
	TLSExits    []string          `setting:"https_outproxies" kind:"i2p-address" help:"exits for https:// and everything else that is not http://; never those of the other list, unless they are here, too"`
	Credentials map[string]string `setting:"credentials" kind:"secret" help:"name:password by exit, for those that ask"`
	Listen      string            `setting:"listen" kind:"listen-address" help:"a local address where the exits can be used as an HTTP proxy without clove's rules; default: none"`
	Probe       time.Duration     `setting:"probe_interval" default:"10m" help:"how long an exit may be idle before it is tried; 0s: never"`
}

func (s clientSettings) problems() []sdk.Problem {
	var problems []sdk.Problem
	if len(s.Exits)+len(s.TLSExits) == 0 {
		problems = append(problems, sdk.Problem{Key: "outproxies", Text: "name at least one exit, here or in https_outproxies"})
	}
	all := append(slices.Clone(s.Exits), s.TLSExits...)
	for exit, secret := range s.Credentials {
		switch name, password, ok := strings.Cut(secret, ":"); {
		case !ok || name == "" || password == "":
			problems = append(problems, sdk.Problem{Key: "credentials", Text: fmt.Sprintf("of %.80q: write \"name:password\"", exit)})
		case !slices.Contains(all, exit):
			problems = append(problems, sdk.Problem{Key: "credentials", Text: fmt.Sprintf("%.80q is in neither list of exits: write it as it is there", exit)})
		}
	}
	if s.Probe != 0 && s.Probe < time.Minute {
		problems = append(problems, sdk.Problem{Key: "probe_interval", Text: "write 0s for never, or one minute or more: exits are other people's"})
	}
	return problems
}
