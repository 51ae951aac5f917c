package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

const patience = 30 * time.Second

// eepsite runs a tunnel.
func eepsite(t *testing.T, typ string, settings map[string]any) (*plugintest.Host, *plugintest.Tunnel) {
	t.Helper()
	h := plugintest.NewHost(t)
	return h, h.Start(plugin(), typ, settings)
}

func dial(t *testing.T, h *plugintest.Host, to *plugintest.Tunnel, from string, port int) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := h.I2P.Dial(ctx, from, to.Name(), port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

type reply struct {
	*http.Response

	body string
}

// read reads one answer.
func read(t *testing.T, src *bufio.Reader, method string) reply {
	t.Helper()
	r, err := http.ReadResponse(src, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("answer breaks off after %q: %v", b, err)
	}
	return reply{r, string(b)}
}

// ask sends one request, as it is, from a destination to a port.
func ask(t *testing.T, h *plugintest.Host, to *plugintest.Tunnel, from string, port int, request string) reply {
	t.Helper()
	c := dial(t, h, to, from, port)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	return read(t, bufio.NewReader(c), method)
}

func get(path string, headers ...string) string {
	s := "GET " + path + " HTTP/1.1\r\nHost: site.i2p\r\nConnection: close\r\n"
	for _, h := range headers {
		s += h + "\r\n"
	}
	return s + "\r\n"
}

// mirror is a web server that shows what it got.
func mirror(w http.ResponseWriter, r *http.Request) {
	for name, values := range r.Header {
		fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, ","))
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	b, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "host=%s\nuri=%s\nfrom=%s\nbody=%s\n", r.Host, r.RequestURI, host, b)
}

