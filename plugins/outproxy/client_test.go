package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

// fakeExit is an exit outside, which says its name.
type fakeExit struct {
	mu    sync.Mutex
	say   func(r *http.Request, c net.Conn) // nil: well
	asked []string                          // method, and who
}

func newFakeExit(t *testing.T, h *plugintest.Host, name string) *fakeExit {
	t.Helper()
	l, err := h.I2P.Listen(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	e := &fakeExit{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(c, name)
		}
	}()
	return e
}

func (e *fakeExit) serve(c net.Conn, name string) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	from, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	e.mu.Lock()
	e.asked = append(e.asked, r.Method+" "+from)
	say := e.say
	e.mu.Unlock()
	if say != nil {
		say(r, c)
		return
	}
	if r.Method == "CONNECT" {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n\r\n%s", name)
		return
	}
	b, _ := io.ReadAll(r.Body)
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s %s", len(name)+1+len(b), name, b)
}

func (e *fakeExit) will(say func(r *http.Request, c net.Conn)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say = say
}

func (e *fakeExit) log() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.asked...)
}

func say(text string) func(*http.Request, net.Conn) {
	return func(_ *http.Request, c net.Conn) { io.WriteString(c, text) }
}

const squidDown = "HTTP/1.1 503 Service Unavailable\r\nProxy-Status: exit; error=destination_unavailable; details=\"the exit's squid does not answer\"\r\nContent-Length: 0\r\n\r\n"

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not happen")
		}
	}
}

func TestFailoverBeforeAnAnswer(t *testing.T) {
	h := plugintest.NewHost(t)
	a, b := newFakeExit(t, h, "a.i2p"), newFakeExit(t, h, "b.i2p")
	for name, c := range map[string]struct {
		a       func(*http.Request, net.Conn)
		request string
		want    string // of the body
		status  int
	}{
		"closes":              {say(""), get("http://site.example/"), "b.i2p ", 200},
		"speaks nonsense":     {say("SSH-2.0\r\n\r\n"), get("http://site.example/"), "b.i2p ", 200},
		"has lost its squid":  {say(squidDown), get("http://site.example/"), "b.i2p ", 200},
		"wants a password":    {say("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"), get("http://site.example/"), "b.i2p ", 200},
		"the site's own 503":  {say("HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\nno"), get("http://site.example/"), "no", 503},
		"no such name":        {say("HTTP/1.1 502 x\r\nProxy-Status: exit; error=dns_error\r\nContent-Length: 2\r\n\r\nno"), get("http://site.example/"), "no", 502},
		"a POST without luck": {say(squidDown), "POST http://site.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\ndata", "", 503},
	} {
		a.will(c.a)
		client := h.Start(plugin(), "outproxy-client", map[string]any{"outproxies": []any{"a.i2p"}, "probe_interval": "0s"})
		ask(t, service(t, client, ""), get("http://site.example/")) // sticks to a.i2p, where that answers at all
		if !client.Reload(map[string]any{"outproxies": []any{"a.i2p", "b.i2p"}, "probe_interval": "0s"}) {
			t.Fatal("not reloaded")
		}
		seen := len(a.log())
		var r reply
		var others int                                  // requests of the other exit before the last
		for tries := 0; len(a.log()) == seen; tries++ { // until the random choice falls on a.i2p
			if tries == 100 {
				t.Fatal("a.i2p is never chosen")
			}
			others = len(b.log())
			site := fmt.Sprintf("site%d.example", tries)
			r = ask(t, service(t, client, ""), strings.ReplaceAll(c.request, "site.example", site))
		}
		if r.StatusCode != c.status || c.want != "" && r.body != c.want {
			t.Errorf("%s: %d %q %q", name, r.StatusCode, r.status(), r.body)
		}
		if sent := len(b.log()) - others; (c.want == "b.i2p ") != (sent == 1) {
			t.Errorf("%s: the other exit was asked %d times", name, sent)
		}
		if r.Header.Get("Proxy-Authenticate") != "" {
			t.Errorf("%s: the browser would ask for a password", name)
		}
		client.Stop()
	}
}

