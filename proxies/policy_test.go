package proxies_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
)

func TestExplain(t *testing.T) {
	p := proxies.NewPolicy(rules(t,
		proxies.Rule{Name: "work", Match: []string{"*.example.org"}, Listener: "office", Action: proxies.ToOutproxy, Via: "exit"},
		proxies.Rule{Match: []string{"*.i2p"}, Ports: []string{"25", "100-200"}, Action: proxies.Block},
		proxies.Rule{Name: "alice", User: "alice", Methods: []string{"GET"}, Action: proxies.ToOutproxy, Via: "hers"},
	))
	for _, tt := range []struct {
		url, listener, user, method string
		want                        string
		steps                       []string
	}{
		{"https://www.example.org/x?y#z", "office", "", "", "outproxy exit work", []string{"*.example.org matches; rule 1 (work) says outproxy via exit"}},
		{"http://example.org", "office", "", "", "block not an .i2p name default", []string{
			"does not match *.example.org; *.example.org is for the names below example.org, so add that itself", "does not match *.i2p",
			`user is none, the rule wants "alice", with a password that was checked`,
		}},
		{"http://www.example.org", "home", "alice", "", "outproxy hers alice", []string{`listener is "home", the rule wants "office"`, "does not match", "* matches; rule 3 (alice)"}},
		{"www.example.org:443", "", "alice", "", "block not an .i2p name default", []string{"listener is none", "does not match", "method is CONNECT, the rule wants [GET]"}},
		{"a.i2p:25", "", "", "", "block rule rule 2", []string{"does not match", "*.i2p matches; rule 2 says block"}},
		{"http://a.i2p:201", "", "alice", "", "i2p default", []string{"does not match", "port is 201, the rule wants [25 100-200]", "action outproxy is not for I2P"}},
		{"a.i2p", "", "", "", "i2p default", []string{"", "", ""}},
		{"HTTP://u:p@a.i2p/", "", "", "", "i2p default", []string{"", "", ""}},
		{"udp://x.example:53", "", "alice", "", "block UDP outside of I2P always", nil},
		{"http://127.0.0.1:7657/", "", "", "", "block local address always", nil},
		{"http://[::1]/", "", "", "", "block local address always", nil},
		{"::1", "", "", "", "block local address always", nil},
		{"http://192.168.1.1/", "", "", "", "block local address always", nil},
		{"http://a_b.i2p", "", "", "", "block bad request always", nil},
	} {
		e, err := p.Explain(tt.url, tt.listener, tt.user, tt.method)
		if err != nil || verdict(e.Decision) != tt.want || len(e.Steps) != len(tt.steps) {
			t.Errorf("%s: %s, %v\n%+v", tt.url, verdict(e.Decision), err, e.Steps)
			continue
		}
		for i, want := range tt.steps {
			if !strings.Contains(e.Steps[i].Why, want) || e.Steps[i].Matched != strings.Contains(want, " matches; ") || e.Steps[i].Number != i+1 {
				t.Errorf("%s, step %d: %+v, want %q", tt.url, i, e.Steps[i], want)
			}
		}
	}
	for _, bad := range []string{"ftp://a.i2p", "a.i2p/x", "http://a.i2p:x/", "", "udp://a.i2p", "http://a b/", "u@a.i2p:80"} {
		if e, err := p.Explain(bad, "", "", ""); err == nil && e.Rule != "always" {
			t.Errorf("%q: %+v", bad, e)
		}
	}
	if a := p.Audit(); len(a.Entries) != 0 {
		t.Errorf("explaining counts: %+v", a)
	}
	e, _ := p.Explain("http://clear.example", "", "", "")
	b, _ := json.Marshal(e)
	if s := string(b); !strings.Contains(s, `"action":"block"`) || !strings.Contains(s, `match = \"clear.example\"`) || !strings.Contains(s, `"network":"clearnet"`) ||
		!strings.Contains(s, `"steps":[{"number":1,"name":"work","matched":false`) || strings.Contains(s, `"Err"`) {
		t.Error(s)
	}
}

func TestAuditCountsClearnetAndNamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := proxies.NewPolicy(rules(t,
			proxies.Rule{Name: "no", Match: []string{"bad.example", "bad.i2p"}, Action: proxies.Block},
			proxies.Rule{Name: "out", Match: []string{"*.example"}, User: "alice", Action: proxies.ToOutproxy, Via: "exit"},
		))
		begin := time.Now()
		time.Sleep(time.Hour)
		for _, r := range []proxies.Request{
			{Listener: "http", Host: "bad.example"}, {Listener: "http", Host: "BAD.example"}, {Listener: "http", User: "alice", Host: "good.example"},
			{Listener: "socks", Host: "good.example"}, {Listener: "socks", Host: "9.9.9.9"}, {Listener: "socks", Host: "127.0.0.1"},
			{Listener: "socks", Host: "a.onion"}, {Listener: "socks", Host: "a.lan"}, {Listener: "socks", Host: "good.example", Method: "UDP"},
			{Listener: "http", Host: "a.i2p"}, {Listener: "http", Host: "bad.i2p"}, {Listener: "http", Host: "mal formed"}, {Listener: "http", Host: "proxy.i2p"},
		} {
			r.Port = 80
			p.Decide(r)
		}
		a := p.Audit()
		var got []string
		for _, e := range a.Entries {
			got = append(got, fmt.Sprint(e.Listener, " ", e.Rule, " ", e.Action, e.Via, " ", e.Reason, " ", e.Count))
			if !e.Last.Equal(begin.Add(time.Hour)) {
				t.Errorf("last %v", e.Last)
			}
		}
		want := []string{
			"http no block rule 2", "http out outproxyexit rule 1", "socks always block UDP outside of I2P 1", "socks always block local address 1",
			"socks always block name of another network 1", "socks always block private name 1", "socks default block IPv4 address 1",
			"socks default block not an .i2p name 1",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || a.Allowed != 1 || a.Blocked != 8 || !a.Since.Equal(begin) {
			t.Errorf("%+v\n%q", a, got)
		}
		b, _ := json.Marshal(a)
		if s := string(b); strings.Contains(s, "good") || strings.Contains(s, "alice") || strings.Contains(s, "9.9") || !strings.Contains(s, `"since":"2000-`) {
			t.Error(s)
		}
	})
}

func TestAuditIsBounded(t *testing.T) {
	p := proxies.NewPolicy(nil)
	for i := range 10000 {
		p.Decide(proxies.Request{Listener: fmt.Sprint(i), Host: "clear.example", Port: 80})
	}
	a := p.Audit()
	if len(a.Entries) > 4096+8 || a.Blocked != 10000 {
		t.Errorf("%d series, %d counted", len(a.Entries), a.Blocked)
	}
	if e := a.Entries[0]; e.Listener != "(other)" || e.Count != 10000-4096 {
		t.Errorf("%+v", e)
	}
}

