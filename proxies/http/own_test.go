package http_test

import (
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

// The headers of a tab that a user opened. Browsers send Sec-Fetch-* to hosts that they trust only.
const opened = "User-Agent: Mozilla/5.0\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"

func (f *fixture) get(t *testing.T, url, headers string) (*nethttp.Response, string) {
	t.Helper()
	return f.exchange(t, "GET "+url+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"+headers+"\r\n")
}

func TestProxyAutoConfiguration(t *testing.T) {
	f := start(t, nil)
	for _, url := range []string{"http://proxy.i2p/proxy.pac", "/proxy.pac"} {
		resp, body := f.get(t, url, "")
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-ns-proxy-autoconfig" || resp.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(body, `"PROXY `+f.address+`"`) || strings.Contains(strings.ToUpper(body), "DIRECT ") {
			t.Errorf("%s: %d %v %s", url, resp.StatusCode, resp.Header, body)
		}
		resp, _ = f.exchange(t, "POST "+url+" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")
		if resp.StatusCode != 405 {
			t.Errorf("POST %s: %d", url, resp.StatusCode)
		}
	}
	resp, body := f.exchange(t, "HEAD http://proxy.i2p/proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp.StatusCode != 200 || body != "" || resp.ContentLength == 0 {
		t.Errorf("HEAD: %d %d %q", resp.StatusCode, resp.ContentLength, body)
	}
}

func TestStartPageSaysHowTheProxyIsSet(t *testing.T) {
	f := start(t, nil, withRules(t, toExit), func(c *httpproxy.Config) {
		c.Auth, c.Isolation.Site = httpproxy.AuthDigest, true
		c.Book = newBook(t)
	})
	_, body := f.get(t, "http://proxy.i2p/", opened)
	for _, want := range []string{
		f.address, "by listener, user, site", "x-i2p-gzip", "followed after you confirm", "http://proxy.i2p/proxy.pac", "blocked, but for what your rules",
		"Chromium", "&lt;-loopback&gt;", "Firefox", "network.proxy.allow_hijacking_localhost",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
	if strings.Contains(body, "example.org") || strings.Contains(body, `"web"`) {
		t.Errorf("the page names a rule: %s", body)
	}
}

// empty answers have no body, no header that says what answered, and cannot be told from one another by a page.
func wantBare(t *testing.T, name string, resp *nethttp.Response, body string, status int) {
	t.Helper()
	if resp.StatusCode != status || body != "" {
		t.Errorf("%s: %d %q, want a bare %d", name, resp.StatusCode, body, status)
	}
	for header := range resp.Header {
		switch header {
		case "Date", "Content-Length", "Connection", "Cache-Control", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy", "Retry-After":
		default:
			t.Errorf("%s: header %s: %s", name, header, resp.Header.Get(header))
		}
	}
}

func TestForeignPagesLearnNothingFromOwnPages(t *testing.T) {
	f := start(t, nil, func(c *httpproxy.Config) { c.Book = newBook(t) })
	for name, headers := range map[string]string{
		"script":               "User-Agent: Mozilla/5.0\r\nAccept: */*\r\nReferer: http://evil.i2p/\r\n",
		"image":                "User-Agent: Mozilla/5.0\r\nAccept: image/avif,image/webp,*/*;q=0.8\r\n",
		"style":                "User-Agent: Mozilla/5.0\r\nAccept: text/css,*/*;q=0.1\r\n",
		"fetch":                "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nOrigin: http://evil.i2p\r\n",
		"null origin":          "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nOrigin: null\r\n",
		"frame":                opened + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
		"cross-site no-cors":   opened + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n",
		"same-site":            opened + "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n",
		"inproxy":              opened + "X-Forwarded-For: 192.0.2.1\r\n",
		"inproxy, Forwarded":   opened + "Forwarded: for=192.0.2.1\r\n",
		"inproxy, Via":         opened + "Via: 1.1 inproxy\r\n",
		"server tunnel":        opened + "X-I2P-DestHash: x\r\n",
		"CORS preflight alike": opened + "Origin: http://evil.i2p\r\nAccess-Control-Request-Method: POST\r\n",
	} {
		for _, path := range []string{"/", "/helper", "/x"} {
			resp, body := f.get(t, "http://proxy.i2p"+path, headers)
			wantBare(t, name+path, resp, body, 403)
		}
	}
	for name, headers := range map[string]string{
		"typed": opened, "link": opened + "Referer: http://a.i2p/\r\n", "curl": "User-Agent: curl/8\r\nAccept: */*\r\n",
		"link, trusted":  opened + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
		"typed, trusted": opened + "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
	} {
		resp, _ := f.get(t, "http://proxy.i2p/", headers)
		h := resp.Header
		if resp.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
			h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %d %v", name, resp.StatusCode, h)
		}
	}
	for name, headers := range map[string]string{
		"script": "Referer: http://evil.i2p/\r\n", "cross-site": "Sec-Fetch-Site: cross-site\r\n", "fetch": "Origin: http://evil.i2p\r\n", "inproxy": "Via: x\r\n",
	} {
		for _, url := range []string{"http://proxy.i2p/proxy.pac", "/proxy.pac"} {
			resp, body := f.get(t, url, headers)
			wantBare(t, name+" "+url, resp, body, 403)
		}
	}
	resp, body := f.get(t, "http://proxy.i2p:81/", opened)
	wantBare(t, "another port", resp, body, 404)
}

// A site whose name suddenly leads to 127.0.0.1 reads nothing here.
func TestLocalPagesAnswerToAddressesOnly(t *testing.T) {
	f := start(t, nil)
	for host, status := range map[string]int{
		"evil.example": 403, "evil.i2p": 403, "127.0.0.1.evil.example:4444": 403, "localhost.evil.example": 403, "[x]:4444": 403,
		"127.0.0.1:4444": 200, "localhost:4444": 200, "LOCALHOST": 200, "[::1]:4444": 200, "192.0.2.7:4444": 200,
	} {
		for _, path := range []string{"/", "/proxy.pac"} {
			resp, body := f.exchange(t, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
			if resp.StatusCode != status {
				t.Errorf("%s%s: %d", host, path, resp.StatusCode)
			}
			if status == 403 {
				wantBare(t, host+path, resp, body, 403)
			}
		}
	}
}

// What a script of a site sees when its request fails.
func TestFailuresSayNothingToScripts(t *testing.T) {
	f := start(t, nil)
	f.errs["nols.i2p"] = proxies.ErrNoLeaseSet
	for url, status := range map[string]int{
		"http://nols.i2p/x": 504, "http://unknown.i2p/": 502, "http://example.org/": 403, "http://127.0.0.1/": 403, "http://a..i2p/": 400,
	} {
		for _, headers := range []string{
			"User-Agent: Mozilla/5.0\r\nAccept: */*\r\n", "User-Agent: Mozilla/5.0\r\nAccept: image/webp\r\n", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n",
		} {
			resp, body := f.get(t, url, headers)
			wantBare(t, url, resp, body, status)
		}
		for _, headers := range []string{opened, "", "User-Agent: curl/8\r\nAccept: */*\r\n"} {
			resp, body := f.get(t, url, headers)
			if resp.StatusCode != status || !strings.Contains(body, "<h1>") || strings.Contains(strings.ToLower(fmt.Sprint(resp.Header)), "proxy-status:[clove") {
				t.Errorf("%s: %d %s", url, resp.StatusCode, body)
			}
		}
	}
}

func TestJumpLinks(t *testing.T) {
	book := newBook(t)
	book.names["stats.i2p"], book.names["reg.i2p"] = book.destination("a"), book.destination("b")
	f := start(t, nil, func(c *httpproxy.Config) { c.Book = book })
	_, body := f.get(t, "http://unknown.i2p/secret?q", opened)
	for _, want := range []string{
		`href="http://stats.i2p/cgi-bin/jump.cgi?a=unknown.i2p"`, `href="http://reg.i2p/jump/unknown.i2p"`, `rel="noreferrer"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if strings.Contains(body, "notbob") || strings.Contains(body, "secret") {
		t.Errorf("a service that is unknown itself, or too much: %s", body)
	}
	for _, host := range []string{siteB32, "example.org"} {
		if _, body := f.get(t, "http://"+host+"/", opened); strings.Contains(body, "jump") {
			t.Errorf("%s: %s", host, body)
		}
	}
	if len(f.targets()) != 2 {
		t.Errorf("the proxy asked: %v", f.targets())
	}
}

func TestParseJump(t *testing.T) {
	for in, want := range map[string]httpproxy.JumpService{
		"http://stats.i2p/cgi-bin/jump.cgi?a=":   {Name: "stats.i2p", URL: "http://stats.i2p/cgi-bin/jump.cgi?a="},
		"http://x.i2p/%s/go":                     {Name: "x.i2p", URL: "http://x.i2p/%s/go"},
		"My own=http://" + siteB32 + ":81/jump/": {Name: "My own", URL: "http://" + siteB32 + ":81/jump/"},
	} {
		if got, err := httpproxy.ParseJump(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "x", "http://example.org/", "https://x.i2p/", "http://x.i2p", "http://u@x.i2p/", "http://proxy.i2p/", "http://127.0.0.1/", "javascript:alert(1)",
		"http://x.i2p/#", "http://x.i2p/#%s", "x=javascript:alert(1)//", "http://x.i2p/" + strings.Repeat("a", 5000), "//x.i2p/",
	} {
		if got, err := httpproxy.ParseJump(in); err == nil {
			t.Errorf("%q: %+v", in, got)
		}
	}
	cfg := httpproxy.DefaultConfig()
	cfg.Jump = []httpproxy.JumpService{{Name: "x", URL: "http://example.org/"}}
	if cfg.Validate() == nil {
		t.Error("a jump service outside of I2P is accepted")
	}
}
