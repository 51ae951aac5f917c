package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

const patience = 30 * time.Second

// web is a clearnet-like site on loopback: plain and TLS.
type webSite struct {
	plain, tls *httptest.Server
}

func newWebSite(t *testing.T) *webSite {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, ","))
		}
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Proxy-Status", "exit; error=destination_unavailable; details=\"forged\"")
		fmt.Fprintf(w, "host=%s\nmethod=%s\nuri=%s\nbody=%d\ntls=%v\n", r.Host, r.Method, r.RequestURI, len(b), r.TLS != nil)
	})
	s := &webSite{httptest.NewServer(h), httptest.NewTLSServer(h)}
	t.Cleanup(s.plain.Close)
	t.Cleanup(s.tls.Close)
	return s
}

func port(s *httptest.Server) string {
	_, p, _ := net.SplitHostPort(s.Listener.Addr().String())
	return p
}

func (s *webSite) ports() []any { return []any{port(s.plain), port(s.tls)} }

// chain is client -> I2P -> exit.
type chain struct {
	host         *plugintest.Host
	exit, client *plugintest.Tunnel
}

func newChain(t *testing.T, h *plugintest.Host, exit map[string]any) *chain {
	t.Helper()
	c := &chain{host: h, exit: h.Start(plugin(), "outproxy-server", exit)}
	c.client = h.Start(plugin(), "outproxy-client", map[string]any{
		"outproxies": []any{c.exit.Address()}, "https_outproxies": []any{c.exit.Address()}, "listen": "127.0.0.1:0", "probe_interval": "0s",
	})
	return c
}

