package http_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

func withRules(t *testing.T, rules ...proxies.Rule) func(*httpproxy.Config) {
	t.Helper()
	compiled, err := proxies.NewRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *httpproxy.Config) { c.Policy = proxies.NewPolicy(compiled) }
}

var toExit = proxies.Rule{Name: "web", Match: []string{"*"}, Action: proxies.ToOutproxy, Via: "exit"}

// exit serves the streams to the outproxy.
func exit(t *testing.T, f *fixture, serve func(c net.Conn, br *bufio.Reader)) {
	t.Helper()
	raw(t, f, serve)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.network.address["via exit"] = f.network.address[siteName]
}

func TestClearnetIsBlockedAndThePageSaysHowToAllowIt(t *testing.T) {
	f := start(t, nil)
	for request, explain := range map[string]string{
		"GET http://www.example.org:8080/x":    "clove rules explain http://www.example.org:8080/",
		"POST http://www.example.org/":         "clove rules explain http://www.example.org/",
		"CONNECT www.example.org:443":          "clove rules explain https://www.example.org/",
		"CONNECT www.example.org:8443":         "clove rules explain https://www.example.org:8443/",
		"GET http://[2001:db8::1]:81/":         "clove rules explain http://[2001:db8::1]:81/",
		"GET http://www.example.org/?a='$(x)'": "clove rules explain http://www.example.org/\n",
	} {
		resp, body := f.exchange(t, request+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != 403 {
			t.Errorf("%s: %d", request, resp.StatusCode)
		}
		for _, want := range []string{"[[proxies.rules]]", "action = &#34;outproxy&#34;", "via = ", "match = ", "clove.toml", strings.TrimSpace(explain)} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: page has no %q:\n%s", request, want, body)
			}
		}
		if !strings.Contains(resp.Header.Get("Proxy-Status"), strings.TrimSpace(explain)) {
			t.Errorf("%s: Proxy-Status %q", request, resp.Header.Get("Proxy-Status"))
		}
	}
	if len(f.targets()) > 0 {
		t.Errorf("dialed %v", f.targets())
	}
}

func TestRuleThatBlocksIsNamed(t *testing.T) {
	f := start(t, nil, withRules(t, proxies.Rule{Name: "no trackers", Match: []string{"*.example.org", "bad.i2p"}, Action: proxies.Block}, toExit))
	for _, host := range []string{"a.example.org", "bad.i2p"} {
		resp, body := f.exchange(t, "GET http://"+host+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != 403 || !strings.Contains(body, "no trackers") || !strings.Contains(body, "Blocked by a rule") {
			t.Errorf("%s: %d %s", host, resp.StatusCode, body)
		}
	}
}

func TestRuleSendsAbsoluteFormToTheOutproxy(t *testing.T) {
	f := start(t, nil, withRules(t, toExit))
	got := make(chan string, 1)
	exit(t, f, func(c net.Conn, br *bufio.Reader) {
		var head strings.Builder
		for {
			line, err := br.ReadString('\n')
			if head.WriteString(line); err != nil || line == "\r\n" {
				break
			}
		}
		body := make([]byte, 4)
		_, _ = io.ReadFull(br, body)
		got <- head.String() + string(body)
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /next\r\nVia: 1.1 squid\r\nProxy-Status: exit\r\nAlt-Svc: h3\r\nContent-Length: 4\r\n\r\npage")
	})
	resp, body := f.exchange(t, "POST http://WWW.example.org:8080/a%2Fb?q#f HTTP/1.1\r\nHost: other.example\r\nContent-Length: 4\r\n"+
		"User-Agent: Mozilla/5.0 mine\r\nAccept-Language: de\r\nAccept-Encoding: gzip, br\r\nVia: 1.1 me\r\nX-Forwarded-For: 10.0.0.1\r\nForwarded: for=x\r\n"+
		"Proxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\nReferer: http://other.example/secret\r\nOrigin: http://www.example.org:8080\r\n"+
		"Sec-CH-UA: x\r\nSec-Fetch-Site: cross-site\r\nDNT: 1\r\nCookie: a=b\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\nbody")
	if resp.StatusCode != 302 || body != "page" || resp.Header.Get("Location") != "/next" {
		t.Errorf("%d %v %q", resp.StatusCode, resp.Header, body)
	}
	for _, name := range []string{"Via", "Proxy-Status", "Alt-Svc"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("the browser sees %s", name)
		}
	}
	sent := <-got
	want := "POST http://www.example.org:8080/a%2Fb?q HTTP/1.1\r\nHost: www.example.org:8080\r\n" +
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:109.0) Gecko/20100101 Firefox/115.0\r\nContent-Length: 4\r\n" +
		"Accept-Encoding: gzip\r\nCookie: a=b\r\nOrigin: http://www.example.org:8080\r\nConnection: close\r\n\r\nbody"
	if sent != want {
		t.Errorf("the outproxy got\n%s\nwant\n%s", sent, want)
	}
	target := f.targets()[0]
	if target.Host != "www.example.org" || target.Port != 8080 || target.Via != "exit" {
		t.Errorf("dialed %+v", target)
	}
}

