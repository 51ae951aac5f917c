package http

import (
	"encoding/base64"
	"errors"
	"net"
	nethttp "net/http"
	"strings"

	"clove.i2p/proxies"
)

// authorize reads Proxy-Authorization: who is it, and may they. If not it returns a page that asks.
func (s *Server) authorize(r *nethttp.Request) (proxies.Credentials, *page) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	if !s.guard.Required() {
		// Nobody has to say anything, and everybody can: this keeps streams apart and proves nothing.
		if strings.EqualFold(scheme, "Basic") {
			user, password := parseBasic(rest)
			return proxies.Credentials{User: user, Password: password}, nil
		}
		return proxies.Credentials{}, nil
	}
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	if s.cfg.Auth == AuthDigest {
		return s.authorizeDigest(r, client, scheme, rest)
	}
	if !strings.EqualFold(scheme, "Basic") {
		return proxies.Credentials{}, s.authenticatePage(false, nil)
	}
	user, password := parseBasic(rest)
	if user == "" {
		return proxies.Credentials{}, s.authenticatePage(false, nil)
	}
	if err := s.guard.Password(r.Context(), client, user, password); err != nil {
		return proxies.Credentials{}, s.authenticatePage(false, err)
	}
	return proxies.Credentials{User: user, Password: password, Verified: true}, nil
}

func (s *Server) authorizeDigest(r *nethttp.Request, client, scheme, rest string) (proxies.Credentials, *page) {
	refuse := func(stale bool, err error) (proxies.Credentials, *page) {
		return proxies.Credentials{}, s.authenticatePage(stale, err)
	}
	if !strings.EqualFold(scheme, "Digest") {
		return refuse(false, nil)
	}
	d, err := parseDigest(rest)
	if err != nil || d.realm != s.guard.Realm() || !d.isFor(r.RequestURI) {
		return refuse(false, nil)
	}
	// A browser that is told so tries again on its own. Nothing is said about the password.
	if !s.nonces.fresh(d.nonce, d.nc) {
		return refuse(true, nil)
	}
	err = s.guard.Digest(r.Context(), client, d.user, d.algorithm, func(ha1 string) bool { return d.fits(ha1, r.Method) })
	if err != nil {
		return refuse(false, err)
	}
	if !s.nonces.use(d.nonce, d.nc) {
		return refuse(true, nil)
	}
	return proxies.Credentials{User: d.user, Verified: true}, nil
}

// authenticatePage is a 407. err is nil if no credentials were judged.
func (s *Server) authenticatePage(stale bool, err error) *page {
	p := &page{
		status: nethttp.StatusProxyAuthRequired, proxy: "http_request_denied", Title: "Who are you?",
		Lead:   "This proxy asks for a user name and a password.",
		Advice: []string{"Whoever runs it keeps them in the users file (proxies.users_file in clove.toml)."},
		header: nethttp.Header{},
	}
	switch {
	case errors.Is(err, proxies.ErrTooManyFailures):
		p.Lead = "There were too many wrong passwords. Wait a minute, and try again."
	case err != nil:
		p.Lead = "User name or password are wrong."
	}
	realm := quote(s.guard.Realm())
	if s.cfg.Auth != AuthDigest {
		p.header.Set("Proxy-Authenticate", "Basic realm="+realm+`, charset="UTF-8"`)
		return p
	}
	for _, a := range s.guard.Algorithms() { // the strongest first, RFC 7616 section 3.7
		challenge := "Digest realm=" + realm + `, qop="auth", algorithm=` + string(a) + `, nonce="` + s.nonces.issue() + `"`
		if stale {
			challenge += ", stale=true"
		}
		p.header.Add("Proxy-Authenticate", challenge)
	}
	return p
}

// quote makes a quoted string of a realm, which comes from the users file.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= 0x20 && c != 0x7f:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func parseBasic(encoded string) (user, password string) {
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(decoded), ":")
	return user, password
}
