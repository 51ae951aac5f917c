package http_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

func TestPages(t *testing.T) {
	f := start(t, nil)
	f.errs["nols.i2p"] = fmt.Errorf("client: %w", proxies.ErrNoLeaseSet)
	f.errs["dead.i2p"] = fmt.Errorf("client: %w", proxies.ErrNoAnswer)
	f.errs["forbidden.i2p"] = proxies.ErrRefused
	f.errs["odd.i2p"] = fmt.Errorf("<script>secret</script>")
	destination := strings.Repeat("A", 512) + "b-~="
	f.errs[destination] = proxies.ErrNoLeaseSet

	for _, tt := range []struct {
		request, says string
		status        int
		dials         string
	}{
		{"GET http://new.i2p/", "Unknown I2P name", 502, "new.i2p"},
		{"GET http://nols.i2p:8080/", "site is offline", 504, "nols.i2p"},
		{"GET http://dead.i2p/", "did not answer", 504, "dead.i2p"},
		{"POST http://dead.i2p/", "did not answer", 504, "dead.i2p"},
		{"GET http://forbidden.i2p/", "Not allowed", 403, "forbidden.i2p"},
		{"GET http://odd.i2p/", "The request failed", 502, "odd.i2p"},
		{"GET http://" + destination + "/", "site is offline", 504, destination},
		{"GET http://i2p/" + destination + "/a%2fb", "site is offline", 504, destination},
		{"GET http://clear.example/", "no name server was asked", 403, ""},
		{"GET http://intranet/", "Not through I2P", 403, ""},
		{"GET http://localhost:631/", "Not through I2P", 403, ""},
		{"GET http://x.localhost/", "Not through I2P", 403, ""},
		{"GET http://127.0.0.1:7657/", "Not through I2P", 403, ""},
		{"GET http://2130706433/", "Not through I2P", 403, ""},
		{"GET http://0x7f.1/", "Not through I2P", 403, ""},
		{"GET http://192.168.1.1/", "Not through I2P", 403, ""},
		{"GET http://10.1.2.3/", "Not through I2P", 403, ""},
		{"GET http://172.16.0.1/", "Not through I2P", 403, ""},
		{"GET http://169.254.169.254/", "Not through I2P", 403, ""},
		{"GET http://[::1]:80/", "Not through I2P", 403, ""},
		{"GET http://[fd00::1]/", "Not through I2P", 403, ""},
		{"GET http://[::ffff:127.0.0.1]/", "Not through I2P", 403, ""},
		{"GET http://9.9.9.9/", "no IP addresses", 403, ""},
		{"GET http://[2001:db8::1]/", "no IP addresses", 403, ""},
		{"GET https://tls.i2p/", "Most sites in I2P have no https", 400, ""},
		{"GET ftp://x.i2p/", "cannot be right", 400, ""},
		{"GET http:///", "cannot be right", 400, ""},
		{"GET http:x.i2p", "cannot be right", 400, ""},
		{"GET http://x.i2p./", "cannot be right", 400, ""},
		{"GET http://x..i2p/", "cannot be right", 400, ""},
		{"GET http://x.i2p:0/", "cannot be right", 400, ""},
		{"GET http://x.i2p:65536/", "cannot be right", 400, ""},
		{"GET http://short.b32.i2p/", "cannot be right", 400, ""},
		{"GET http://a_b.i2p/", "cannot be right", 400, ""},
		{"GET http://i2p/short/", "Not through I2P", 403, ""},
		{"GET http://proxy.i2p/", "Your browser reaches", 200, ""},
		{"GET http://PROXY.i2p:80/", "Your browser reaches", 200, ""},
		{"GET http://proxy.i2p/x", "No such page", 404, ""},
		{"POST http://proxy.i2p/", "only be read", 405, ""},
		{"GET /", "This is an HTTP proxy", 200, ""},
		{"GET /wpad.dat", "No such page", 404, ""},
		{"PUT /", "only be read", 405, ""},
		{"CONNECT clear.example:443", "Not an I2P address", 403, ""},
		{"CONNECT 127.0.0.1:22", "Not through I2P", 403, ""},
		{"CONNECT proxy.i2p:80", "Not allowed", 403, ""},
		{"CONNECT noport.i2p", "cannot be right", 400, ""},
		{"CONNECT a@x.i2p:1", "cannot be right", 400, ""},
		{"CONNECT nols.i2p:443", "site is offline", 504, "nols.i2p"},
	} {
		before := len(f.targets())
		resp, body := f.exchange(t, tt.request+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		name := tt.request[:min(60, len(tt.request))]
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d, want %d and %q; %s", name, resp.StatusCode, tt.status, tt.says, body)
			continue
		}
		var dialed string
		if after := f.targets(); len(after) > before {
			dialed = after[before].Host
		}
		if dialed != tt.dials {
			t.Errorf("%s: dialed %.60q, want %.60q", name, dialed, tt.dials)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "<b>") || strings.Contains(body, "secret") {
			t.Errorf("%s: page is not escaped: %s", name, body)
		}
		h := resp.Header
		style := between(body, "<style>", "</style>")
		sum := sha256.Sum256([]byte(style))
		if !strings.Contains(h.Get("Content-Security-Policy"), base64.StdEncoding.EncodeToString(sum[:])) {
			t.Errorf("%s: policy does not allow the page's style: %s", name, h.Get("Content-Security-Policy"))
		}
		if !strings.Contains(h.Get("Cache-Control"), "no-cache") || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Refresh") != "" || int64(len(body)) != resp.ContentLength {
			t.Errorf("%s: headers %v", name, h)
		}
		if tt.status >= 400 && tt.status != 404 && tt.status != 405 && !strings.HasPrefix(h.Get("Proxy-Status"), "proxy; error=") {
			t.Errorf("%s: Proxy-Status %q", name, h.Get("Proxy-Status"))
		}
	}
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

