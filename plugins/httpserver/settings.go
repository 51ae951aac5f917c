package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// accessSettings are those of both types: who may come, how often and with what.
type accessSettings struct {
	Allow       []string `setting:"access_list" help:"only these destinations may come: .b32.i2p names"`
	Deny        []string `setting:"deny_list" help:"these may not"`
	Inproxy     bool     `setting:"reject_inproxy" default:"false" help:"refuse requests from the web that came through an inproxy"`
	Referer     bool     `setting:"reject_referer" default:"false" help:"refuse requests that follow a link from another site"`
	Agents      []string `setting:"reject_user_agents" help:"refuse browsers whose User-Agent contains one of these; \"none\": who sends none"`
	Compress    bool     `setting:"compress" default:"true" help:"compress answers for clients that ask for x-i2p-gzip"`
	PeerOpen    int      `setting:"peer_connections" default:"24" help:"connections of one visitor at a time; 0: no limit"`
	TotalOpen   int      `setting:"total_connections" default:"200" help:"of all"`
	PeerMinute  int      `setting:"peer_minute" default:"240" help:"requests of one visitor per minute; 0: no limit"`
	PeerHour    int      `setting:"peer_hour" default:"3000" help:"per hour"`
	PeerDay     int      `setting:"peer_day" default:"20000" help:"per day"`
	TotalMinute int      `setting:"total_minute" default:"1200" help:"requests of all visitors per minute; 0: no limit"`
	TotalHour   int      `setting:"total_hour" default:"0" help:"per hour"`
	TotalDay    int      `setting:"total_day" default:"0" help:"per day"`
}

// serverSettings are those of http-server.
type serverSettings struct {
	Target      string            `setting:"target" kind:"dial-address" required:"true" help:"the local web server: host:port, http://host:port or https://host:port, with a path if it is not all of it"`
	Ports       map[string]string `setting:"ports" kind:"dial-address" help:"other targets by I2P port; host:port without http:// passes bytes as they are, which TLS on port 443 needs"`
	Host        string            `setting:"host" help:"the Host that the web server sees; default: the .b32.i2p name"`
	Hosts       map[string]string `setting:"hosts" help:"the same by I2P port"`
	UniqueLocal bool              `setting:"unique_local" default:"true" help:"connect from an address 127.x.y.z that is the visitor's own, if the web server is on 127.0.0.0/8"`
	TLSCA       string            `setting:"tls_ca" kind:"file" help:"certificates (PEM) that an https target must be signed by; needed when it is not on this machine"`
	TLSName     string            `setting:"tls_name" help:"the name in its certificate; default: the target's host"`

	PostsPerPeer int           `setting:"posts_per_peer" default:"0" help:"POST, PUT, PATCH and DELETE requests of a visitor within post_window before it is banned from them; 0: no limit"`
	PostsTotal   int           `setting:"posts_total" default:"0" help:"the same for all visitors together"`
	PostWindow   time.Duration `setting:"post_window" default:"5m" help:"what posts are counted over"`
	PostBan      time.Duration `setting:"post_ban" default:"30m" help:"how long a visitor is banned from posting"`
	PostTotalBan time.Duration `setting:"post_total_ban" default:"10m" help:"how long all are"`

	accessSettings
}

// folderSettings are those of http-folder.
type folderSettings struct {
	Folder string        `setting:"folder" kind:"folder" required:"true" help:"what is served; no listings, nothing whose name begins with a dot, nothing that a link leads out to"`
	Index  string        `setting:"index" default:"index.html" help:"the file that stands for its folder"`
	MaxAge time.Duration `setting:"max_age" default:"0s" help:"how long browsers may keep files without asking again"`

	accessSettings
}

// policy is who may come, how often and with what.
type policy struct {
	lists            visitors.Lists
	limits           visitors.Limits
	posts            visitors.ThrottleLimits
	inproxy, referer bool
	agents           []string
	compress         bool
}

func (s serverSettings) policy() (policy, []sdk.Problem) {
	p, problems := s.accessSettings.policy()
	p.posts = visitors.ThrottleLimits{Peer: s.PostsPerPeer, Total: s.PostsTotal, Window: s.PostWindow, Ban: s.PostBan, TotalBan: s.PostTotalBan}
	if s.PostsPerPeer < 0 || s.PostsTotal < 0 {
		problems = append(problems, sdk.Problem{Key: "posts_per_peer", Text: "limits are 0 (none) or more"})
	}
	if s.PostWindow <= 0 || s.PostBan <= 0 || s.PostTotalBan <= 0 {
		problems = append(problems, sdk.Problem{Key: "post_window", Text: "post_window, post_ban and post_total_ban must be longer than 0s"})
	}
	return p, problems
}

