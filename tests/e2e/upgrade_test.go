package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A plugin is what the tests read of clove plugin list.
type plugin struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	State    string            `json:"state"`
	PID      int               `json:"pid"`
	Restarts int               `json:"restarts"`
	Asked    []string          `json:"permissions_asked"`
	Granted  []string          `json:"permissions_granted"`
	Denials  map[string]uint64 `json:"denials"`
}

func (c *clove) plugin(t *testing.T, name string) plugin {
	t.Helper()
	var all []plugin
	c.query(t, &all, "plugin", "list")
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no plugin %s in %+v", name, all)
	return plugin{}
}

// steady is a download that must not stop: a drip of bytes with a sequence in it.
type steady struct {
	name  string
	bytes atomic.Int64
	err   error
	ended chan struct{}
}

// drip answers with numbered lines until the client goes.
func drip(w http.ResponseWriter, r *http.Request) {
	for i := 0; ; i++ {
		if _, err := fmt.Fprintf(w, "%063d\n", i); err != nil || r.Context().Err() != nil {
			return
		}
		if i%64 == 0 {
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond) // a drip, not a flood: the test is about its going on
		}
	}
}

// download reads a drip and checks every line until ctx ends, whatever time-out the client has.
func download(ctx context.Context, t *testing.T, name string, c *http.Client, address string) *steady {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	patient := *c
	patient.Timeout = 0
	answer, err := patient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", name, answer.Status)
	}
	s := &steady{name: name, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer answer.Body.Close()
		line := make([]byte, 64)
		for i := 0; ; i++ {
			if _, err := io.ReadFull(answer.Body, line); err != nil {
				if ctx.Err() == nil {
					s.err = fmt.Errorf("after %d lines: %w", i, err)
				}
				return
			}
			if want := fmt.Sprintf("%063d\n", i); string(line) != want {
				s.err = fmt.Errorf("line %d is %q", i, line)
				return
			}
			s.bytes.Add(64)
		}
	}()
	return s
}

// goesOn reports whether more arrives than what is there.
func (s *steady) goesOn(t *testing.T, when string) {
	t.Helper()
	before := s.bytes.Load()
	for deadline := time.Now().Add(patience); s.bytes.Load() <= before+64*64; time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.ended:
			t.Fatalf("%s ended %s: %v", s.name, when, s.err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stands still %s", s.name, when)
		}
	}
}