func backendOf(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func line(body, name string) string {
	for l := range strings.Lines(body) {
		if v, ok := strings.CutPrefix(l, name); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func TestTheServerSeesWhoVisits(t *testing.T) {
	h, site := eepsite(t, "http-server", map[string]any{"target": backendOf(t, mirror).URL})
	r := ask(t, h, site, "alice.i2p", 80, get("/a?b;c=%zz", "X-I2P-DestHash: forged", "x-i2p-destb32: forged", "X_I2P_DestB64: forged",
		"X-Forwarded-For: forged", "X-Real-IP: forged", "Proxy: forged", "Accept: kept"))
	alice := h.I2P.Address("alice.i2p")
	if r.StatusCode != 200 || strings.Contains(r.body, "forged") || line(r.body, "Accept:") != "kept" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	for name, want := range map[string]string{"X-I2p-Destb32:": alice.Base32, "X-I2p-Destb64:": alice.Base64, "host=": site.Address(), "uri=": "/a?b;c=%zz"} {
		if got := line(r.body, name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if hash := line(r.body, "X-I2p-Desthash:"); len(hash) != 44 {
		t.Errorf("hash %q", hash)
	}
	// Each visitor has an address of its own, always the same, on different connections.
	from := line(r.body, "from=")
	again := line(ask(t, h, site, "alice.i2p", 80, get("/")).body, "from=")
	other := line(ask(t, h, site, "bob.i2p", 80, get("/")).body, "from=")
	if !strings.HasPrefix(from, "127.") || from == "127.0.0.1" || again != from || other == from || !strings.HasPrefix(other, "127.") {
		t.Errorf("addresses: alice %s, again %s, bob %s", from, again, other)
	}
	if r.Header.Get("Server") != "" || len(r.Header["Date"]) != 0 {
		t.Errorf("header tells too much: %v", r.Header)
	}
}

func TestHostByPort(t *testing.T) {
	other := backendOf(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "other host="+r.Host+"\n") })
	h, site := eepsite(t, "http-server", map[string]any{
		"target": backendOf(t, mirror).URL + "/below/", "host": "example.i2p", "hosts": map[string]any{"81": "eightyone.i2p"},
		"ports": map[string]any{"8080": other.URL}, "unique_local": false,
	})
	for port, want := range map[int]string{0: "example.i2p", 80: "example.i2p", 81: "eightyone.i2p", 82: "example.i2p:82"} {
		r := ask(t, h, site, "alice.i2p", port, get("/x"))
		if got := line(r.body, "host="); got != want || line(r.body, "uri=") != "/below/x" || line(r.body, "from=") != "127.0.0.1" {
			t.Errorf("port %d: host %q, want %q; %s", port, got, want, r.body)
		}
	}
	if r := ask(t, h, site, "alice.i2p", 8080, get("/x")); r.body != "other host=example.i2p:8080\n" {
		t.Errorf("%q", r.body)
	}
	if r := ask(t, h, site, "alice.i2p", 443, get("/x")); r.StatusCode != 503 || !strings.Contains(r.body, "TLS") {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
}

func TestPortThatIsPassedOnAsItIs(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(mirror))
	t.Cleanup(secure.Close)
	h, site := eepsite(t, "http-server", map[string]any{
		"target": backendOf(t, mirror).URL, "ports": map[string]any{"443": strings.TrimPrefix(secure.URL, "https://")},
	})
	c := tls.Client(dial(t, h, site, "alice.i2p", 443), &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(c, get("/over-tls")); err != nil {
		t.Fatal(err)
	}
	r := read(t, bufio.NewReader(c), "GET")
	if line(r.body, "uri=") != "/over-tls" || line(r.body, "from=") == "127.0.0.1" {
		t.Errorf("%q", r.body)
	}
}

func TestTLSToTheBackend(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(mirror))
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	h := plugintest.NewHost(t)
	for name, c := range map[string]struct {
		change map[string]any
		status int
	}{
		"on this machine":          {map[string]any{}, 200},
		"signed":                   {map[string]any{"tls_ca": ca, "tls_name": "example.com"}, 200},
		"signed, for another name": {map[string]any{"tls_ca": ca, "tls_name": "other.example"}, 502},
	} {
		settings := map[string]any{"target": secure.URL}
		maps.Copy(settings, c.change)
		site := h.Start(plugin(), "http-server", settings)
		if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode != c.status {
			t.Errorf("%s: %d %q", name, r.StatusCode, r.body)
		}
		site.Stop()
	}
}

func TestConnectionsAreKept(t *testing.T) {
	h, site := eepsite(t, "http-server", map[string]any{"target": backendOf(t, mirror).URL})
	c := dial(t, h, site, "alice.i2p", 80)
	src := bufio.NewReader(c)
	for i := range 3 {
		fmt.Fprintf(c, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d", i, i)
		r := read(t, src, "POST")
		if line(r.body, "uri=") != fmt.Sprint("/", i) || line(r.body, "body=") != fmt.Sprint(i) || r.Close {
			t.Errorf("%q %v", r.body, r.Close)
		}
	}
	if m := site.Metrics(); m["requests"] != 3 {
		t.Errorf("%v", m)
	}
}

func TestWhatIsRefused(t *testing.T) {
	h, site := eepsite(t, "http-server", map[string]any{
		"target": backendOf(t, mirror).URL, "reject_inproxy": true, "reject_referer": true, "reject_user_agents": []any{"EvilBot"},
		"deny_list": []any{},
	})
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"fine":            {get("/", "User-Agent: Mozilla"), 200},
		"inproxy":         {get("/", "X-Forwarded-For: 1.2.3.4"), 403},
		"inproxy host":    {get("/", "X-Forwarded-Host: a"), 403},
		"inproxy server":  {get("/", "X-Forwarded-Server: a"), 403},
		"forwarded":       {get("/", "Forwarded: for=1.2.3.4"), 403},
		"referer":         {get("/", "Referer: http://other.i2p/"), 403},
		"own referer":     {get("/", "Referer: http://site.i2p/x"), 200},
		"agent":           {get("/", "User-Agent: EvilBot/1"), 403},
		"connect":         {"CONNECT site.i2p:443 HTTP/1.1\r\nHost: site.i2p:443\r\n\r\n", 405},
		"smuggling":       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"no colon":        {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400},
		"half a request":  {"GET / HTTP/1.1\r\nHost: a", 400},
		"long address":    {get("/" + strings.Repeat("x", 9000)), 414},
		"long header":     {get("/", "A: "+strings.Repeat("x", 9000)), 431},
		"many headers":    {get("/", strings.Repeat("A: b\r\n", 70)+"B: c"), 431},
		"about all":       {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 204},
		"another version": {"GET / HTTP/2.0\r\n\r\n", 505},
	} {
		conn := dial(t, h, site, "alice.i2p", 80)
		go func() {
			io.WriteString(conn, c.request)
			if name == "half a request" {
				conn.(interface{ CloseWrite() error }).CloseWrite()
			}
		}()
		r := read(t, bufio.NewReader(conn), "GET")
		if r.StatusCode != c.status || c.status >= 400 && (!r.Close || r.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %d %v, want %d", name, r.StatusCode, r.Header, c.status)
		}
		if len(r.Header["Date"]) != 0 {
			t.Errorf("%s: %v", name, r.Header)
		}
	}
	m := site.Metrics()
	for name, want := range map[string]float64{"requests": 2, "refused_forbidden": 6, "refused_method": 1, "refused_malformed": 4, "refused_address": 1, "refused_header": 2} {
		if m[name] != want {
			t.Errorf("%s = %v, want %v", name, m[name], want)
		}
	}
}

func TestListsAndLimits(t *testing.T) {
	h := plugintest.NewHost(t)
	alice, bob := h.I2P.Address("alice.i2p").Base32, h.I2P.Address("bob.i2p").Base32
	hold := make(chan bool)
	target := backendOf(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-hold
		}
	}).URL
	status := func(site *plugintest.Tunnel, from string) int { return ask(t, h, site, from, 80, get("/")).StatusCode }

	site := h.Start(plugin(), "http-server", map[string]any{"target": target, "deny_list": []any{alice}})
	if a, b := status(site, "alice.i2p"), status(site, "bob.i2p"); a != 403 || b != 200 {
		t.Errorf("deny: %d %d", a, b)
	}
	site = h.Start(plugin(), "http-server", map[string]any{"target": target, "access_list": []any{bob}})
	if a, b := status(site, "alice.i2p"), status(site, "bob.i2p"); a != 403 || b != 200 {
		t.Errorf("access: %d %d", a, b)
	}
	site = h.Start(plugin(), "http-server", map[string]any{"target": target, "peer_minute": 2, "total_minute": 3})
	for i, want := range []int{200, 200, 429} {
		if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode != want || want == 429 && r.Header.Get("Retry-After") == "" {
			t.Errorf("request %d: %d %v", i, r.StatusCode, r.Header)
		}
	}
	if b, c := status(site, "bob.i2p"), status(site, "carol.i2p"); b != 200 || c != 503 {
		t.Errorf("total: %d %d", b, c)
	}
	site = h.Start(plugin(), "http-server", map[string]any{"target": target, "peer_connections": 1, "total_connections": 2})
	var held []net.Conn
	for _, from := range []string{"alice.i2p", "bob.i2p"} {
		c := dial(t, h, site, from, 80)
		io.WriteString(c, get("/hold"))
		held = append(held, c)
		waitFor(t, func() bool { return site.Metrics()["requests"] == float64(len(held)) })
		if a := status(site, "alice.i2p"); len(held) == 1 && a != 429 || len(held) == 2 && a != 503 {
			t.Errorf("with %d open: %d", len(held), a)
		}
	}
	close(hold)
	for _, c := range held {
		read(t, bufio.NewReader(c), "GET")
		c.Close()
	}
	waitFor(t, func() bool { return status(site, "alice.i2p") == 200 })
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not happen")
		}
	}
}

