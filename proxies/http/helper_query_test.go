package http

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
)

func TestTakeHelperLeavesTheRestAsItWas(t *testing.T) {
	for in, want := range map[string][2]string{ // value, rest
		"i2paddresshelper=X":                    {"X", ""},
		"a=b&i2paddresshelper=X":                {"X", "a=b"},
		"i2paddresshelper=X&a=b":                {"X", "a=b"},
		"a=b&i2paddresshelper=X&c=d":            {"X", "a=b&c=d"},
		"a=b;i2paddresshelper=X&c=d":            {"X", "a=b&c=d"},
		"a;b&i2paddresshelper=X;c;;&":           {"X", "a;b;c;;&"},
		"i2paddress%68elper=%58":                {"X", ""},
		"i2paddresshelper=X&a=%zz&%":            {"X", "a=%zz&%"},
		"i2paddresshelper=X&i2paddresshelper=X": {"X", ""},
		"&i2paddresshelper=X":                   {"X", ""},
		"i2paddresshelper=X=":                   {"X=", ""},
	} {
		value, rest, found, err := takeHelper(in)
		if value != want[0] || rest != want[1] || !found || err != nil {
			t.Errorf("%q: %q, %q, %v, %v", in, value, rest, found, err)
		}
	}
	for _, in := range []string{"", "a=b", "I2PADDRESSHELPER=x", "xi2paddresshelper=x", "i2paddresshelper2=x", "a=i2paddresshelper=x", "%&%", "&&;"} {
		if value, rest, found, err := takeHelper(in); value != "" || rest != in || found || err != nil {
			t.Errorf("%q: %q, %q, %v, %v", in, value, rest, found, err)
		}
	}
	for _, in := range []string{
		"i2paddresshelper", "i2paddresshelper=", "i2paddresshelper=%z", "i2paddresshelper=a&i2paddresshelper=b", "i2paddresshelper=" + strings.Repeat("a", maxHelper+1),
	} {
		if _, _, found, err := takeHelper(in); !found || err == nil {
			t.Errorf("%.40q: %v, %v", in, found, err)
		}
	}
}

// FuzzTakeHelper: nothing is added, nothing but helpers is taken, and nothing is left to take.
func FuzzTakeHelper(f *testing.F) {
	f.Add("a=b;i2paddresshelper=X&c=d")
	f.Add("i2paddress%68elper=%58&&i2paddresshelper=X;")
	f.Fuzz(func(t *testing.T, in string) {
		value, rest, found, err := takeHelper(in)
		if err != nil {
			return
		}
		if !found && (rest != in || value != "") {
			t.Errorf("%q became %q", in, rest)
		}
		if _, again, more, _ := takeHelper(rest); more || again != rest {
			t.Errorf("%q still has one: %q", in, rest)
		}
		var kept []string
		for piece := range strings.FieldsFuncSeq(in, func(r rune) bool { return r == '&' || r == ';' }) {
			key, _, _ := strings.Cut(piece, "=")
			if name, err := url.QueryUnescape(key); err != nil || name != helperKey {
				kept = append(kept, piece)
			}
		}
		if got := strings.FieldsFunc(rest, func(r rune) bool { return r == '&' || r == ';' }); strings.Join(got, "&") != strings.Join(kept, "&") {
			t.Errorf("%q: kept %q", in, rest)
		}
	})
}

type noBook struct{ Book }

func (noBook) Lookup(string) (string, bool) { return "", false }

// FuzzProposal: whatever a link to the confirmation holds, the browser is only ever sent to that name in I2P.
func FuzzProposal(f *testing.F) {
	b32 := strings.Repeat("a", 52) + ".b32.i2p"
	f.Add("a.i2p:81", b32, "/a?b=c")
	f.Add("a.i2p", strings.Repeat("A", 512)+"BQAEAAcABA==", "//evil.example/")
	f.Add("proxy.i2p", "x", "/\r\n")
	s := &Server{cfg: Config{Book: noBook{}}}
	f.Fuzz(func(t *testing.T, host, value, path string) {
		p, err := s.readProposal(url.Values{"host": {host}, "address": {value}, "path": {path}})
		if err != nil {
			return
		}
		u, err := url.Parse(p.url())
		if err != nil || u.Scheme != "http" || u.Hostname() != p.name || !isName(p.name) || u.User != nil || strings.ContainsAny(p.url(), "\r\n <>\"") {
			t.Errorf("%q, %q leads to %q: %v", host, path, p.url(), err)
		}
		if !proxies.IsBase32(p.b32) {
			t.Errorf("%q is %q", value, p.b32)
		}
	})
}

func TestNamesAreBounded(t *testing.T) {
	n := newNames()
	owner := proxies.Isolation{Listener: "http"}
	for i := range 3 * maxNames {
		n.put(owner, strings.Repeat("a", i%60)+"."+strings.Repeat("b", i/60)+".i2p", "x")
	}
	if n.len() != maxNames || len(n.order) != maxNames {
		t.Errorf("%d names, %d in order", n.len(), len(n.order))
	}
	if _, ok := n.get(owner, "..i2p"); ok {
		t.Error("the oldest is still there")
	}
	n.put(owner, "x.i2p", "1")
	n.put(owner, "x.i2p", "2")
	if host, _ := n.get(owner, "x.i2p"); host != "2" || n.len() != maxNames {
		t.Errorf("%q, %d", host, n.len())
	}
}

func TestConfirmationEndsAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{
			Name: "http", Book: noBook{}, HeaderTimeout: 1, DialTimeout: 1, Idle: 1, TunnelIdle: 1, Linger: 1, MaxConnections: 1,
		}, noDialer{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		user := s.identify(proxies.Credentials{})
		q := url.Values{"host": {"a.i2p"}, "address": {strings.Repeat("a", 52) + ".b32.i2p"}, "path": {"/"}}
		page := s.confirmHelper(q, user)
		for _, h := range page.Form.Hidden {
			q.Set(h.Name, h.Value)
		}
		q.Set("choice", "session")
		time.Sleep(confirmTime + 2*time.Second)
		if p := s.acceptHelper(formRequest(q), user); p.status != 303 || !strings.HasPrefix(p.header.Get("Location"), "http://proxy.i2p/helper?") || s.names.len() != 0 {
			t.Errorf("%d %v", p.status, p.header)
		}
	})
}