func TestIsolationPolicy(t *testing.T) {
	all := proxies.IsolationPolicy{Listener: true, User: true, Site: true}
	proven := proxies.Credentials{User: "alice", Password: "pw", Verified: true}
	for name, tt := range map[string]struct {
		a, b     proxies.Isolation
		distinct bool
	}{
		"listener":                  {a: all.Key("l", proven, "a.i2p", proxies.Shape{}), b: all.Key("m", proven, "a.i2p", proxies.Shape{}), distinct: true},
		"user":                      {a: all.Key("l", proven, "a.i2p", proxies.Shape{}), b: all.Key("l", proxies.Credentials{User: "bob", Verified: true}, "a.i2p", proxies.Shape{}), distinct: true},
		"site":                      {a: all.Key("l", proven, "a.i2p", proxies.Shape{}), b: all.Key("l", proven, "b.a.i2p", proxies.Shape{}), distinct: true},
		"shape":                     {a: all.Key("l", proven, "a.i2p", proxies.Shape{}), b: all.Key("l", proven, "a.i2p", proxies.Shape{Length: 1}), distinct: true},
		"nobody and somebody":       {a: all.Key("l", proxies.Credentials{}, "a.i2p", proxies.Shape{}), b: all.Key("l", proven, "a.i2p", proxies.Shape{}), distinct: true},
		"password, not proven":      {a: all.Key("l", proxies.Credentials{User: "u", Password: "1"}, "a.i2p", proxies.Shape{}), b: all.Key("l", proxies.Credentials{User: "u", Password: "2"}, "a.i2p", proxies.Shape{}), distinct: true},
		"where user ends":           {a: all.Key("l", proxies.Credentials{User: "a b", Password: "c"}, "a.i2p", proxies.Shape{}), b: all.Key("l", proxies.Credentials{User: "a", Password: "b c"}, "a.i2p", proxies.Shape{}), distinct: true},
		"basic and digest":          {a: all.Key("l", proven, "a.i2p", proxies.Shape{}), b: all.Key("l", proxies.Credentials{User: "alice", Verified: true}, "a.i2p", proxies.Shape{})},
		"not by listener":           {a: proxies.IsolationPolicy{User: true}.Key("l", proven, "a.i2p", proxies.Shape{}), b: proxies.IsolationPolicy{User: true}.Key("m", proven, "b.i2p", proxies.Shape{})},
		"not by user":               {a: proxies.IsolationPolicy{Listener: true}.Key("l", proven, "a.i2p", proxies.Shape{}), b: proxies.IsolationPolicy{Listener: true}.Key("l", proxies.Credentials{}, "b.i2p", proxies.Shape{})},
		"not by site":               {a: proxies.DefaultIsolation().Key("l", proven, "a.i2p", proxies.Shape{}), b: proxies.DefaultIsolation().Key("l", proven, "b.i2p", proxies.Shape{})},
		"one registrable domain":    {a: all.Key("l", proven, "a.example.co.uk", proxies.Shape{}), b: all.Key("l", proven, "b.c.example.co.uk", proxies.Shape{})},
		"two registrable domains":   {a: all.Key("l", proven, "one.co.uk", proxies.Shape{}), b: all.Key("l", proven, "two.co.uk", proxies.Shape{}), distinct: true},
		"two addresses":             {a: all.Key("l", proven, "9.9.9.9", proxies.Shape{}), b: all.Key("l", proven, "8.9.9.9", proxies.Shape{}), distinct: true},
		"two destinations":          {a: all.Key("l", proven, destination, proxies.Shape{}), b: all.Key("l", proven, "b"+destination[1:], proxies.Shape{}), distinct: true},
		"one destination, one name": {a: all.Key("l", proven, strings.Repeat("A", 516), proxies.Shape{}), b: all.Key("l", proven, hash+".b32.i2p", proxies.Shape{}), distinct: true},
	} {
		if (tt.a != tt.b) != tt.distinct {
			t.Errorf("%s: %+v %+v", name, tt.a, tt.b)
		}
		if s := fmt.Sprint(tt.a, tt.b); strings.Contains(s, "alice") || strings.Contains(s, "pw") || len(s) > 400 {
			t.Errorf("%s: the key shows the user, or is long: %s", name, s)
		}
	}
	if proxies.NewIsolation("l", "u", "p") != proxies.DefaultIsolation().Key("l", proxies.Credentials{User: "u", Password: "p"}, "a.i2p", proxies.Shape{}) {
		t.Error("NewIsolation differs")
	}
	if proven.ProvenUser() != "alice" || (proxies.Credentials{User: "alice"}).ProvenUser() != "" {
		t.Error("rules trust who did not prove it")
	}
}

func TestParseIsolation(t *testing.T) {
	for list, want := range map[string]proxies.IsolationPolicy{
		"listener,user": proxies.DefaultIsolation(), "Site": {Site: true}, "none": {}, "user,site,listener": {Listener: true, User: true, Site: true},
	} {
		if got, err := proxies.ParseIsolation(strings.Split(list, ",")); got != want || err != nil {
			t.Errorf("%s: %+v, %v", list, got, err)
		}
	}
	for _, bad := range []string{"host", "none,user", ""} {
		if _, err := proxies.ParseIsolation(strings.FieldsFunc(bad, func(r rune) bool { return r == ',' })); err == nil {
			t.Errorf("%q", bad)
		}
	}
}
