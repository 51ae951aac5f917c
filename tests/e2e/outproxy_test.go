package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A clearnetSite stands for a site of the web: plain and with TLS, under a name that squid alone knows.
type clearnetSite struct {
	plain, tls string // URLs
	authority  string // file of the certificate
}

const clearnetName = "example.com" // what net/http/httptest's certificate is for

func startClearnetSite(t *testing.T) clearnetSite {
	t.Helper()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := map[bool]string{false: "plain", true: "TLS"}[r.TLS != nil]
		fmt.Fprintf(w, "the web, %s, host %s, via %q, from %q\n", scheme, r.Host, r.Header.Get("Via"), r.Header.Get("X-Forwarded-For"))
	})
	plain, secure := httptest.NewServer(page), httptest.NewTLSServer(page)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	s := clearnetSite{plain: at(t, "http", plain), tls: at(t, "https", secure), authority: filepath.Join(t.TempDir(), "cert.pem")}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(s.authority, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t *testing.T, scheme string, s *httptest.Server) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return scheme + "://" + net.JoinHostPort(clearnetName, port) + "/"
}

// A curled is what curl got.
type curled struct {
	exit    int    // of curl: 0, or what went wrong
	status  string // of the answer; 000 if there is none
	connect string // of the answer to CONNECT; 000 without CONNECT
	body    string
	stderr  string
}

// curl runs the real one through a proxy: http://... or socks5h://...
func curl(t *testing.T, proxy, authority, address string, flags ...string) (c curled) {
	t.Helper()
	body := filepath.Join(t.TempDir(), "body")
	args := append([]string{
		"-q", "--silent", "--show-error", "--max-time", "100", "--noproxy", "", "--proxy", proxy, "--cacert", authority,
		"--output", body, "--write-out", "%{http_code} %{http_connect}",
	}, flags...)
	cmd := exec.Command(installed(t, "curl"), append(args, address)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok {
			t.Fatal(err)
		}
	}
	c.exit, c.stderr = cmd.ProcessState.ExitCode(), errs.String()
	if _, err := fmt.Sscan(out.String(), &c.status, &c.connect); err != nil {
		t.Fatalf("curl says %q, %s", out.String(), c.stderr)
	}
	b, err := os.ReadFile(body)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	c.body = string(b)
	return c
}

// An audit is what the tests read of clove audit.
type audit struct {
	Allowed uint64 `json:"allowed"`
	Blocked uint64 `json:"blocked"`
	Entries []struct {
		Listener string `json:"listener"`
		Rule     string `json:"rule"`
		Action   string `json:"action"`
		Via      string `json:"via"`
		Count    uint64 `json:"count"`
	} `json:"entries"`
}

func (c *clove) audit(t *testing.T) (a audit) {
	t.Helper()
	c.query(t, &a, "audit")
	return a
}