func TestPostsAreThrottled(t *testing.T) {
	h, site := eepsite(t, "http-server", map[string]any{"target": backendOf(t, mirror).URL, "posts_per_peer": 2})
	const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
	for i, want := range []int{200, 200, 429} {
		if r := ask(t, h, site, "alice.i2p", 80, post); r.StatusCode != want || want == 429 && r.Header.Get("Retry-After") != "1800" {
			t.Errorf("post %d: %d %v", i, r.StatusCode, r.Header)
		}
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode != 200 {
		t.Errorf("reading: %d", r.StatusCode)
	}
	if r := ask(t, h, site, "bob.i2p", 80, post); r.StatusCode != 200 {
		t.Errorf("another: %d", r.StatusCode)
	}
}

func TestCompression(t *testing.T) {
	text := strings.Repeat("compressible ", 1000)
	target := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Accept-Encoding") != "" {
			w.WriteHeader(500)
		}
		switch r.URL.Path {
		case "/image":
			w.Header().Set("Content-Type", "image/png")
		case "/small":
			io.WriteString(w, "small")
			return
		case "/chunks":
			w.Header().Set("Content-Type", "text/plain")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, text)
	}).URL
	h, site := eepsite(t, "http-server", map[string]any{"target": target})
	const offer = "X-Accept-Encoding: x-i2p-gzip;q=1.0, identity;q=0.5, deflate;q=0, gzip;q=0, *;q=0"
	for path, want := range map[string]bool{"/": true, "/chunks": true, "/image": false, "/small": false} {
		r := ask(t, h, site, "alice.i2p", 80, strings.Replace(get(path, offer), "Connection: close\r\n", "", 1))
		body := r.body
		compressed := r.Header.Get("Content-Encoding") == "x-i2p-gzip"
		if compressed {
			if len(r.TransferEncoding) > 0 || r.ContentLength >= 0 || !r.Close {
				t.Errorf("%s: what follows the head is more than a gzip stream: %v %v", path, r.TransferEncoding, r.Header)
			}
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			if len(body) > len(b)/10 {
				t.Errorf("%s: %d bytes for %d", path, len(body), len(b))
			}
			body = string(b)
		}
		if compressed != want || r.StatusCode != 200 || len(body) != len(text) && path != "/small" {
			t.Errorf("%s: compressed %v, want %v; %d, %d bytes", path, compressed, want, r.StatusCode, len(body))
		}
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.Header.Get("Content-Encoding") != "" || r.body != text {
		t.Errorf("without being asked: %v", r.Header)
	}
	if !site.Reload(map[string]any{"target": target, "compress": false}) {
		t.Fatal("not reloaded")
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/", offer)); r.Header.Get("Content-Encoding") != "" || r.body != text {
		t.Errorf("switched off: %v", r.Header)
	}
}