// service opens a stream as clove's proxies do.
func service(t *testing.T, client *plugintest.Tunnel, isolation string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := client.Service(ctx, "outproxy", isolation)
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

type reply struct {
	*http.Response

	body string
}

func (r reply) status() string { return r.Header.Get("Proxy-Status") }

// ask sends one request to a service and reads the answer.
func ask(t *testing.T, conn net.Conn, request string) reply {
	t.Helper()
	go io.WriteString(conn, request)
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.60q: no answer: %v", request, err)
	}
	if method == "CONNECT" && r.StatusCode == 200 {
		return reply{r, ""}
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	return reply{r, string(b)}
}

func get(url string, headers ...string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	s := "GET " + url + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for _, h := range headers {
		s += h + "\r\n"
	}
	return s + "\r\n"
}

func connect(to string) string { return "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n" }

func line(body, name string) string {
	for l := range strings.Lines(body) {
		if v, ok := strings.CutPrefix(l, name); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// curl runs Debian's through the client's local address.
func curl(t *testing.T, through string, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, needed(t, "curl")[0], append([]string{"-q", "-sS", "-k", "-i", "--max-time", "50", "-x", "http://" + through, "--noproxy", ""}, args...)...)
	c.Env = []string{"PATH=/usr/bin:/bin"}
	b, err := c.CombinedOutput()
	return string(b), err
}

func TestThroughSquid(t *testing.T) {
	site := newWebSite(t)
	dns := startDNS(t)
	squid := startSquid(t, "127.0.0.1 site.example www.site.example\n", dns)
	h := plugintest.NewHost(t)
	dead := closedPort(t)
	c := newChain(t, h, map[string]any{"squid": squid.address, "ports": append(site.ports(), dead)})
	local := c.client.LocalAddress()
	plain, secure := "http://site.example:"+port(site.plain), "https://www.site.example:"+port(site.tls)

	out, err := curl(t, local, plain+"/a?b=c", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-I2P-DestB32: forged")
	if err != nil || line(out, "host=") != "site.example:"+port(site.plain) || line(out, "uri=") != "/a?b=c" {
		t.Fatalf("plain: %v\n%s", err, out)
	}
	for _, secret := range []string{"6.6.6.6", "X-I2p", "X-Forwarded", "Via:", "secret-host-name", "X-Cache", "squid", "Proxy-Status"} {
		if strings.Contains(out, secret) {
			t.Errorf("plain: %q in\n%s", secret, out)
		}
	}
	if out, err = curl(t, local, plain+"/post", "--data-binary", strings.Repeat("x", 100000)); err != nil || line(out, "body=") != "100000" || line(out, "method=") != "POST" {
		t.Errorf("POST: %v\n%s", err, out)
	}
	if out, err = curl(t, local, secure+"/secret"); err != nil || line(out, "tls=") != "true" || line(out, "uri=") != "/secret" {
		t.Errorf("CONNECT: %v\n%s", err, out)
	}

	// What squid says, in our words.
	for request, want := range map[string]string{
		get("http://nowhere.example:" + port(site.plain) + "/"): "exit; error=dns_error",
		connect("nowhere.example:" + port(site.tls)):            "exit; error=dns_error",
		get("http://site.example:" + dead + "/"):                "exit; error=connection_refused",
		connect("site.example:" + dead):                         "exit; error=connection_refused",
		get("http://site.example:1/"):                           "exit; error=http_request_denied",
		connect("127.0.0.1:" + port(site.tls)):                  "outproxy; error=destination_ip_prohibited",
	} {
		if dns == "" && strings.Contains(request, "nowhere") {
			t.Log("the port of DNS cannot be bound: names that do not exist are not tried")
			continue
		}
		r := ask(t, service(t, c.client, ""), request)
		if r.StatusCode < 400 || !strings.HasPrefix(r.status(), want) || strings.Contains(r.body, "secret-host-name") {
			t.Errorf("%.50q: %d %q, want %q\n%s", request, r.StatusCode, r.status(), want, r.body)
		}
	}
	if m := c.exit.Metrics(); m["requests"] < 3 || m["tunnels"] < 2 || m["bytes"] < 100000 {
		t.Errorf("%v", m)
	}
	if state, text := c.exit.Health(); state != sdk.Healthy {
		t.Errorf("%v %s", state, text)
	}

	squid.stop()
	const want = `exit; error=destination_unavailable; details="the exit's squid does not answer"`
	for _, request := range []string{get(plain + "/"), connect("site.example:" + port(site.tls)), "POST " + plain + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"} {
		if r := ask(t, service(t, c.client, ""), request); r.StatusCode != 503 || r.status() != want {
			t.Errorf("%.50q: %d %q", request, r.StatusCode, r.status())
		}
	}
	if state, text := c.exit.Health(); state != sdk.Degraded || text != "the exit's squid does not answer" {
		t.Errorf("%v %s", state, text)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

func TestSquidLearnsWhoOnlyIfItShall(t *testing.T) {
	seen := make(chan *http.Request, 4)
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen <- r }))
	t.Cleanup(fake.Close)
	address := strings.TrimPrefix(fake.URL, "http://")
	h := plugintest.NewHost(t)
	for _, forward := range []bool{false, true} {
		c := newChain(t, h, map[string]any{"squid": address, "forward_dest": forward, "unique_local": forward})
		ask(t, service(t, c.client, ""), get("http://site.example/"))
		r := <-seen
		ask(t, service(t, c.client, ""), connect("site.example:443"))
		for _, r := range []*http.Request{r, <-seen} {
			from, _, _ := net.SplitHostPort(r.RemoteAddr)
			told := r.Header.Get("X-I2P-DestB32")
			if forward != strings.HasSuffix(told, ".b32.i2p") || forward == (from == "127.0.0.1") {
				t.Errorf("forward %v: %s from %s: %v", forward, r.Method, from, r.Header)
			}
		}
		c.client.Stop()
		c.exit.Stop()
	}
}

func TestEmbeddedExit(t *testing.T) {
	site := newWebSite(t)
	h := plugintest.NewHost(t)
	h.Clearnet(map[string]string{
		"site.example:" + port(site.plain): site.plain.Listener.Addr().String(), "site.example:" + port(site.tls): site.tls.Listener.Addr().String(),
	})
	c := newChain(t, h, map[string]any{"ports": site.ports(), "deny_hosts": []any{"bad.example"}})
	local := c.client.LocalAddress()
	out, err := curl(t, local, "http://site.example:"+port(site.plain)+"/a")
	if err != nil || line(out, "uri=") != "/a" || strings.Contains(out, "X-Forwarded") || strings.Contains(out, "Via") || strings.Contains(out, "Proxy-") {
		t.Errorf("plain: %v\n%s", err, out)
	}
	if out, err = curl(t, local, "https://site.example:"+port(site.tls)+"/b"); err != nil || line(out, "tls=") != "true" {
		t.Errorf("CONNECT: %v\n%s", err, out)
	}
	// A browser that keeps its connection for several sites.
	if out, err = curl(t, local, "http://site.example:"+port(site.plain)+"/1", "http://site.example:"+port(site.plain)+"/2"); err != nil || strings.Count(out, "uri=/") != 2 {
		t.Errorf("twice: %v\n%s", err, out)
	}
	for request, want := range map[string]struct {
		status int
		say    string
	}{
		get("http://unknown.example:" + port(site.plain) + "/"): {502, "exit; error=dns_error"},
		connect("unknown.example:" + port(site.tls)):            {502, "exit; error=dns_error"},
		connect("site.example:22"):                              {403, "exit; error=http_request_denied"},
		get("http://site.example:8/"):                           {403, "exit; error=http_request_denied"},
		get("http://www.bad.example:" + port(site.plain) + "/"): {403, "exit; error=http_request_denied"},
		get("http://site.i2p/"):                                 {403, "outproxy; error=destination_ip_prohibited"},
		get("https://site.example/"):                            {400, "outproxy; error=http_request_denied"},
		get("/path"):                                            {400, "outproxy; error=http_request_denied"},
		"GET http://a.example/ HTTP/1.1\r\nHost : x\r\n\r\n":    {400, "outproxy; error=http_request_denied"},
		"CONNECT site.example HTTP/1.1\r\nHost: x\r\n\r\n":      {403, "outproxy; error=http_request_denied"},
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":                 {204, ""},
	} {
		if r := ask(t, service(t, c.client, ""), request); r.StatusCode != want.status || !strings.HasPrefix(r.status(), want.say) {
			t.Errorf("%.60q: %d %q, want %d %q", request, r.StatusCode, r.status(), want.status, want.say)
		}
	}
}

// Attempts to reach this machine and its network through an exit, asked of the exit itself: no client of ours stands between.
func TestSSRFIsRefused(t *testing.T) {
	site := newWebSite(t)
	h := plugintest.NewHost(t)
	p := port(site.plain)
	exit := h.Start(plugin(), "outproxy-server", map[string]any{"ports": []any{p, "80", "443"}})
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "0.0.0.0", "0",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "192.168.0.1", "172.31.0.1", "100.100.100.200", "localhost", "localhost.", "foo.localhost",
		"metadata.google.internal", "router.lan", "intranet",
	} {
		for _, request := range []string{get("http://" + host + ":" + p + "/"), get("http://" + host + "/latest/meta-data/"), connect(host + ":443")} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			conn, err := h.I2P.Dial(ctx, "mallory.i2p", exit.Name(), 0)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			r := ask(t, conn, request)
			conn.Close()
			if r.StatusCode != 403 || !strings.HasPrefix(r.status(), "exit; error=destination_ip_prohibited") {
				t.Errorf("%.60q: %d %q", request, r.StatusCode, r.status())
			}
		}
	}
	if m := exit.Metrics(); m["refused_address"] == 0 || m["requests"] != 0 || m["tunnels"] != 0 {
		t.Errorf("%v", m)
	}
}