func TestNoListStandsInForTheOther(t *testing.T) {
	h := plugintest.NewHost(t)
	plain, secure := newFakeExit(t, h, "plain.i2p"), newFakeExit(t, h, "secure.i2p")
	client := h.Start(plugin(), "outproxy-client", map[string]any{"outproxies": []any{"plain.i2p"}, "https_outproxies": []any{"secure.i2p"}, "probe_interval": "0s"})
	if r := ask(t, service(t, client, ""), get("http://site.example/")); r.body != "plain.i2p " {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
	conn := service(t, client, "")
	if r := ask(t, conn, connect("site.example:443")); r.StatusCode != 200 {
		t.Errorf("%d", r.StatusCode)
	}
	plain.will(say(""))
	if r := ask(t, service(t, client, ""), get("http://site.example/")); r.StatusCode != 502 && r.StatusCode != 503 || !strings.HasPrefix(r.status(), "outproxy; error=") {
		t.Errorf("%d %q", r.StatusCode, r.status())
	}
	secure.will(say(squidDown))
	if r := ask(t, service(t, client, ""), connect("site.example:443")); r.StatusCode != 503 || !strings.HasPrefix(r.status(), "exit; error=destination_unavailable") {
		t.Errorf("%d %q", r.StatusCode, r.status())
	}
	for _, what := range plain.log() {
		if strings.HasPrefix(what, "CONNECT") {
			t.Error("the exit for http:// was asked for a tunnel")
		}
	}
	for _, what := range secure.log() {
		if strings.HasPrefix(what, "GET") {
			t.Error("the exit for https:// was asked for a page")
		}
	}
	client.Stop()
	for settings, request := range map[string]string{"outproxies": connect("site.example:443"), "https_outproxies": get("http://site.example/")} {
		client := h.Start(plugin(), "outproxy-client", map[string]any{settings: []any{"plain.i2p"}, "probe_interval": "0s"})
		if r := ask(t, service(t, client, ""), request); r.StatusCode != 503 || !strings.Contains(r.status(), "is set") {
			t.Errorf("only %s: %d %q", settings, r.StatusCode, r.status())
		}
		client.Stop()
	}
}

func TestIsolationGoesAlong(t *testing.T) {
	h := plugintest.NewHost(t)
	exit := newFakeExit(t, h, "exit.i2p")
	client := h.Start(plugin(), "outproxy-client", map[string]any{"outproxies": []any{"exit.i2p"}, "https_outproxies": []any{"exit.i2p"}, "probe_interval": "0s", "listen": "127.0.0.1:0"})
	from := func(isolation, request string) string {
		before := len(exit.log())
		ask(t, service(t, client, isolation), request)
		log := exit.log()
		if len(log) != before+1 {
			t.Fatalf("%q", log)
		}
		return strings.Fields(log[before])[1]
	}
	alice := from("alice", get("http://site.example/"))
	if again := from("alice", connect("other.example:443")); again != alice {
		t.Errorf("one isolation, two destinations: %s %s", alice, again)
	}
	if bob := from("bob", get("http://site.example/")); bob == alice {
		t.Error("two isolations, one destination")
	}
	// On the local address, it is what a client says it is.
	local := func(user string) string {
		before := len(exit.log())
		if out, err := curl(t, client.LocalAddress(), "http://site.example/", "-U", user+":x"); err != nil || !strings.Contains(out, "exit.i2p") {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Fields(exit.log()[before])[1]
	}
	if one, two, again := local("one"), local("two"), local("one"); one == two || one != again || one == alice {
		t.Errorf("%s %s %s", one, two, again)
	}
}

func TestNobodyIsThere(t *testing.T) {
	h := plugintest.NewHost(t)
	h.I2P.Offline("gone.i2p")
	client := h.Start(plugin(), "outproxy-client", map[string]any{
		"outproxies": []any{"gone.i2p", "unknown.i2p"}, "https_outproxies": []any{"gone.i2p"}, "probe_interval": "0s",
	})
	for _, request := range []string{get("http://site.example/"), connect("site.example:443")} {
		if r := ask(t, service(t, client, ""), request); r.StatusCode != 503 || !strings.HasPrefix(r.status(), "outproxy; error=destination_unavailable; details=\"no outproxy is reachable") {
			t.Errorf("%d %q", r.StatusCode, r.status())
		}
	}
	if state, text := client.Health(); state != sdk.Degraded || strings.Contains(text, "gone") {
		t.Errorf("%v %q", state, text)
	}
	if m := client.Metrics(); m["unreachable"] != 2 || m["failovers"] != 1 || m["exits"] != 2 || m["exits_good"] != 0 {
		t.Errorf("%v", m)
	}
	for _, l := range h.Logs() {
		if strings.Contains(l, "site.example") {
			t.Errorf("the log names a site: %s", l)
		}
	}
}

func TestProbes(t *testing.T) {
	h := plugintest.NewHost(t)
	good, bad := newFakeExit(t, h, "good.i2p"), newFakeExit(t, h, "bad.i2p")
	bad.will(say(squidDown))
	client := h.Start(plugin(), "outproxy-client", map[string]any{"outproxies": []any{"good.i2p", "bad.i2p"}})
	waitFor(t, func() bool {
		m := client.Metrics()
		return m["probes"] == 2 && m["probes_failed"] == 1 && m["exits_good"] == 1
	})
	for _, e := range []*fakeExit{good, bad} {
		if log := e.log(); len(log) != 1 || !strings.HasPrefix(log[0], "OPTIONS ") {
			t.Errorf("%q", log)
		}
	}
	for range 10 { // who failed the probe is not asked
		if r := ask(t, service(t, client, ""), get("http://site.example/")); r.body != "good.i2p " {
			t.Errorf("%q", r.body)
		}
	}
	if state, _ := client.Health(); state != sdk.Healthy {
		t.Error(state)
	}
}

// The real exit answers a probe by what it knows of its squid.
func TestProbeOfARealExit(t *testing.T) {
	h := plugintest.NewHost(t)
	exit := h.Start(plugin(), "outproxy-server", map[string]any{"squid": "127.0.0.1:" + closedPort(t)})
	waitFor(t, func() bool { state, _ := exit.Health(); return state == sdk.Degraded })
	client := h.Start(plugin(), "outproxy-client", map[string]any{"outproxies": []any{exit.Address()}})
	waitFor(t, func() bool { return client.Metrics()["probes_failed"] == 1 })
	up := h.Start(plugin(), "outproxy-server", map[string]any{})
	if !client.Reload(map[string]any{"outproxies": []any{up.Address()}}) {
		t.Fatal("not reloaded")
	}
	if m := client.Metrics(); m["exits"] != 1 || m["exits_good"] != 1 {
		t.Errorf("%v", m)
	}
}