// A websocket, by hand: RFC 6455.
func TestWebsocketPasses(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	target := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: secret\r\nDate: x\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		io.Copy(c, rw)
	}).URL
	h, site := eepsite(t, "http-server", map[string]any{"target": target})
	c := dial(t, h, site, "alice.i2p", 80)
	io.WriteString(c, "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+key+"\r\n\r\n")
	src := bufio.NewReader(c)
	r, err := http.ReadResponse(src, nil)
	if err != nil || r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || r.Header.Get("Server") != "" || len(r.Header["Date"]) != 0 {
		t.Fatalf("%v %v", r, err)
	}
	frame := append([]byte{0x82, 0x7e, 0x10, 0x00}, bytes.Repeat([]byte{'\r', '\n', 0, 255}, 1024)...)
	for range 3 {
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(frame))
		if _, err := io.ReadFull(src, got); err != nil || !bytes.Equal(got, frame) {
			t.Fatalf("frame came back changed: %v", err)
		}
	}
}

func TestServerThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	h, site := eepsite(t, "http-server", map[string]any{"target": "http://" + address})
	r := ask(t, h, site, "alice.i2p", 80, get("/"))
	if r.StatusCode != 503 || strings.Contains(r.body, address) || !strings.Contains(r.body, "does not answer") {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
	if state, text := site.Health(); state != sdk.Degraded || text == "" {
		t.Errorf("%v %q", state, text)
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skip("the port is taken by now:", err)
	}
	s := &http.Server{Handler: http.HandlerFunc(mirror)}
	go s.Serve(l)
	defer s.Close()
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode != 200 {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
	if state, _ := site.Health(); state != sdk.Healthy {
		t.Error(state)
	}
}

func TestDrainAnswersWhatIsOpen(t *testing.T) {
	var began sync.WaitGroup
	began.Add(1)
	release := make(chan bool)
	target := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			began.Done()
			<-release
		}
		io.WriteString(w, "done")
	}).URL
	h, site := eepsite(t, "http-server", map[string]any{"target": target})
	idle, slow := dial(t, h, site, "alice.i2p", 80), dial(t, h, site, "alice.i2p", 80)
	io.WriteString(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	idleSrc := bufio.NewReader(idle)
	read(t, idleSrc, "GET")
	io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	began.Wait()
	if !site.Reload(map[string]any{"target": target, "peer_connections": 5}) {
		t.Error("a change of limits is not applied")
	}
	drained := make(chan int)
	go func() { drained <- site.Drain(patience) }()
	if _, err := idleSrc.ReadByte(); err == nil {
		t.Error("an idle connection stays open")
	}
	close(release)
	if r := read(t, bufio.NewReader(slow), "GET"); r.body != "done" {
		t.Errorf("%q", r.body)
	}
	idle.Close() // the gate lets a client that does not close linger
	slow.Close()
	if open := <-drained; open != 0 {
		t.Errorf("%d connections are left", open)
	}
}