func TestHostIsEscapedInPages(t *testing.T) {
	f := start(t, nil)
	_, body := f.exchange(t, "GET http://a'b&c.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.Contains(body, "a&#39;b&amp;c.example") {
		t.Error(body)
	}
}

func TestNotReadyPageShowsProgressAndReloads(t *testing.T) {
	f := startWith(t, nil, notReady("3 of 6 <tunnels>"), func(c *httpproxy.Config) { c.ReadyWait = 50 * time.Millisecond })
	resp, body := f.exchange(t, "GET http://x.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != 503 || resp.Header.Get("Refresh") != "5" || resp.Header.Get("Retry-After") != "5" ||
		!strings.Contains(body, "3 of 6 &lt;tunnels&gt;") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	resp, body = f.exchange(t, "POST http://x.i2p/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
	if resp.StatusCode != 503 || resp.Header.Get("Refresh") != "" || !strings.Contains(body, "Nothing was sent") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	_, body = f.exchange(t, "GET http://proxy.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.Contains(body, "3 of 6 &lt;tunnels&gt;") {
		t.Error(body)
	}
	if got := f.targets(); len(got) > 0 {
		t.Errorf("dialed %v before the router was ready", got)
	}
}

func TestUsers(t *testing.T) {
	f := start(t, nil, func(c *httpproxy.Config) { c.Users = proxies.Users{"alice": "pw"} })
	credentials := func(s string) string {
		return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n"
	}
	for _, tt := range []struct {
		header string
		status int
	}{
		{"", 407}, {credentials("alice:no"), 407}, {credentials("bob:"), 407}, {credentials("bob:pw"), 407},
		{"Proxy-Authorization: Basic !\r\n", 407}, {credentials("alice:pw"), 502},
	} {
		for _, line := range []string{"GET http://x.i2p/", "CONNECT x.i2p:80"} {
			resp, _ := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+tt.header+"\r\n")
			if resp.StatusCode != tt.status || (tt.status == 407) != (resp.Header.Get("Proxy-Authenticate") != "") {
				t.Errorf("%s %q: %d %v", line, tt.header, resp.StatusCode, resp.Header)
			}
		}
	}
	if n := len(f.targets()); n != 2 {
		t.Errorf("%d dials", n)
	}
}

func TestCredentialsIsolate(t *testing.T) {
	f := start(t, nil)
	for _, user := range []string{"a:1", "a:2", "b:1", "a:1"} {
		f.exchange(t, "GET http://x.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nProxy-Authorization: Basic "+
			base64.StdEncoding.EncodeToString([]byte(user))+"\r\n\r\n")
	}
	f.exchange(t, "GET http://x.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	keys := map[proxies.Isolation]int{}
	for _, target := range f.targets() {
		keys[target.Isolation]++
		if strings.Contains(target.Isolation.User, "a") && len(target.Isolation.User) < 32 {
			t.Errorf("key %q shows the user", target.Isolation.User)
		}
	}
	if len(keys) != 4 {
		t.Errorf("keys %v", keys)
	}
}

// A server must not learn the name under which it is known here, even if the wiring is wrong.
func TestStreamWithoutAddressGetsNoRequest(t *testing.T) {
	f := start(t, nil)
	f.plain = true
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		if b, err := io.ReadAll(br); len(b) > 0 {
			t.Errorf("server got %q, %v", b, err)
		}
	})
	resp, _ := f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != 502 {
		t.Errorf("status %d", resp.StatusCode)
	}
}