func TestExitWithoutPermission(t *testing.T) {
	h := plugintest.NewHost(t)
	h.Grant(sdk.DialI2P, sdk.ListenI2P, sdk.ListenLocal)
	c := newChain(t, h, map[string]any{})
	for _, request := range []string{get("http://site.example/"), connect("site.example:443")} {
		if r := ask(t, service(t, c.client, ""), request); r.StatusCode != 503 || !strings.Contains(r.status(), "no permission") {
			t.Errorf("%d %q", r.StatusCode, r.status())
		}
	}
	if state, text := c.exit.Health(); state != sdk.Degraded || !strings.Contains(text, "permission") {
		t.Errorf("%v %q", state, text)
	}
}

func TestExitLimits(t *testing.T) {
	h := plugintest.NewHost(t)
	big := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 300_000)) }))
	t.Cleanup(big.Close)
	h.Clearnet(map[string]string{"big.example": big.Listener.Addr().String()})
	request := func(exit *plugintest.Tunnel, from string) (int, string, int) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		conn, err := h.I2P.Dial(ctx, from, exit.Name(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, get("http://big.example/"))
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0, "", 0
		}
		n, _ := io.Copy(io.Discard, r.Body)
		return r.StatusCode, r.Header.Get("Proxy-Status"), int(n)
	}
	exit := h.Start(plugin(), "outproxy-server", map[string]any{"client_quota": "400KB", "client_rate": "0"})
	if status, _, n := request(exit, "alice.i2p"); status != 200 || n != 300_000 {
		t.Errorf("first: %d, %d bytes", status, n)
	}
	if status, _, n := request(exit, "alice.i2p"); status != 200 || n >= 300_000 {
		t.Errorf("over the quota: %d, %d bytes", status, n)
	}
	if status, say, _ := request(exit, "alice.i2p"); status != 429 || !strings.Contains(say, "exit; error=http_request_denied") || !strings.Contains(say, "quota") {
		t.Errorf("after it: %d %q", status, say)
	}
	if status, _, n := request(exit, "bob.i2p"); status != 200 || n != 300_000 {
		t.Errorf("another: %d, %d bytes", status, n)
	}
	for range 2 { // the old program saves after the new one has loaded
		exit.Upgrade(plugin(), map[string]any{"client_quota": "400KB", "client_rate": "0"}, patience)
	}
	if status, say, _ := request(exit, "alice.i2p"); status != 429 {
		t.Errorf("a new program brings a new quota: %d %q", status, say)
	}
	exit.Stop()
	alice := h.I2P.Address("alice.i2p").Base32
	exit = h.Start(plugin(), "outproxy-server", map[string]any{"client_minute": 2, "deny_list": []any{alice}})
	if status, say, _ := request(exit, "alice.i2p"); status != 403 || !strings.Contains(say, "not for you") {
		t.Errorf("deny list: %d %q", status, say)
	}
	for i, want := range []int{200, 200, 429} {
		if status, say, _ := request(exit, "carol.i2p"); status != want {
			t.Errorf("request %d of a minute: %d %q", i, status, say)
		}
	}
	exit.Stop()
	exit = h.Start(plugin(), "outproxy-server", map[string]any{"client_rate": "200KB"})
	begin := time.Now()
	if status, _, n := request(exit, "dave.i2p"); status != 200 || n != 300_000 || time.Since(begin) < 400*time.Millisecond {
		t.Errorf("paced: %d, %d bytes in %v", status, n, time.Since(begin))
	}
}

