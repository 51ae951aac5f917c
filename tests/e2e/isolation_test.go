package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Two users of a proxy come from two destinations, the same user from one, and the proxies do not share one either.
func TestUsersComeFromDifferentDestinations(t *testing.T) {
	n := startNetwork(t, 6, http.NotFoundHandler())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-I2P-DestB32"))
	}))
	defer site.Close()
	c := n.start(t, fmt.Sprintf("[tunnels.web]\ntype = \"http-server\"\ntarget = %q\n", site.URL))
	r := c.waitReady(t)
	web := c.tunnel(t, "web", true)
	from := func(scheme, proxy, user string) string {
		t.Helper()
		u := &url.URL{Scheme: scheme, Host: proxy}
		if user != "" {
			u.User = url.UserPassword(user, "x")
		}
		browser := &http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}}
		status, from := get(t, browser, "http://"+web.Address+"/")
		if status != http.StatusOK || len(from) != 60 {
			t.Fatalf("%s as %q: %d %q", scheme, user, status, from)
		}
		return from
	}
	seen := map[string]string{}
	for _, who := range []struct{ scheme, proxy, user string }{
		{"socks5", r.SOCKSProxy, "alice"}, {"socks5", r.SOCKSProxy, "bob"}, {"socks5", r.SOCKSProxy, ""},
		{"http", r.HTTPProxy, "alice"}, {"http", r.HTTPProxy, ""},
	} {
		name := who.scheme + " " + who.user
		address := from(who.scheme, who.proxy, who.user)
		if other, taken := seen[address]; taken {
			t.Errorf("%s and %s come from one destination", name, other)
		}
		seen[address] = name
		t.Logf("%-13s %s", name, address)
		if again := from(who.scheme, who.proxy, who.user); again != address {
			t.Errorf("%s comes from two destinations", name)
		}
	}
}
