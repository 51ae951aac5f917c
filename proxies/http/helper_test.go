package http_test

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

// book is an address book in memory.
type book struct {
	t       *testing.T
	mu      sync.Mutex
	names   map[string]string
	saved   []string
	errSave error
	online  map[string]string // destinations by b32
	asked   []proxies.Isolation
}

func newBook(t *testing.T) *book {
	return &book{t: t, names: map[string]string{}, online: map[string]string{}}
}

func (b *book) Lookup(name string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.HasSuffix(name, ".b32.i2p") || !strings.HasSuffix(name, ".i2p") || name != strings.ToLower(name) {
		b.t.Errorf("looked up %q", name)
	}
	d, ok := b.names[name]
	return d, ok
}

func (b *book) Resolve(_ context.Context, b32 string, i proxies.Isolation) (string, error) {
	b.asked = append(b.asked, i)
	if d, ok := b.online[b32]; ok {
		return d, nil
	}
	return "", proxies.ErrNoLeaseSet
}

func (b *book) Save(name, destination string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.errSave != nil {
		return b.errSave
	}
	b.saved = append(b.saved, name)
	b.names[name] = destination
	return nil
}

var i2pBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~")

// destination has an Ed25519 key certificate, and keys made of a seed.
func (*book) destination(seed string) string {
	b := make([]byte, 0, 391)
	for len(b) < 384 {
		sum := sha256.Sum256(fmt.Append(b, seed))
		b = append(b, sum[:]...)
	}
	return i2pBase64.EncodeToString(append(b, 5, 0, 4, 0, 7, 0, 4))
}

func hashName(destination string) string {
	b, _ := i2pBase64.DecodeString(destination)
	sum := sha256.Sum256(b)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])) + ".b32.i2p"
}

var hiddenPattern = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// follow goes from a link to the confirmation.
func follow(t *testing.T, f *fixture, link, headers string) (values url.Values, body string, resp *nethttp.Response) {
	t.Helper()
	resp, _ = f.get(t, link, opened+headers)
	location := resp.Header.Get("Location")
	if resp.StatusCode != 302 || !strings.HasPrefix(location, "http://proxy.i2p/helper?") {
		t.Fatalf("%s: %d %s", link, resp.StatusCode, location)
	}
	resp, body = f.get(t, location, opened+headers)
	values = url.Values{}
	for _, m := range hiddenPattern.FindAllStringSubmatch(body, -1) {
		values.Set(m[1], strings.NewReplacer("&amp;", "&", "&#39;", "'", "&#34;", `"`, "&#43;", "+").Replace(m[2]))
	}
	return values, body, resp
}

func submit(t *testing.T, f *fixture, values url.Values, choice, headers string) (*nethttp.Response, string) {
	t.Helper()
	v := url.Values{}
	for name := range values {
		v.Set(name, values.Get(name))
	}
	v.Set("choice", choice)
	form := v.Encode()
	if !strings.Contains(headers, "Origin") {
		headers += "Origin: http://proxy.i2p\r\n"
	}
	return f.exchange(t, fmt.Sprintf("POST http://proxy.i2p/helper HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n%s%s\r\n%s", len(form), opened, headers, form))
}

func withBook(b *book) func(*httpproxy.Config) { return func(c *httpproxy.Config) { c.Book = b } }

