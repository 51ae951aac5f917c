package http

import (
	"fmt"
	"net/url"
	"strings"

	"clove.i2p/proxies"
)

// A JumpService is a site that looks names up and sends the browser back with an address helper. Links to it are shown, and it
// gets the name when the user follows one; the proxy itself asks none.
type JumpService struct {
	Name string // for people
	URL  string // http://HOST.i2p/..., the name takes the place of %s, or comes at the end
}

// ParseJump reads "URL" or "NAME=URL". A service without a name has its host's.
func ParseJump(s string) (JumpService, error) {
	j := JumpService{URL: s}
	if name, rest, ok := strings.Cut(s, "="); ok && !strings.ContainsAny(name, "/:?") {
		j.Name, j.URL = strings.TrimSpace(name), strings.TrimSpace(rest)
	}
	bad := func(why string) (JumpService, error) {
		return JumpService{}, fmt.Errorf("http: jump: %.200q: %s; write http://HOST.i2p/PATH?QUERY=, to which the name is added", s, why)
	}
	u, err := url.Parse(strings.Replace(j.URL, "%s", "x", 1))
	if err != nil || len(j.URL) > maxJumpURL {
		return bad("not a URL")
	}
	if u.Scheme != "http" || u.User != nil || strings.Contains(j.URL, "#") || u.Path == "" {
		return bad("not an http:// URL with a path")
	}
	host, err := hostOf(u)
	if err != nil || host == proxies.SelfHost {
		return bad("its host is not in I2P")
	}
	if j.Name == "" {
		j.Name = host
	}
	return j, nil
}

// DefaultJump are the services that are well known.
func DefaultJump() []JumpService {
	return []JumpService{
		{"stats.i2p", "http://stats.i2p/cgi-bin/jump.cgi?a=%s"},
		{"i2pjump.i2p", "http://i2pjump.i2p/jump/%s"},
		{"notbob.i2p", "http://notbob.i2p/cgi-bin/jump.cgi?q=%s"},
		{"reg.i2p", "http://reg.i2p/jump/%s"},
	}
}

// link is where the browser goes for a name, which is a checked one.
func (j JumpService) link(name string) string {
	if strings.Contains(j.URL, "%s") {
		return strings.Replace(j.URL, "%s", name, 1)
	}
	return j.URL + name
}

// hostOf is a URL's host, if it is in I2P.
func hostOf(u *url.URL) (string, error) {
	name, _, err := proxies.SplitHostPort(u.Host, 80)
	if err != nil {
		return "", err
	}
	return proxies.ParseHost(name)
}

// jumps are the links for an unknown name: to services that can be reached themselves.
func (s *Server) jumps(host string) []link {
	if !isName(host) {
		return nil
	}
	var links []link
	for _, j := range s.cfg.Jump {
		u, err := url.Parse(j.link(host))
		if err != nil {
			continue
		}
		service, err := hostOf(u)
		if err != nil || service == host {
			continue
		}
		if s.cfg.Book != nil && isName(service) {
			if _, known := s.cfg.Book.Lookup(service); !known {
				continue
			}
		}
		links = append(links, link{Text: j.Name, URL: u.String()})
	}
	return links
}

// isName tells whether a parsed host is one that address books list.
func isName(host string) bool {
	return strings.HasSuffix(host, ".i2p") && !strings.HasSuffix(host, ".b32.i2p") && host != proxies.SelfHost
}