func (s accessSettings) policy() (policy, []sdk.Problem) {
	var problems []sdk.Problem
	for _, l := range []struct {
		key  string
		list []string
	}{{"access_list", s.Allow}, {"deny_list", s.Deny}} {
		if _, err := visitors.NewLists(l.list, nil); err != nil {
			problems = append(problems, sdk.Problem{Key: l.key, Text: err.Error()})
		}
	}
	lists, _ := visitors.NewLists(s.Allow, s.Deny)
	p := policy{
		lists: lists, inproxy: s.Inproxy, referer: s.Referer, agents: s.Agents, compress: s.Compress,
		limits: visitors.Limits{
			PeerOpen: s.PeerOpen, TotalOpen: s.TotalOpen,
			Peer:  visitors.Rate{PerMinute: s.PeerMinute, PerHour: s.PeerHour, PerDay: s.PeerDay},
			Total: visitors.Rate{PerMinute: s.TotalMinute, PerHour: s.TotalHour, PerDay: s.TotalDay},
		},
	}
	for _, n := range []struct {
		key string
		n   int
	}{
		{"peer_connections", s.PeerOpen}, {"total_connections", s.TotalOpen}, {"peer_minute", s.PeerMinute}, {"peer_hour", s.PeerHour},
		{"peer_day", s.PeerDay}, {"total_minute", s.TotalMinute}, {"total_hour", s.TotalHour}, {"total_day", s.TotalDay},
	} {
		if n.n < 0 {
			problems = append(problems, sdk.Problem{Key: n.key, Text: "a limit is 0 (none) or more"})
		}
	}
	return p, problems
}

func (s folderSettings) problems() []sdk.Problem {
	_, problems := s.policy()
	if strings.ContainsAny(s.Index, "/\\") || strings.HasPrefix(s.Index, ".") {
		problems = append(problems, sdk.Problem{Key: "index", Text: "write the name of a file, such as index.html"})
	}
	if s.MaxAge < 0 {
		problems = append(problems, sdk.Problem{Key: "max_age", Text: "must not be negative"})
	}
	return problems
}

func (s serverSettings) problems() []sdk.Problem {
	_, problems := s.policy()
	main, err := parseTarget(s.Target)
	if err != nil {
		problems = append(problems, sdk.Problem{Key: "target", Text: err.Error()})
	}
	all := map[string]target{"target": main}
	for port, address := range s.Ports {
		if !isPort(port) {
			problems = append(problems, sdk.Problem{Key: "ports", Text: fmt.Sprintf("%.20q is no port: write a number from 1 to 65535", port)})
		}
		t, err := parseTarget(address)
		if err != nil {
			problems = append(problems, sdk.Problem{Key: "ports", Text: err.Error()})
		}
		all["ports"] = t
	}
	for key, t := range all {
		if t.tls && s.TLSCA == "" && !t.here() {
			problems = append(problems, sdk.Problem{Key: key, Text: "an https:// server that is not on this machine needs tls_ca, the certificates that it must be signed by"})
		}
	}
	for port := range s.Hosts {
		if !isPort(port) {
			problems = append(problems, sdk.Problem{Key: "hosts", Text: fmt.Sprintf("%.20q is no port: write a number from 1 to 65535", port)})
		}
	}
	for _, host := range append(values(s.Hosts), s.Host) {
		if strings.ContainsAny(host, " /\r\n\t\x00@") {
			problems = append(problems, sdk.Problem{Key: "host", Text: fmt.Sprintf("%.40q is no host: write example.i2p", host)})
		}
	}
	return problems
}

func values(m map[string]string) []string {
	var all []string
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

// target is a local server.
type target struct {
	raw     bool   // bytes are passed on as they are, where that is possible
	tls     bool   // https
	address string // host:port, as DialLocal wants it
	path    string // in front of all paths, or empty
}

func parseTarget(s string) (target, error) {
	bad := fmt.Errorf("%.80q is no address: write 127.0.0.1:8080, http://127.0.0.1:8080 or https://127.0.0.1:8443", s)
	if !strings.Contains(s, "://") {
		host, port, err := net.SplitHostPort(s)
		if err != nil || host == "" || !isPort(port) {
			return target{}, bad
		}
		return target{raw: true, address: s}, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return target{}, bad
	}
	t := target{tls: u.Scheme == "https", address: u.Host, path: strings.TrimSuffix(u.EscapedPath(), "/")}
	if port := u.Port(); port == "" {
		t.address = net.JoinHostPort(u.Hostname(), map[bool]string{false: "80", true: "443"}[t.tls])
	} else if !isPort(port) {
		return target{}, bad
	}
	return t, nil
}

func (t target) host() string {
	host, _, _ := net.SplitHostPort(t.address)
	return host
}

// here tells whether what is sent there stays on this machine.
func (t target) here() bool {
	a, err := netip.ParseAddr(t.host())
	return t.host() == "localhost" || err == nil && a.IsLoopback()
}

// sources tells whether it can be reached from any address of 127.0.0.0/8.
func (t target) sources() bool {
	a, err := netip.ParseAddr(t.host())
	return t.host() == "localhost" || err == nil && a.Is4() && a.IsLoopback()
}
