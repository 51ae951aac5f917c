package main

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
)

func TestCleanRequestLeavesNothingForgeable(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{
		"X-I2P-DestHash", "x-i2p-destb32", "X_I2P_DestB64", "X-Forwarded-For", "X_Forwarded_Host", "X-Real-IP", "Forwarded", "Via", "Proxy",
		"Client-IP", "True-Client-IP", "Remote-User", "X-Original-URL", "X-Rewrite-Url",
	} {
		h[name] = []string{"forged"}
	}
	h["X-Accept-Encoding"] = []string{"x-i2p-gzip;q=1.0, identity;q=0.5"}
	h["Accept"] = []string{"kept"}
	cleanRequest(h)
	if len(h) != 1 || h.Get("Accept") != "kept" {
		t.Errorf("left: %v", h)
	}
}

func TestOffersGzip(t *testing.T) {
	for value, want := range map[string]bool{
		"x-i2p-gzip;q=1.0, identity;q=0.5, deflate;q=0, gzip;q=0, *;q=0": true, "x-i2p-gzip": true, "gzip, X-I2P-Gzip ; q=0.1": true,
		"x-i2p-gzip;q=0": false, "x-i2p-gzip;q=0.0": false, "x-i2p-gzip;q=x": false, "gzip": false, "*": false, "": false,
	} {
		if got := offersGzip(http.Header{"X-Accept-Encoding": {value}}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestCompressible(t *testing.T) {
	for _, c := range []struct {
		status int
		header string
		want   bool
	}{
		{200, "Content-Type: text/html; charset=utf-8", true}, {200, "", true}, {404, "Content-Type: text/html", true}, {206, "Content-Type: text/plain", true},
		{200, "Content-Length: 1299", false}, {200, "Content-Length: 1300", true}, {301, "", false}, {304, "", false}, {503, "", false}, {204, "", false}, {101, "", false},
		{200, "Content-Encoding: br", false}, {200, "Content-Type: image/png", false}, {200, "Content-Type: image/svg+xml", true}, {200, "Content-Type: VIDEO/mp4", false},
		{200, "Content-Type: application/zip", false}, {200, "Content-Type: application/x-gzip", false}, {200, "Content-Type: application/json", true},
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			h.Set(name, value)
		}
		if got := compressible(c.status, h); got != c.want {
			t.Errorf("%d %q: %v", c.status, c.header, got)
		}
	}
}

func TestRejectedAgent(t *testing.T) {
	list := []string{"Bot", "none"}
	for agent, want := range map[string]bool{"MYOB/6.66 (AN/ON) Bot": false, "EvilBot/1": true, "evilbot": false, "": true, "Mozilla": false} {
		if got := rejectedAgent(agent, list); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
	if rejectedAgent("", nil) || rejectedAgent("", []string{"Bot"}) {
		t.Error("who sends no User-Agent is refused without none")
	}
}

func TestFromOtherSite(t *testing.T) {
	for referer, want := range map[string]bool{
		"": false, "/page?x=y": false, "page": false, "http://site.i2p/page": false, "http://SITE.i2p/": false, "http://other.i2p/": true, "https://example.com/": true, "http://%zz/": true,
	} {
		r := &http.Request{Host: "site.i2p", Header: http.Header{"Referer": {referer}}}
		if got := fromOtherSite(r); got != want {
			t.Errorf("%q: %v", referer, got)
		}
	}
}

func TestCleanAnswerHidesTheLocalServer(t *testing.T) {
	h := http.Header{}
	for _, name := range append(telling, "Proxy-Connection", "Proxy-Authenticate") {
		h.Set(name, "secret")
	}
	h.Set("Location", "http://127.0.0.1:8080/next?a=b")
	h.Set("Set-Cookie", "kept")
	cleanAnswer(h, "127.0.0.1:8080")
	if len(h) != 2 || h.Get("Location") != "/next?a=b" {
		t.Errorf("left: %v", h)
	}
	h.Set("Location", "http://site.i2p/next")
	cleanAnswer(h, "127.0.0.1:8080")
	if h.Get("Location") != "http://site.i2p/next" {
		t.Errorf("a link to elsewhere became %q", h.Get("Location"))
	}
}

func TestTargets(t *testing.T) {
	for s, want := range map[string]target{
		"127.0.0.1:80":                {raw: true, address: "127.0.0.1:80"},
		"http://127.0.0.1:8080":       {address: "127.0.0.1:8080"},
		"http://[::1]/":               {address: "[::1]:80"},
		"https://backend.lan/a/b%2Fc": {tls: true, address: "backend.lan:443", path: "/a/b%2Fc"},
	} {
		if got, err := parseTarget(s); err != nil || got != want {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
	for _, s := range []string{"", "127.0.0.1", ":80", "127.0.0.1:0", "127.0.0.1:99999", "http://", "ftp://a:1", "http://u:p@a:1", "http://a:1/?q", "http://a:x", "unix:/a"} {
		if _, err := parseTarget(s); err == nil {
			t.Errorf("%q is a target", s)
		}
	}
}

func TestSettingsProblemsNameTheKey(t *testing.T) {
	good := serverSettings{Target: "127.0.0.1:80", PostWindow: 1, PostBan: 1, PostTotalBan: 1}
	if p := good.problems(); len(p) != 0 {
		t.Fatal(p)
	}
	for key, change := range map[string]func(*serverSettings){
		"target":         func(s *serverSettings) { s.Target = "https://10.1.1.1" },
		"ports":          func(s *serverSettings) { s.Ports = map[string]string{"x": "127.0.0.1:1"} },
		"hosts":          func(s *serverSettings) { s.Hosts = map[string]string{"0": "a.i2p"} },
		"host":           func(s *serverSettings) { s.Host = "a\r\nb" },
		"access_list":    func(s *serverSettings) { s.Allow = []string{"friend.i2p"} },
		"deny_list":      func(s *serverSettings) { s.Deny = []string{"x"} },
		"peer_minute":    func(s *serverSettings) { s.PeerMinute = -1 },
		"posts_per_peer": func(s *serverSettings) { s.PostsPerPeer = -1 },
		"post_window":    func(s *serverSettings) { s.PostWindow = 0 },
	} {
		s := good
		change(&s)
		if p := s.problems(); len(p) != 1 || p[0].Key != key || p[0].Text == "" {
			t.Errorf("%s: %v", key, p)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"/", "/a/b.html", "/../x", "/a/../../x", "/.git/config", "/a/.b", "//a", "/a//b/", "/a\x00", "/a\\..\\b", "*", "/%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := fileName(s)
		if !ok {
			return
		}
		if !fs.ValidPath(name) || strings.HasPrefix(name, ".") && name != "." || strings.Contains(name, "/.") || strings.ContainsAny(name, "\\\x00:") {
			t.Fatalf("%q -> %q", s, name)
		}
	})
}

func FuzzOffersGzip(f *testing.F) {
	f.Add("x-i2p-gzip;q=1.0, identity;q=0.5")
	f.Fuzz(func(t *testing.T, s string) {
		if offersGzip(http.Header{"X-Accept-Encoding": {s}}) && !strings.Contains(strings.ToLower(s), "x-i2p-gzip") {
			t.Fatalf("%q", s)
		}
	})
}