func TestAddressHelperForThisSession(t *testing.T) {
	b := newBook(t)
	destination := b.destination("new")
	f := start(t, nil, withBook(b))
	link := "http://NEW.i2p:8080/a%2Fb?x=1&i2paddresshelper=" + destination + "&y=2;z"
	values, body, resp := follow(t, f, link, "")
	if resp.StatusCode != 409 || !strings.Contains(body, hashName(destination)) || !strings.Contains(body, "new.i2p") ||
		!strings.Contains(body, `href="http://`+hashName(destination)+`:8080/a%2Fb?x=1&amp;y=2;z"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' http://new.i2p:8080") ||
		resp.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("%v", resp.Header)
	}
	if len(f.targets()) > 0 {
		t.Fatalf("dialed before it was confirmed: %v", f.targets())
	}
	resp, body = submit(t, f, values, "session", "")
	if location := resp.Header.Get("Location"); resp.StatusCode != 303 || location != "http://new.i2p:8080/a%2Fb?x=1&y=2;z" {
		t.Fatalf("%d %s %s", resp.StatusCode, location, body)
	}
	// From now on it is known, for requests and CONNECT, and the helper is taken out without a question.
	f.get(t, "http://new.i2p/", opened)
	f.exchange(t, "CONNECT new.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, target := range f.targets() {
		if target.Host != destination {
			t.Errorf("dialed %.40s", target.Host)
		}
	}
	resp, _ = f.get(t, link, opened)
	if location := resp.Header.Get("Location"); resp.StatusCode != 302 || location != "http://new.i2p:8080/a%2Fb?x=1&y=2;z" {
		t.Errorf("%d %s", resp.StatusCode, location)
	}
	if len(f.targets()) != 2 || len(b.saved) != 0 {
		t.Errorf("%d dials, saved %v", len(f.targets()), b.saved)
	}
	// A line that the user saves later counts more.
	b.names["new.i2p"] = b.destination("other")
	f.get(t, "http://new.i2p/", opened)
	if got := f.targets()[2].Host; got != "new.i2p" {
		t.Errorf("dialed %.40s", got)
	}
}

func TestAddressHelperSaves(t *testing.T) {
	b := newBook(t)
	known, offline := b.destination("known"), b.destination("offline")
	b.online[hashName(known)] = known
	f := start(t, nil, withBook(b))
	for name, value := range map[string]string{"full.i2p": known, "hash.i2p": hashName(known)} {
		values, _, _ := follow(t, f, "http://"+name+"/?i2paddresshelper="+value, "")
		resp, body := submit(t, f, values, "save", "")
		if resp.StatusCode != 303 || resp.Header.Get("Location") != "http://"+name+"/" || b.names[name] != known {
			t.Errorf("%s: %d %v %s", name, resp.StatusCode, resp.Header, body)
		}
	}
	values, _, _ := follow(t, f, "http://alias.i2p/?i2paddresshelper=Full.i2p", "")
	if submit(t, f, values, "save", ""); b.names["alias.i2p"] != known {
		t.Error("the alias is not saved as a destination")
	}
	values, _, _ = follow(t, f, "http://off.i2p/?i2paddresshelper="+hashName(offline), "")
	resp, body := submit(t, f, values, "save", "")
	if resp.StatusCode != 502 || !strings.Contains(body, "site is offline") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	b.online[hashName(offline)] = known // a Book that answers for another destination
	if resp, _ = submit(t, f, values, "save", ""); resp.StatusCode != 502 || b.names["off.i2p"] != "" {
		t.Errorf("%d, saved %.40s", resp.StatusCode, b.names["off.i2p"])
	}
	delete(b.online, hashName(offline))
	if resp, _ = submit(t, f, values, "session", ""); resp.StatusCode != 303 {
		t.Errorf("%d", resp.StatusCode)
	}
	if f.get(t, "http://off.i2p/", opened); f.targets()[0].Host != hashName(offline) {
		t.Errorf("%+v", f.targets())
	}
	b.errSave = errors.New("disk <full>")
	values, _, _ = follow(t, f, "http://full2.i2p/?i2paddresshelper="+known, "")
	if resp, body = submit(t, f, values, "save", ""); resp.StatusCode != 500 || !strings.Contains(body, "disk &lt;full&gt;") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestAddressHelperThatContradictsWhatIsKnown(t *testing.T) {
	b := newBook(t)
	mine, other := b.destination("mine"), b.destination("other")
	b.names["site.i2p"] = strings.TrimRight(mine, "=")
	f := start(t, nil, withBook(b))
	values, body, resp := follow(t, f, "http://site.i2p/p?i2paddresshelper="+other, "")
	if resp.StatusCode != 409 || len(values) != 0 || strings.Contains(body, "<form") || !strings.Contains(body, hashName(mine)) ||
		!strings.Contains(body, `href="http://`+hashName(other)+`/p"`) || !strings.Contains(body, `href="http://site.i2p/p"`) {
		t.Errorf("%d %v %s", resp.StatusCode, values, body)
	}
	// The same key in three spellings is no contradiction.
	for _, value := range []string{mine, strings.TrimRight(mine, "="), hashName(mine), strings.ToUpper(hashName(mine)), "site.i2p"} {
		resp, _ := f.get(t, "http://site.i2p/p?i2paddresshelper="+url.QueryEscape(value), opened)
		if location := resp.Header.Get("Location"); resp.StatusCode != 302 || location != "http://site.i2p/p" {
			t.Errorf("%.40s: %d %s", value, resp.StatusCode, location)
		}
	}
	if len(f.targets()) > 0 {
		t.Errorf("dialed %v", f.targets())
	}
}

func TestAddressHelpersThatCannotBe(t *testing.T) {
	b := newBook(t)
	good := b.destination("x")
	f := start(t, nil, withBook(b))
	for value, status := range map[string]int{
		"": 400, "x": 400, "unknown.i2p": 404, "proxy.i2p": 400, good[:600-100]: 400, good + good: 400, "a" + good[1:500] + "!": 400, "%zz": 400,
		"http://x.i2p/": 400, "127.0.0.1": 400, "example.org": 400, "short.b32.i2p": 400, good + "&i2paddresshelper=" + b.destination("y"): 400,
		good[:len(good)-4]: 400,
	} {
		resp, body := f.get(t, "http://new.i2p/?i2paddresshelper="+value, opened)
		if resp.StatusCode != status || !strings.Contains(body, "link") {
			t.Errorf("%.40q: %d %s", value, resp.StatusCode, body)
		}
		resp, body = f.get(t, "http://new.i2p/?i2paddresshelper="+value, "User-Agent: Mozilla/5.0\r\n")
		wantBare(t, value, resp, body, status)
	}
	if len(f.targets()) > 0 {
		t.Errorf("dialed %v", f.targets())
	}
}

func TestAddressHelperOfAForm(t *testing.T) {
	b := newBook(t)
	b.names["known.i2p"] = b.destination("known")
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.RequestURI, body)
	}), withBook(b))
	f.route("known.i2p", f.network.address[siteName])
	post := func(link string) (*nethttp.Response, string) {
		return f.exchange(t, "POST "+link+" HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"+opened+"\r\nform")
	}
	if resp, body := post("http://known.i2p/a?i2paddresshelper=" + b.names["known.i2p"]); resp.StatusCode != 200 || body != "/a form" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, link := range []string{"http://new.i2p/a?i2paddresshelper=" + b.destination("new"), "http://known.i2p/a?i2paddresshelper=" + b.destination("new")} {
		resp, body := post(link)
		if resp.StatusCode != 409 || !strings.Contains(body, "http://proxy.i2p/helper?") || strings.Contains(body, "<form") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
}

func TestAddressHelperOfANameThatProvesItself(t *testing.T) {
	b := newBook(t)
	f := start(t, nil, withBook(b))
	resp, _ := f.get(t, "http://"+siteB32+"/p?i2paddresshelper="+b.destination("x"), opened)
	if resp.StatusCode != 302 || resp.Header.Get("Location") != "http://"+siteB32+"/p" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

func TestAddressHelperSwitchedOff(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, r.RequestURI) }))
	if _, body := f.get(t, "http://"+siteName+"/?i2paddresshelper=x", opened); body != "/?i2paddresshelper=x" {
		t.Error(body)
	}
	if resp, _ := f.get(t, "http://proxy.i2p/helper?host=a.i2p", opened); resp.StatusCode != 404 {
		t.Errorf("%d", resp.StatusCode)
	}
}

// Nothing but the form of the page itself, for this user, makes a change.
func TestConfirmationCannotBeForged(t *testing.T) {
	b := newBook(t)
	f := start(t, nil, withBook(b))
	link := "http://new.i2p/?i2paddresshelper=" + b.destination("new")
	values, _, _ := follow(t, f, link, "")
	change := func(name, value string) url.Values {
		v := url.Values{}
		for n := range values {
			v.Set(n, values.Get(n))
		}
		v.Set(name, value)
		return v
	}
	const otherUser = "Proxy-Authorization: Basic eDp5\r\n"
	for name, tt := range map[string]struct {
		values  url.Values
		headers string
		choice  string
		status  int
	}{
		"another name":      {change("host", "other.i2p"), "", "session", 403},
		"another port":      {change("host", "new.i2p:81"), "", "session", 403},
		"another address":   {change("address", b.destination("evil")), "", "session", 403},
		"another path":      {change("path", "/x"), "", "session", 403},
		"longer":            {change("until", "99999999999"), "", "session", 403},
		"no time":           {change("until", ""), "", "session", 403},
		"no nonce":          {change("nonce", ""), "", "session", 403},
		"another user":      {values, otherUser, "session", 403},
		"other origin":      {values, "Origin: http://evil.i2p\r\n", "session", 403},
		"no origin at all":  {values, "Origin: null\r\n", "session", 403},
		"script":            {values, "Sec-Fetch-Mode: cors\r\n", "session", 403},
		"from another site": {values, "Sec-Fetch-Site: cross-site\r\n", "session", 403},
		"inproxy":           {values, "X-Forwarded-For: x\r\n", "session", 403},
		"no choice":         {values, "", "", 400},
		"clearnet":          {change("host", "example.org"), "", "session", 400},
		"own name":          {change("host", "proxy.i2p"), "", "session", 400},
		"line break":        {change("path", "/\r\nSet-Cookie: a=b"), "", "session", 400},
		"other site":        {change("path", "//evil.i2p"), "", "session", 403},
		"no path":           {change("path", "@evil.i2p/"), "", "session", 400},
	} {
		resp, body := submit(t, f, tt.values, tt.choice, tt.headers)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %d %v %s", name, resp.StatusCode, resp.Header, body)
		}
	}
	resp, _ := f.get(t, "http://new.i2p/", opened)
	if resp.StatusCode != 502 || f.targets()[0].Host != "new.i2p" || len(b.saved) != 0 {
		t.Errorf("%d %+v %v", resp.StatusCode, f.targets(), b.saved)
	}
	resp, _ = f.exchange(t, "POST http://proxy.i2p/helper HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx")
	if resp.StatusCode != 400 {
		t.Errorf("%d", resp.StatusCode)
	}
	resp, _ = f.exchange(t, "POST http://proxy.i2p/helper HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 40000\r\n\r\n"+
		strings.Repeat("a", 40000))
	if resp.StatusCode != 400 {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestNamesOfOneUserAreNotAnothers(t *testing.T) {
	b := newBook(t)
	f := start(t, nil, withBook(b))
	const alice, bob = "Proxy-Authorization: Basic YWxpY2U6MQ==\r\n", "Proxy-Authorization: Basic Ym9iOjE=\r\n"
	values, _, _ := follow(t, f, "http://new.i2p/?i2paddresshelper="+b.destination("new"), alice)
	if resp, _ := submit(t, f, values, "session", alice); resp.StatusCode != 303 {
		t.Fatalf("%d", resp.StatusCode)
	}
	f.get(t, "http://new.i2p/", alice)
	f.get(t, "http://new.i2p/", bob)
	targets := f.targets()
	if targets[0].Host != b.destination("new") || targets[1].Host != "new.i2p" {
		t.Errorf("%+v", targets)
	}
}