func TestExitWithPasswords(t *testing.T) {
	h := plugintest.NewHost(t)
	site := newWebSite(t)
	h.Clearnet(map[string]string{"site.example": site.plain.Listener.Addr().String()})
	exit := h.Start(plugin(), "outproxy-server", map[string]any{"users": map[string]any{"alice": "secret"}, "ports": []any{"80", "443"}})
	base := map[string]any{"outproxies": []any{exit.Address()}, "https_outproxies": []any{exit.Address()}, "probe_interval": "0s"}
	for credentials, want := range map[string]int{"": 503, "alice:wrong": 503, "alice:secret": 200} {
		settings := maps.Clone(base)
		if credentials != "" {
			settings["credentials"] = map[string]any{exit.Address(): credentials}
		}
		client := h.Start(plugin(), "outproxy-client", settings)
		for _, request := range []string{get("http://site.example/"), connect("site.example:443")} {
			r := ask(t, service(t, client, ""), request)
			if r.StatusCode != want || want != 200 && !strings.Contains(r.status(), "outproxy; error=destination_unavailable; details=\"the outproxy wants a user name and password") || strings.Contains(r.body, "secret") || r.Header.Get("Proxy-Authenticate") != "" {
				t.Errorf("%q: %d %q\n%s", credentials, r.StatusCode, r.status(), r.body)
			}
		}
		client.Stop()
	}
}

func TestTunnelKeepsHalvesAndEarlyBytes(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, _ := io.ReadAll(c)
				fmt.Fprintf(c, "got %d", len(b))
			}()
		}
	}()
	h.Clearnet(map[string]string{"sink.example": l.Addr().String()})
	c := newChain(t, h, map[string]any{})
	conn := service(t, c.client, "")
	go func() {
		io.WriteString(conn, connect("sink.example:443")+"early")
		time.Sleep(50 * time.Millisecond)
		conn.Write(make([]byte, 200_000))
		conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	src := bufio.NewReader(conn)
	if r, err := http.ReadResponse(src, &http.Request{Method: "CONNECT"}); err != nil || r.StatusCode != 200 {
		t.Fatal(r, err)
	}
	if b, err := io.ReadAll(src); err != nil || string(b) != "got 200005" {
		t.Errorf("%q %v", b, err)
	}
}

func TestFarTLSThroughService(t *testing.T) {
	site := newWebSite(t)
	h := plugintest.NewHost(t)
	h.Clearnet(map[string]string{"site.example": site.tls.Listener.Addr().String()})
	c := newChain(t, h, map[string]any{})
	conn := service(t, c.client, "alice")
	if r := ask(t, conn, connect("site.example:443")); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	io.WriteString(secure, "GET /x HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(secure), nil)
	if err != nil || r.StatusCode != 200 {
		t.Fatal(r, err)
	}
}