func TestRuleDoesNotTouchI2P(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprint(w, r.Host, r.Header.Get("User-Agent"))
	}), withRules(t, toExit))
	_, body := f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if body != siteB32+"MYOB/6.66 (AN/ON)" || f.targets()[0].Via != "" {
		t.Errorf("%q %+v", body, f.targets())
	}
}

// Whatever the rules say: what is at home, and names that a resolver would find there.
func TestNoRuleOpensTheLocalNetwork(t *testing.T) {
	f := start(t, nil, withRules(t, toExit))
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "intranet", "printer.local", "2130706433", "x.onion"} {
		for _, line := range []string{"GET http://" + host + "/", "CONNECT " + host + ":443"} {
			resp, body := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if resp.StatusCode != 403 || strings.Contains(body, "[[proxies.rules]]") {
				t.Errorf("%s: %d %s", line, resp.StatusCode, body)
			}
		}
	}
	if len(f.targets()) > 0 {
		t.Errorf("dialed %v", f.targets())
	}
}

func TestConnectThroughTheOutproxy(t *testing.T) {
	f := start(t, nil, withRules(t, toExit))
	heads := make(chan string, 1)
	exit(t, f, func(c net.Conn, br *bufio.Reader) {
		r, err := nethttp.ReadRequest(br)
		if err != nil {
			return
		}
		heads <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nBANNER ")
		all, _ := io.ReadAll(br)
		fmt.Fprintf(c, "got %s", all)
	})
	c := f.dial(t)
	_, _ = io.WriteString(c, "CONNECT www.example.org:443 HTTP/1.1\r\nHost: x\r\nUser-Agent: secret\r\n\r\nEARLY")
	br := bufio.NewReader(c)
	resp, err := nethttp.ReadResponse(br, &nethttp.Request{Method: "CONNECT"})
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%+v %v", resp, err)
	}
	_, _ = io.WriteString(c, "LATE")
	_ = c.CloseWrite()
	if all, err := io.ReadAll(br); string(all) != "BANNER got EARLYLATE" || err != nil {
		t.Errorf("%q %v", all, err)
	}
	if head := <-heads; head != "CONNECT www.example.org:443 map[]" {
		t.Errorf("the outproxy got %s", head)
	}
}

