package main

import (
	"encoding/base64"
	"net/http"
	"testing"
)

func TestRequestTellsNothingOfTheClient(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{
		"Via", "X-Forwarded-For", "X_Forwarded_Host", "Forwarded", "X-Real-IP", "X-I2P-DestB32", "X-I2P-DestHash", "Proxy-Authorization", "Proxy-Connection",
		"Client-IP", "True-Client-IP", "From", "X-Accept-Encoding", "X-Clove-Refused",
	} {
		h[name] = []string{"secret"}
	}
	h.Set("Authorization", "of the site")
	h.Set("Cookie", "of the site")
	h.Set("User-Agent", "its")
	cleanRequest(h)
	if len(h) != 3 {
		t.Errorf("left: %v", h)
	}
	h = http.Header{}
	cleanRequest(h)
	if ua, ok := h["User-Agent"]; !ok || ua[0] != "" {
		t.Error("net/http would say its own name")
	}
}

func TestAuthorized(t *testing.T) {
	users := map[string]string{"alice": "secret", "bob": "other"}
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]bool{
		basic("alice:secret"): true, basic("bob:other"): true, basic("alice:other"): false, basic("alice:"): false, basic("alice"): false, basic(":secret"): false,
		"": false, "Basic !": false, "Bearer x": false, base64.StdEncoding.EncodeToString([]byte("alice:secret")): false,
	} {
		if got := authorized(users, header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestSettingsProblemsNameTheKey(t *testing.T) {
	good := exitSettings{Ports: []string{"80"}}
	if p := good.problems(); len(p) != 0 {
		t.Fatal(p)
	}
	for key, change := range map[string]func(*exitSettings){
		"squid":        func(s *exitSettings) { s.Squid = "127.0.0.1" },
		"ports":        func(s *exitSettings) { s.Ports = []string{"x"} },
		"deny_hosts":   func(s *exitSettings) { s.DenyHosts = []string{"http://a"} },
		"allow_hosts":  func(s *exitSettings) { s.AllowHosts = []string{"a b"} },
		"access_list":  func(s *exitSettings) { s.Allow = []string{"friend.i2p"} },
		"deny_list":    func(s *exitSettings) { s.Deny = []string{"x"} },
		"client_rate":  func(s *exitSettings) { s.Rate = -1 },
		"users":        func(s *exitSettings) { s.Users = map[string]string{"a:b": "c"} },
		"unique_local": func(s *exitSettings) { s.Squid, s.UniqueLocal = "10.0.0.1:3128", true },
		"forward_dest": func(s *exitSettings) { s.ForwardDest = true },
	} {
		s := good
		change(&s)
		if p := s.problems(); len(p) != 1 || p[0].Key != key || p[0].Text == "" {
			t.Errorf("%s: %v", key, p)
		}
	}
	for key, s := range map[string]clientSettings{
		"outproxies":     {},
		"credentials":    {Exits: []string{"a.i2p"}, Credentials: map[string]string{"b.i2p": "u:p"}},
		"probe_interval": {Exits: []string{"a.i2p"}, Probe: 1},
	} {
		if p := s.problems(); len(p) != 1 || p[0].Key != key {
			t.Errorf("%s: %v", key, p)
		}
	}
}