// A site of the web is read through a browser's proxy, a rule, an outproxy of another clove, and squid.
func TestOutproxyLeadsThroughSquid(t *testing.T) {
	installed(t, "curl")
	site := startClearnetSite(t)
	squid := startSquid(t, "127.0.0.1 "+clearnetName+"\n")
	n := startNetwork(t, 6, http.NotFoundHandler())
	exit := n.start(t, fmt.Sprintf("[tunnels.exit]\ntype = \"outproxy-server\"\nsquid = %q\nports = [\"80\", \"443\", \"1024-65535\"]\n", squid.address))
	exit.waitReady(t)
	address := exit.tunnel(t, "exit", true).Address
	out := fmt.Sprintf("[tunnels.out]\ntype = \"outproxy-client\"\noutproxies = [%q]\nhttps_outproxies = [%q]\n", address, address)
	rule := "[[proxies.rules]]\nname = \"web\"\nmatch = [\"*.com\"]\naction = \"outproxy\"\nvia = \"out\"\n"
	c := n.start(t, rule+out)
	r := c.waitReady(t)
	c.tunnel(t, "out", false)
	proxies := map[string]string{"http": "http://" + r.HTTPProxy, "socks": "socks5h://" + r.SOCKSProxy}

	for listener, proxy := range proxies {
		for _, want := range []struct{ address, text string }{{site.plain, "the web, plain"}, {site.tls, "the web, TLS"}} {
			if got := curl(t, proxy, site.authority, want.address); got.exit != 0 || got.status != "200" || !strings.Contains(got.body, want.text) {
				t.Errorf("%s of %s: %+v", listener, want.address, got)
			} else if !strings.Contains(got.body, `via "", from ""`) {
				t.Errorf("%s of %s tells who asks: %s", listener, want.address, got.body)
			} else {
				t.Logf("%-5s %s", listener, strings.TrimSpace(got.body))
			}
		}
	}
	// What is no request for a page: CONNECT to a plain site.
	if got := curl(t, proxies["http"], site.authority, site.plain, "--proxytunnel"); got.status != "200" || got.connect != "200" {
		t.Errorf("CONNECT to a plain site: %+v", got)
	}
	if a := c.audit(t); a.Allowed != 5 || a.Blocked != 0 || len(a.Entries) != 2 || a.Entries[0].Rule != "web" || a.Entries[0].Via != "out" {
		t.Errorf("audit: %+v", a)
	}
	metrics := exit.tunnel(t, "exit", true).Metrics
	if metrics["requests"] != 1 || metrics["tunnels"] != 4 { // SOCKS is CONNECT, too
		t.Errorf("the exit counted %v", metrics)
	}

	// A name that squid does not find is said to be that, not that I2P failed.
	unknown := curl(t, proxies["http"], site.authority, "http://nowhere.com/")
	if unknown.status != "502" || !strings.Contains(unknown.body, "The exit does not find this name") {
		t.Errorf("a name that there is not: %+v", unknown)
	}

	// Without the rule nothing leaves, and the page says how to change that.
	writeConfig(t, n, c.data, out)
	if plan := c.must(t, "reload"); !strings.Contains(plan, "rules: 0 instead of 1") {
		t.Errorf("reload: %s", plan)
	}
	off := curl(t, proxies["http"], site.authority, site.plain)
	if off.status != "403" || !strings.Contains(off.body, "[[proxies.rules]]") || !strings.Contains(off.body, "clove rules explain http://"+clearnetName) {
		t.Errorf("without the rule: %+v", off)
	}
	if got := curl(t, proxies["http"], site.authority, site.tls); got.connect != "403" || got.exit == 0 {
		t.Errorf("CONNECT without the rule: %+v", got)
	}
	if got := curl(t, proxies["socks"], site.authority, site.tls); got.exit == 0 || !strings.Contains(got.stderr, "(2)") { // not allowed by ruleset
		t.Errorf("SOCKS without the rule: %+v", got)
	}
	if a := c.audit(t); a.Allowed != 6 || a.Blocked != 3 {
		t.Errorf("audit without the rule: %+v", a)
	}
	if out := c.must(t, "rules", "explain", site.plain); !strings.Contains(out, "block") || !strings.Contains(out, `via = "NAME"`) {
		t.Errorf("rules explain: %s", out)
	}

	// What the page says, with the name of the tunnel, works.
	remedy := fmt.Sprintf("[[proxies.rules]]\nmatch = %q\naction = \"outproxy\"\nvia = \"NAME\"", clearnetName)
	if page := strings.ReplaceAll(off.body, "&#34;", `"`); !strings.Contains(page, remedy) {
		t.Errorf("the page does not say\n%s\nbut\n%s", remedy, page)
	}
	writeConfig(t, n, c.data, strings.Replace(remedy, "NAME", "out", 1)+"\n"+out)
	c.must(t, "reload")
	if got := curl(t, proxies["http"], site.authority, site.plain); got.status != "200" {
		t.Errorf("with the rule that the page recommends: %+v", got)
	}

	// The exit is there, squid is not.
	squid.stop()
	got := curl(t, proxies["http"], site.authority, site.plain)
	if got.status != "503" || !strings.Contains(got.body, "The exit&#39;s proxy is down") || !strings.Contains(got.body, "squid does not answer") {
		t.Errorf("without squid: %+v", got)
	}
	if got := curl(t, proxies["http"], site.authority, site.tls); got.connect != "503" || got.exit == 0 {
		t.Errorf("CONNECT without squid: %+v", got)
	}
	if got := curl(t, proxies["socks"], site.authority, site.tls); got.exit == 0 {
		t.Errorf("SOCKS without squid: %+v", got)
	}
	// Who runs the exit sees it, too, once the plugin has been asked for its health.
	found := exit.tunnel(t, "exit", true)
	if found.Metrics["failed_upstream"] < 3 {
		t.Errorf("the exit counted %v", found.Metrics)
	}
	for deadline := time.Now().Add(patience); found.Health != "degraded"; time.Sleep(100 * time.Millisecond) {
		if found = exit.tunnel(t, "exit", true); time.Now().After(deadline) {
			t.Fatalf("the exit without squid: %+v", found)
		}
	}
	if got := c.audit(t); got.Allowed != 10 || got.Blocked != 3 {
		t.Errorf("audit at the end: %+v", got)
	}
}