func TestOutproxyErrorsAreExplained(t *testing.T) {
	for name, tt := range map[string]struct {
		answer, says string
		status       int
	}{
		"no exit": {
			"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: outproxy; error=destination_unavailable; details=\"all <3> exits failed\"\r\n\r\n",
			"No exit is reachable|all &lt;3&gt; exits failed|clove tunnel list", 502,
		},
		"squid down": {
			"HTTP/1.1 503 Service Unavailable\r\nProxy-Status: exit; error=destination_unavailable; details=\"the exit's squid does not answer\"\r\n\r\n",
			"exit&#39;s proxy is down|squid does not answer|systemctl status squid", 503,
		},
		"quota":      {"HTTP/1.1 429 Too Many\r\nProxy-Status: exit; error=http_request_denied; details=\"quota\"\r\n\r\n", "exit refuses this|quota", 403},
		"prohibited": {"HTTP/1.1 403 No\r\nProxy-Status: exit; error=destination_ip_prohibited\r\n\r\n", "does not go there", 403},
		"refused":    {"HTTP/1.1 502 No\r\nProxy-Status: exit; error=connection_refused\r\n\r\n", "site refused", 502},
		"timeout":    {"HTTP/1.1 504 No\r\nProxy-Status: exit; error=connection_timeout\r\n\r\n", "did not answer the exit", 504},
		"name":       {"HTTP/1.1 502 No\r\nProxy-Status: exit; error=dns_error\r\n\r\n", "does not find this name", 502},
		"password":   {"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", "exit refuses this", 403},
		"garbage":    {"SSH-2.0-x\r\n\r\n", "did not answer properly", 502},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil, withRules(t, toExit))
			exit(t, f, func(c net.Conn, br *bufio.Reader) {
				_, _ = nethttp.ReadRequest(br)
				_, _ = io.WriteString(c, tt.answer)
			})
			for _, line := range []string{"GET http://www.example.org/", "CONNECT www.example.org:443"} {
				resp, body := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				if resp.StatusCode != tt.status || resp.Header.Get("Proxy-Authenticate") != "" {
					t.Errorf("%s: %d %v", line, resp.StatusCode, resp.Header)
				}
				for says := range strings.SplitSeq(tt.says+"|www.example.org|Outproxy tunnel|exit", "|") {
					if !strings.Contains(body, says) {
						t.Errorf("%s: no %q in %s", line, says, body)
					}
				}
			}
		})
	}
}

func TestOutproxyTunnelThatDoesNotRun(t *testing.T) {
	f := start(t, nil, withRules(t, toExit))
	f.errs["via exit"] = fmt.Errorf("x: %w", proxies.ErrOutproxyDown)
	for _, line := range []string{"GET http://www.example.org/", "CONNECT www.example.org:443"} {
		resp, body := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != 502 || !strings.Contains(body, "No exit is reachable") {
			t.Errorf("%s: %d %s", line, resp.StatusCode, body)
		}
	}
	if n := f.server.Stats().Failed["outproxy down"]; n != 2 {
		t.Errorf("counted %d", n)
	}
}

func TestSilentOutproxyIsGivenUp(t *testing.T) {
	f := start(t, nil, withRules(t, toExit), func(c *httpproxy.Config) { c.Idle, c.DialTimeout = 200*time.Millisecond, 200*time.Millisecond })
	exit(t, f, func(c net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) })
	for line, says := range map[string]string{"GET http://www.example.org/": "outproxy did not answer", "CONNECT www.example.org:443": "did not answer"} {
		resp, body := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != 504 || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s", line, resp.StatusCode, body)
		}
	}
}

// A site's own error, which an exit passes on, is the site's page.
func TestErrorPageOfASiteIsNotReplaced(t *testing.T) {
	f := start(t, nil, withRules(t, toExit))
	exit(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = nethttp.ReadRequest(br)
		_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nown!")
	})
	resp, body := f.exchange(t, "GET http://www.example.org/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != 503 || body != "own!" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

func TestSiteIsolatesWhereThePolicySaysSo(t *testing.T) {
	for _, bySite := range []bool{false, true} {
		f := start(t, nil, withRules(t, toExit), func(c *httpproxy.Config) { c.Isolation.Site = bySite })
		for _, line := range []string{
			"GET http://a.example.org/", "CONNECT b.example.org:443", "GET http://example.net/", "GET http://a.i2p/", "CONNECT a.i2p:443", "GET http://b.i2p/",
		} {
			f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		}
		keys := map[proxies.Isolation]int{}
		for _, target := range f.targets() {
			keys[target.Isolation]++
		}
		if want := map[bool]int{false: 1, true: 4}[bySite]; len(keys) != want {
			t.Errorf("by site %v: keys %v", bySite, keys)
		}
	}
}
