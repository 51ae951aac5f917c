package http

import (
	"encoding/base64"
	"fmt"
	nethttp "net/http"
	"net/url"
	"strings"

	"clove.i2p/proxies"
)

// authorize reads Proxy-Authorization: who is it, and may they.
func (s *Server) authorize(h nethttp.Header) (proxies.Isolation, bool) {
	user, password := basic(h.Get("Proxy-Authorization"))
	if !s.cfg.Users.Allow(user, password) {
		return proxies.Isolation{}, false
	}
	return proxies.NewIsolation(s.cfg.Name, user, password), true
}

func basic(credentials string) (user, password string) {
	scheme, encoded, _ := strings.Cut(credentials, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", ""
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(decoded), ":")
	return user, password
}

// locate finds the host and port of an absolute-form request, and leaves in u what the server may see: no user
// information, no fragment, a path.
func locate(u *url.URL) (host string, port int, err error) {
	if u.Scheme != "http" || u.Opaque != "" {
		return "", 0, fmt.Errorf("http: scheme: %w", proxies.ErrBadHost)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
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
	if err != nil {
		return "", 0, err
	}
	if strings.EqualFold(host, proxies.SelfHost) {
		return proxies.SelfHost, port, nil
	}
	host, err = proxies.ParseHost(host)
	return host, port, err
}
