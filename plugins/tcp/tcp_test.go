package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"encoding/pem"

	"go.uber.org/goleak"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

// patience is for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

type settings = map[string]any

// server runs handle for each connection to a loopback address.
func listen(t *testing.T, handle func(c net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, handle)
	return l.Addr().String()
}

func serve(t *testing.T, l net.Listener, handle func(c net.Conn)) {
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
}

func echo(c net.Conn) { io.Copy(c, c) }

// says answers with a word, then waits for the other side to end.
func says(word string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, word)
		c.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, c)
	}
}

// connect dials a local address; the connection ends with the test.
func connect(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

func visit(t *testing.T, h *plugintest.Host, from string, tunnel *plugintest.Tunnel, port int) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := h.I2P.Dial(ctx, from, tunnel.Name(), port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

func read(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return string(b)
}

// Both types in a row: bytes pass as they are, both ways, and one direction ends for itself.
func TestBothEnds(t *testing.T) {
	h := plugintest.NewHost(t)
	address := listen(t, func(c net.Conn) { // says nothing before it has read to the end
		b, _ := io.ReadAll(c)
		c.Write(b)
	})
	server := h.Start(plugin(), "tcp-server", settings{"target": address})
	client := h.Start(plugin(), "tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{server.Address()}})
	data := make([]byte, 3<<20)
	rand.Read(data)
	c := connect(t, client.LocalAddress())
	go func() { c.Write(data); c.CloseWrite() }()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
	}
	if m := client.Metrics(); m["sent_bytes"] != float64(len(data)) || m["received_bytes"] != float64(len(data)) {
		t.Errorf("%v", m)
	}
}

func TestTheNextDestinationAnswers(t *testing.T) {
	h := plugintest.NewHost(t)
	h.I2P.Offline("dead.i2p")
	l, err := h.I2P.Listen("live.i2p", 25)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, says("hello"))
	client := h.Start(plugin(), "tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{"dead.i2p", "unknown.i2p:1", "live.i2p:25"}})
	for range 3 {
		if got := read(t, connect(t, client.LocalAddress())); got != "hello" {
			t.Errorf("%q", got)
		}
	}
	if !client.Reload(settings{"listen": "127.0.0.1:0", "destination": []string{"dead.i2p"}}) {
		t.Error("another destination needs a restart")
	}
	if got := read(t, connect(t, client.LocalAddress())); got != "" {
		t.Errorf("nobody answers: %q", got)
	}
	if state, text := client.Health(); state != sdk.Degraded || client.Metrics()["connect_failed"] != 1 {
		t.Errorf("%v %q, %v", state, text, client.Metrics())
	}
	if client.Reload(settings{"listen": "127.0.0.2:0", "destination": []string{"live.i2p"}}) {
		t.Error("another address was taken in place")
	}
	for _, line := range h.Logs() {
		if strings.Contains(line, "dead") || strings.Contains(line, "live.i2p") {
			t.Errorf("the log names a destination: %s", line)
		}
	}
}

func TestPortsAndSources(t *testing.T) {
	h := plugintest.NewHost(t)
	remote := func(c net.Conn) { io.WriteString(c, c.RemoteAddr().(*net.TCPAddr).IP.String()) }
	server := h.Start(plugin(), "tcp-server", settings{"ports": settings{"22": listen(t, says("ssh")), "23": listen(t, remote)}})
	if got := read(t, visit(t, h, "alice", server, 22)); got != "ssh" {
		t.Errorf("port 22: %q", got)
	}
	if got := read(t, visit(t, h, "alice", server, 80)); got != "" || server.Metrics()["unknown_port"] != 1 {
		t.Errorf("a port that leads nowhere: %q, %v", got, server.Metrics())
	}
	alice, again, bob := read(t, visit(t, h, "alice", server, 23)), read(t, visit(t, h, "alice", server, 23)), read(t, visit(t, h, "bob", server, 23))
	if alice != again || alice == bob || !strings.HasPrefix(alice, "127.") || alice == "127.0.0.1" {
		t.Errorf("sources: alice %s and %s, bob %s", alice, again, bob)
	}
	if !server.Reload(settings{"target": listen(t, remote), "unique_local": false}) {
		t.Error("other targets need a restart")
	}
	if got := read(t, visit(t, h, "alice", server, 99)); got != "127.0.0.1" {
		t.Errorf("without unique_local: %s", got)
	}
}

func TestListsAndLimits(t *testing.T) {
	h := plugintest.NewHost(t)
	target := listen(t, echo)
	friend := h.I2P.Address("friend").Base32
	server := h.Start(plugin(), "tcp-server", settings{"target": target, "access_list": []string{friend}})
	open := func(from string) (welcome bool) {
		c := visit(t, h, from, server, 1)
		io.WriteString(c, "x")
		_, err := io.ReadFull(c, make([]byte, 1))
		return err == nil
	}
	if !open("friend") || open("stranger") || server.Metrics()["denied"] != 1 {
		t.Errorf("access list: %v", server.Metrics())
	}
	server.Reload(settings{"target": target, "deny_list": []string{friend}})
	if open("friend") || !open("stranger") {
		t.Error("deny list")
	}
	server.Reload(settings{"target": target, "peer_connections": 3})
	for i := range 5 {
		if got := open("busy"); got != (i < 3) {
			t.Errorf("connection %d of one visitor: %t", i+1, got)
		}
	}
	if !open("other") {
		t.Error("another visitor was refused, too")
	}
	server.Reload(settings{"target": target, "peer_minute": 2, "peer_connections": 0})
	for i := range 4 {
		if got := open("often"); got != (i < 2) {
			t.Errorf("connection %d in a minute: %t", i+1, got)
		}
	}
	if m := server.Metrics(); m["limited"] != 4 {
		t.Errorf("%v", m)
	}
}

func TestBackendDown(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	server := h.Start(plugin(), "tcp-server", settings{"target": l.Addr().String()})
	if got := read(t, visit(t, h, "alice", server, 1)); got != "" {
		t.Errorf("%q", got)
	}
	if state, _ := server.Health(); state != sdk.Degraded || server.Metrics()["backend_failed"] != 1 {
		t.Errorf("%v, %v", state, server.Metrics())
	}
	server.Reload(settings{"target": listen(t, says("up"))})
	if got := read(t, visit(t, h, "alice", server, 1)); got != "up" {
		t.Errorf("%q", got)
	}
	if state, _ := server.Health(); state != sdk.Healthy {
		t.Errorf("%v", state)
	}
}

func TestTLS(t *testing.T) {
	h := plugintest.NewHost(t)
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secret") }))
	defer site.Close()
	target := site.Listener.Addr().String()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(server *plugintest.Tunnel) string {
		c := visit(t, h, "alice", server, 1)
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		_, body, _ := strings.Cut(read(t, c), "\r\n\r\n")
		return body
	}
	for name, more := range map[string]settings{
		"any certificate of this machine": {}, "signed": {"tls_ca": ca, "tls_name": "example.com"},
	} {
		all := settings{"target": target, "tls": true}
		for k, v := range more {
			all[k] = v
		}
		if got := ask(h.Start(plugin(), "tcp-server", all)); got != "secret" {
			t.Errorf("%s: %q", name, got)
		}
	}
	wrong := h.Start(plugin(), "tcp-server", settings{"target": target, "tls": true, "tls_ca": ca, "tls_name": "other.example"})
	if got := ask(wrong); got != "" || wrong.Metrics()["backend_failed"] != 1 {
		t.Errorf("another name: %q, %v", got, wrong.Metrics())
	}
	os.WriteFile(ca, []byte("nothing"), 0o600)
	if err := h.StartErr(plugin(), "tcp-server", settings{"target": target, "tls": true, "tls_ca": ca}); err == nil || !strings.Contains(err.Error(), "tls_ca") {
		t.Errorf("a file without certificates: %v", err)
	}
}

func TestWrongSettings(t *testing.T) {
	h := plugintest.NewHost(t)
	for _, c := range []struct {
		typ  string
		set  settings
		keys []string
	}{
		{"tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{"a.i2p", "b.i2p:x", ""}}, []string{"destination", "destination"}},
		{"tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{"a.i2p"}, "idle_timeout": "1ms"}, []string{"idle_timeout"}},
		{"tcp-server", settings{}, []string{"target"}},
		{"tcp-server", settings{"target": "nowhere", "ports": settings{"x": "127.0.0.1:0"}}, []string{"target", "ports", "ports"}},
		{"tcp-server", settings{"target": "127.0.0.1:1", "tls_name": "x"}, []string{"tls"}},
		{"tcp-server", settings{"target": "192.168.1.2:1", "tls": true}, []string{"tls_ca"}},
		{"tcp-server", settings{"target": "127.0.0.1:1", "access_list": []string{"nobody"}, "peer_day": -1}, []string{"access_list", "peer_day"}},
	} {
		var keys []string
		for _, p := range h.Problems(plugin(), c.typ, c.set) {
			keys = append(keys, p.Key)
		}
		if !slices.Equal(keys, c.keys) {
			t.Errorf("%v: problems with %v, want %v", c.set, keys, c.keys)
		}
	}
}

func TestReadme(t *testing.T) {
	h := plugintest.NewHost(t)
	h.Readme(plugin())
}
