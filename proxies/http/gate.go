package http

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"clove.i2p/proxies"
)

// identity is who makes a request. owner is by listener and user, whatever the isolation is.
type identity struct {
	credentials proxies.Credentials
	owner       proxies.Isolation
}

func (s *Server) identify(c proxies.Credentials) identity {
	return identity{c, proxies.IsolationPolicy{Listener: true, User: true}.Key(s.cfg.Name, c, "", proxies.Shape{})}
}

// decide asks the rules.
func (s *Server) decide(user identity, host string, port int, method string) proxies.Decision {
	return s.policy.Decide(proxies.Request{
		Listener: s.cfg.Name, User: user.credentials.ProvenUser(), Host: host, Port: port, Method: method,
	})
}

// target is where the stream of a decision goes. A name that only this user knows is replaced by what it stands for.
func (s *Server) target(d proxies.Decision, user identity) proxies.Target {
	t := d.Target(s.cfg.Isolation.Key(s.cfg.Name, user.credentials, d.Host, d.Tunnels))
	if s.cfg.Book == nil || d.Via != "" || !isName(d.Host) {
		return t
	}
	if host, ok := s.names.get(user.owner, d.Host); ok {
		if _, saved := s.cfg.Book.Lookup(d.Host); !saved {
			t.Host = host
		}
	}
	return t
}

// locate finds the host and port of an absolute-form request, as the client wrote them, and leaves in u what the server may
// see: no user information, no fragment, a path.
func locate(u *url.URL) (host string, port int, err error) {
	if u.Scheme != "http" || u.Opaque != "" {
		return "", 0, fmt.Errorf("http: scheme: %w", proxies.ErrBadHost)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if err := cutFragment(u); err != nil {
		return "", 0, err
	}
	if u.Host == "i2p" {
		// http://i2p/DESTINATION/path: browsers change the case of hosts, and base64 does not survive that.
		destination, rest, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
		u.Host, u.RawPath = destination, "/"+rest
		if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
			return "", 0, fmt.Errorf("http: path: %w", proxies.ErrBadHost)
		}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	host, port, err = proxies.SplitHostPort(strings.TrimSuffix(u.Host, ":"), 80)
	if err == nil && strings.EqualFold(host, proxies.SelfHost) {
		host = proxies.SelfHost
	}
	return host, port, err
}

// cutFragment removes what no browser sends: net/http takes it for a part of the path or query.
func cutFragment(u *url.URL) (err error) {
	u.RawQuery, _, _ = strings.Cut(u.RawQuery, "#")
	path, _, found := strings.Cut(u.RawPath, "#")
	if !found {
		return nil
	}
	u.RawPath, u.RawQuery, u.ForceQuery = path, "", false
	if u.Path, err = url.PathUnescape(path); err != nil {
		return fmt.Errorf("http: path: %w", proxies.ErrBadHost)
	}
	return nil
}

// withPort leaves out HTTP's own port, as browsers do.
func withPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}