// A plugin is attached, used, upgraded and detached while a download over another plugin's tunnel and one over the HTTP proxy go on.
func TestPluginsComeAndGo(t *testing.T) {
	n := startNetwork(t, 6, http.HandlerFunc(drip))
	first, second := filepath.Join(folder, "echo-1"), filepath.Join(folder, "echo-2")
	for path, version := range map[string]string{first: "1.0.0", second: "2.0.0"} {
		if err := build(path, "clove.i2p/examples/plugin-echo", "-ldflags", "-X main.version="+version); err != nil {
			t.Fatal(err)
		}
	}
	c := n.start(t, fmt.Sprintf("[tunnels.bridge]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:80\"]\n", n.eepsite))
	r := c.waitReady(t)
	bridge := c.tunnel(t, "bridge", false)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	downloads := []*steady{
		download(ctx, t, "the download over the HTTP proxy", throughHTTP(ready{HTTPProxy: r.HTTPProxy}), "http://"+n.eepsite+"/"),
		download(ctx, t, "the download over another tunnel", &http.Client{}, "http://"+bridge.Local[0]+"/"),
	}
	check := func(when string) {
		t.Helper()
		for _, d := range downloads {
			d.goesOn(t, when)
		}
	}
	check("at first")

	// Nothing is registered by looking at it.
	if out := c.must(t, "plugin", "add", first, "--name", "echo"); !strings.Contains(out, "Nothing is registered yet") || !strings.Contains(out, "listen-i2p") {
		t.Errorf("plugin add without --grant: %s", out)
	}
	c.must(t, "plugin", "add", first, "--name", "echo", "--grant", "all")
	check("after plugin add")
	address := strings.TrimSpace(c.must(t, "tunnel", "add", "parrot", "echo"))
	if !strings.HasSuffix(address, ".b32.i2p") {
		t.Fatalf("tunnel add printed %q, not its address", address)
	}
	c.tunnel(t, "parrot", true)
	echo := func() net.Conn {
		t.Helper()
		conn, code, err := socks5(r.SOCKSProxy, address, 7)
		if err != nil || code != 0 {
			t.Fatalf("reply %d, %v", code, err)
		}
		return conn
	}
	says := func(conn net.Conn, what string) {
		t.Helper()
		if _, err := io.WriteString(conn, what); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(what))
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != what {
			t.Fatalf("echo of %q: %q, %v", what, b, err)
		}
	}
	old := echo()
	defer old.Close()
	says(old, "one")
	check("while it is used")

	before := c.plugin(t, "echo")
	upgraded := make(chan error, 1)
	go func() { _, err := c.command("plugin", "upgrade", "echo", second); upgraded <- err }()
	// The connection that the old program has lasts, while the new one has taken over.
	var after plugin
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if after = c.plugin(t, "echo"); after.Version == "2.0.0" && after.State == "running" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not upgraded: %+v", after)
		}
	}
	says(old, "two")
	fresh := echo()
	says(fresh, "three")
	fresh.Close()
	old.Close()
	if err := <-upgraded; err != nil {
		t.Error(err)
	}
	if after.PID == before.PID || after.Restarts != before.Restarts {
		t.Errorf("before %+v, after %+v: want another process, and no restart", before, after)
	}
	if again := c.tunnel(t, "parrot", true); again.Address != address {
		t.Errorf("the address is now %s", again.Address)
	}
	check("after the upgrade")

	// A program that fails is back within five seconds, and nobody else notices.
	if err := syscall.Kill(after.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	conn := echo() // waits until it is back
	says(conn, "four")
	conn.Close()
	if took := time.Since(killed); took > 5*time.Second {
		t.Errorf("back after %v", took)
	} else {
		t.Logf("kill -9 of the plugin: an echo %v later", took.Round(time.Millisecond))
	}
	if p := c.plugin(t, "echo"); p.PID == after.PID || p.Restarts != after.Restarts+1 {
		t.Errorf("after kill -9: %+v", p)
	}
	check("after kill -9 of a plugin")

	c.must(t, "tunnel", "remove", "parrot")
	c.must(t, "plugin", "detach", "echo")
	c.must(t, "plugin", "remove", "echo")
	check("after it was removed")
	cancel()
	for _, d := range downloads {
		<-d.ended
		if d.err != nil {
			t.Errorf("%s: %v", d.name, d.err)
		}
		t.Logf("%s: %d bytes, not one missing", d.name, d.bytes.Load())
	}
}

// No plugin process outlives clove, however clove ends.
func TestNoPluginOutlivesClove(t *testing.T) {
	n := startNetwork(t, 4, http.NotFoundHandler())
	c := n.start(t, "[tunnels.web]\ntype = \"http-server\"\ntarget = \"127.0.0.1:9\"\n[tunnels.bridge]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\n"+
		"destination = [\"none.i2p\"]\n")
	c.waitReady(t)
	c.tunnel(t, "web", false)
	c.tunnel(t, "bridge", false)
	var pids []int
	for _, name := range []string{"httpserver", "tcp"} {
		p := c.plugin(t, name)
		if err := syscall.Kill(p.PID, 0); p.PID == 0 || err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		pids = append(pids, p.PID)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil && !zombie(pid) {
			if time.Since(killed) > 2*time.Second {
				out, _ := exec.Command("ps", "-fp", itoa(pid)).Output()
				t.Fatalf("plugin process %d is there after %v\n%s", pid, time.Since(killed), out)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	t.Logf("kill -9 of clove: all plugin processes gone within %v", time.Since(killed).Round(time.Millisecond))
}

// zombie reports whether a process has ended and nobody asked how.
func zombie(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	return err != nil || strings.Contains(string(b), ") Z ")
}