// hostsOfExit are names that lead into the exit's own network, and one that does not.
const hostsOfExit = `127.0.0.1 localhost
::1 localhost
11.22.33.44 web.example
127.0.0.1 rebound.example
169.254.169.254 metadata.example
10.0.0.1 lan.example
::1 six.example
fd00::1 unique.example
`

// An exit without squid leads to the web, and nowhere else. The test runs in a network of its own, in which all of these addresses
// are there, and somebody listens on each.
func TestExitLeadsToTheWebOnly(t *testing.T) {
	if os.Getenv("E2E_EXIT") != "" {
		exitLeadsToTheWebOnly(t)
		return
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"hosts": hostsOfExit, "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A route of type local makes all of a prefix this host's, without being an address of an interface.
	setup := `set -e
ip link set lo up
for prefix in 11.22.33.0/24 10.0.0.0/8 169.254.0.0/16 192.168.0.0/16; do ip route add local $prefix dev lo; done
ip -6 route add local fd00::/8 dev lo || true
mount --bind "$0/hosts" /etc/hosts
mount --bind "$0/resolv.conf" /etc/resolv.conf
`
	unshare := []string{"-r", "-n", "-m", "sh", "-c"}
	if out, err := exec.Command("unshare", append(unshare, setup, dir)...).CombinedOutput(); err != nil {
		t.Skipf("no namespaces here: %v %s", err, out)
	}
	inside := exec.Command("unshare", append(unshare, setup+`shift 0; exec "$1" -test.run='^TestExitLeadsToTheWebOnly$' -test.v`, dir, os.Args[0])...)
	inside.Env = append(os.Environ(), "E2E_EXIT=1", "E2E_PROGRAM="+program)
	out, err := inside.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestExitLeadsToTheWebOnly") {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "outproxy_test.go") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func exitLeadsToTheWebOnly(t *testing.T) {
	visits := make(chan string, 1000)
	for _, port := range []string{"80", "443"} {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		server := &http.Server{
			Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the web") }),
			ReadHeaderTimeout: patience,
			ConnState: func(c net.Conn, s http.ConnState) {
				if s == http.StateNew {
					visits <- c.LocalAddr().String()
				}
			},
		}
		go server.Serve(l)
		defer server.Close()
	}
	visited := func() (all []string) {
		for {
			select {
			case v := <-visits:
				all = append(all, v)
			default:
				return all
			}
		}
	}
	// The addresses can be reached: what is refused is refused, not missing.
	for _, a := range []string{"127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "11.22.33.44:443", "[::1]:80"} {
		conn, err := net.DialTimeout("tcp", a, patience)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	for deadline, n := time.Now().Add(patience), 0; n < 5; time.Sleep(time.Millisecond) {
		if n += len(visited()); time.Now().After(deadline) {
			t.Fatalf("%d visits of 5", n)
		}
	}

	n := startNetwork(t, 6, http.NotFoundHandler())
	exitConfig := func(permissions string) string {
		return "[plugins.outproxy]\npath = \"clove-plugin-outproxy\"\npermissions = [" + permissions + "]\n[tunnels.exit]\ntype = \"outproxy-server\"\n"
	}
	exit := n.start(t, exitConfig(`"listen-i2p"`))
	exit.waitReady(t)
	address := exit.tunnel(t, "exit", true).Address
	c := n.start(t, "[[proxies.rules]]\nmatch = [\"*\"]\naction = \"outproxy\"\nvia = \"out\"\n"+
		fmt.Sprintf("[tunnels.out]\ntype = \"outproxy-client\"\noutproxies = [%q]\nhttps_outproxies = [%q]\n", address, address))
	r := c.waitReady(t)
	c.tunnel(t, "out", false)

	// The way out of I2P is a permission that nobody has who was not given it.
	if status, page := get(t, throughHTTP(r), "http://web.example/"); status != 503 || !strings.Contains(page, "no permission to reach the web") {
		t.Errorf("without dial-clearnet: %d %s", status, page)
	}
	if p := exit.plugin(t, "outproxy"); p.Denials["dial-clearnet"] == 0 {
		t.Errorf("%+v", p)
	}
	writeConfig(t, n, exit.data, exitConfig(`"listen-i2p", "dial-clearnet"`))
	exit.must(t, "reload")
	exit.tunnel(t, "exit", true)
	if got := visited(); len(got) > 0 {
		t.Errorf("without permission it went to %v", got)
	}
	if status, page := get(t, throughHTTP(r), "http://web.example/"); status != 200 || page != "the web" {
		t.Errorf("the web: %d %s", status, page)
	}
	if got := visited(); len(got) != 1 || got[0] != "11.22.33.44:80" {
		t.Errorf("for a site of the web it went to %v", got)
	}

	// A client that speaks to the exit as it likes, with no clove of ours in between.
	ask := func(request string) (status int, why string) {
		t.Helper()
		conn, code, err := socks5(r.SOCKSProxy, address, 80)
		if err != nil || code != 0 {
			t.Fatalf("reply %d, %v", code, err)
		}
		defer conn.Close()
		answer, err := readAnswer(conn, request)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		return answer.StatusCode, answer.Header.Get("Proxy-Status")
	}
	hosts := []string{
		"127.0.0.1", "169.254.169.254", "[::1]", "10.0.0.1", "192.168.0.1", "0.0.0.0", "[::]", "[fd00::1]", "100.100.100.200",
		"2130706433", "0x7f000001", "017700000001", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.",
		"[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]",
		"localhost", "LOCALHOST.", "a.localhost", "rebound.example", "metadata.example", "lan.example", "six.example", "unique.example",
	}
	for _, host := range hosts {
		for method, request := range map[string]string{
			"GET": fmt.Sprintf("GET http://%s/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host, host), "CONNECT": fmt.Sprintf("CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n", host, host),
			"CONNECT 443": fmt.Sprintf("CONNECT %s:443 HTTP/1.1\r\nHost: web.example:443\r\n\r\n", host),
		} {
			status, why := ask(request)
			if got := visited(); len(got) > 0 {
				t.Errorf("%s for %s went to %v", method, host, got)
			}
			if status != 403 && status != 400 || status == 403 && !strings.Contains(why, "destination_ip_prohibited") && !strings.Contains(why, "http_request_denied") {
				t.Errorf("%s for %s: %d %s", method, host, status, why)
			}
			if method == "GET" {
				t.Logf("%-20s %d %s", host, status, why)
			}
		}
	}
	// Through the proxies here: addresses do not even reach the exit, names that lead there do.
	for host, text := range map[string]string{"10.0.0.1": "Not through I2P", "localhost": "Not through I2P", "rebound.example": "The exit does not go there"} {
		if status, page := get(t, throughHTTP(r), "http://"+host+"/"); status != 403 || !strings.Contains(page, text) {
			t.Errorf("%s: %d %s", host, status, page)
		}
	}
	if p := exit.plugin(t, "outproxy"); p.Denials["clearnet-address"] == 0 {
		t.Errorf("the gate refused nothing: %+v", p)
	}
	if metrics := exit.tunnel(t, "exit", true).Metrics; metrics["refused_address"] < float64(len(hosts)) {
		t.Errorf("the exit counted %v", metrics)
	}
	if got := visited(); len(got) > 0 {
		t.Errorf("at the end it went to %v", got)
	}
}

// readAnswer sends a request as it is and reads the head of the answer.
func readAnswer(conn net.Conn, request string) (*http.Response, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}
