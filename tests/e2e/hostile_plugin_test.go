package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A pluginReport is what the tests read of clove plugin list about a plugin that means no good.
type pluginReport struct {
	plugin
	Summary    string   `json:"summary"`
	Error      string   `json:"error"`
	Tunnels    []string `json:"tunnels"`
	LogLines   uint64   `json:"log_lines"`
	LogDropped uint64   `json:"log_dropped"`
	Sandbox    struct {
		Namespaces bool     `json:"namespaces"`
		Missing    []string `json:"missing"`
	} `json:"sandbox"`
}

func (c *clove) report(t *testing.T, name string) pluginReport {
	t.Helper()
	var all []pluginReport
	c.query(t, &all, "plugin", "list")
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no plugin %s", name)
	return pluginReport{}
}

// written are the lines that a plugin wrote, as far as they are kept.
func (c *clove) written(t *testing.T, name string) (lines []string) {
	t.Helper()
	var all []struct {
		Text string `json:"text"`
	}
	c.query(t, &all, "plugin", "logs", name)
	for _, l := range all {
		lines = append(lines, l.Text)
	}
	return lines
}

// peakMemory of a process so far, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// A plugin that does all the harm it can gets nothing and disturbs nobody, and what was denied to it is shown.
func TestHostilePluginGetsNothing(t *testing.T) {
	t.Setenv("E2E_CANARY", "a secret of clove's environment")
	n := startNetwork(t, 6, http.HandlerFunc(drip))
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "honest") }))
	defer page.Close()
	visits := make(chan net.Addr, 100)
	outside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	go func() {
		for {
			conn, err := outside.Accept()
			if err != nil {
				return
			}
			visits <- conn.RemoteAddr()
			conn.Close()
		}
	}()

	c := n.start(t, fmt.Sprintf("[tunnels.bridge]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:80\"]\n"+
		"[tunnels.web]\ntype = \"http-server\"\ntarget = %q\npeer_minute = 0\npeer_hour = 0\ntotal_minute = 0\n", n.eepsite, page.URL))
	r := c.waitReady(t)
	bridge, web := c.tunnel(t, "bridge", false), c.tunnel(t, "web", true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	downloads := []*steady{
		download(ctx, t, "the download over the honest tunnel", &http.Client{}, "http://"+bridge.Local[0]+"/"),
		download(ctx, t, "the download over the HTTP proxy", throughHTTP(ready{HTTPProxy: r.HTTPProxy}), "http://"+n.eepsite+"/"),
	}
	honest := map[string]plugin{"tcp": c.plugin(t, "tcp"), "httpserver": c.plugin(t, "httpserver")}
	var slowest time.Duration
	undisturbed := func(when string) {
		t.Helper()
		for _, d := range downloads {
			d.goesOn(t, when)
		}
		begin := time.Now()
		if status, text := get(t, throughHTTP(r), "http://"+web.Address+"/"); status != 200 || text != "honest" {
			t.Errorf("the honest site %s: %d %q", when, status, text)
		}
		slowest = max(slowest, time.Since(begin))
		for name, before := range honest {
			if now := c.plugin(t, name); now.PID != before.PID || now.Restarts != before.Restarts {
				t.Errorf("plugin %s %s: before %+v, now %+v", name, when, before, now)
			}
		}
	}
	undisturbed("at first")

	path := filepath.Join(folder, "clove-plugin-hostile")
	if err := build(path, "./testdata/plugin-hostile"); err != nil {
		t.Fatal(err)
	}
	// It asks for all permissions, and gets two, which its tunnels' settings do not fill with addresses. Its memory is enough for what it answers.
	c.must(t, "plugin", "add", path, "--grant", "dial-local,read-files", "--memory", strconv.Itoa(8<<30))
	if p := c.report(t, "hostile"); strings.ContainsAny(p.Summary, "\x1b\x07") || len(p.Asked) != 6 || !slices.Equal(p.Granted, []string{"dial-local", "read-files"}) {
		t.Errorf("%+v", p)
	}
	behaves := func(name, behaviour string) []string {
		return []string{"tunnel", "add", name, "hostile", "behaviour=" + behaviour, "data=" + c.data, "address=" + outside.Addr().String(),
			"pid='" + itoa(c.cmd.Process.Pid) + "'", "other=web", "site=" + web.Address}
	}

	t.Run("tries", func(t *testing.T) {
		c.must(t, behaves("tries", "try")...)
		if p := c.report(t, "hostile"); !p.Sandbox.Namespaces {
			t.Skipf("no namespaces for plugins here: %v", p.Sandbox.Missing)
		}
		var lines []string
		for deadline := time.Now().Add(patience); !slices.Contains(lines, "TRIED ALL"); time.Sleep(50 * time.Millisecond) {
			if lines = c.written(t, "hostile"); time.Now().After(deadline) {
				t.Fatalf("it has not tried all: %q", lines)
			}
		}
		for _, line := range lines {
			if line != "TRIED ALL" {
				t.Error(line)
			}
		}
		select {
		case from := <-visits:
			t.Errorf("a connection from %v", from)
		default:
		}
		p := c.report(t, "hostile")
		for _, permission := range []string{"dial-i2p", "listen-i2p", "listen-local", "dial-clearnet", "settings"} {
			if p.Denials[permission] == 0 {
				t.Errorf("denials: %v", p.Denials)
			}
		}
		t.Logf("asked for %v, granted %v, denials %v", p.Asked, p.Granted, p.Denials)
		if table := c.must(t, "plugin", "list"); !strings.Contains(table, "dial-clearnet:") || !strings.Contains(table, "(dial-clearnet)") {
			t.Errorf("plugin list does not show what was denied:\n%s", table)
		}
		undisturbed("after it has tried all")
	})

	t.Run("a gigabyte", func(t *testing.T) {
		c.must(t, behaves("huge", "huge")...)
		before := peakMemory(t, c.cmd.Process.Pid)
		for range 3 {
			var found tunnel
			c.query(t, &found, "tunnel", "show", "huge")
			if len(found.Metrics) != 0 {
				t.Errorf("%+v", found)
			}
		}
		grown := peakMemory(t, c.cmd.Process.Pid) - before
		if grown > 200<<20 {
			t.Errorf("clove's memory grew by %d bytes", grown)
		}
		t.Logf("clove's memory grew by %d KiB at most", grown>>10)
		undisturbed("after a gigabyte of metrics")
	})

	t.Run("hangs", func(t *testing.T) {
		for call, starts := range map[string]bool{"validate": false, "start": false, "stop": true, "drain": true, "metrics": true} {
			added := make(chan error, 1)
			go func() { _, err := c.command(behaves("hangs-"+call, "hang-"+call)...); added <- err }()
			var err error
			for done := false; !done; {
				select {
				case err = <-added:
					done = true
				default:
					undisturbed("while " + call + " hangs")
				}
			}
			if (err == nil) != starts || err != nil && !strings.Contains(err.Error(), "did not answer") {
				t.Errorf("hangs in %s: %v", call, err)
			}
			if !starts {
				continue
			}
			if call == "metrics" {
				begin := time.Now()
				c.must(t, "tunnel", "show", "hangs-metrics")
				t.Logf("tunnel show of one that hangs in Metrics: %v", time.Since(begin).Round(time.Millisecond))
			}
			removed := make(chan error, 1)
			begin := time.Now()
			go func() { _, err := c.command("tunnel", "remove", "hangs-"+call); removed <- err }()
			for done := false; !done; {
				select {
				case err = <-removed:
					done = true
				default:
					undisturbed("while one that hangs in " + call + " is removed")
				}
			}
			if err != nil {
				t.Errorf("hangs in %s: %v", call, err)
			}
			t.Logf("tunnel remove of one that hangs in %s: %v", call, time.Since(begin).Round(time.Millisecond))
		}
	})

	t.Run("floods", func(t *testing.T) {
		c.must(t, behaves("floods", "flood")...)
		for deadline := time.Now().Add(patience); c.report(t, "hostile").LogDropped < 1000; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no flood: %+v", c.report(t, "hostile"))
			}
		}
		begin, before, log := time.Now(), c.report(t, "hostile"), len(c.stderr.String())
		for time.Since(begin) < 3*time.Second {
			undisturbed("in the flood")
		}
		after, took := c.report(t, "hostile"), time.Since(begin)
		// It writes gigabytes; what of it is read, and what gets into clove's own log, is bounded by time.
		if rate := float64(len(c.stderr.String())-log) / took.Seconds(); rate > 256<<10 {
			t.Errorf("clove's log grows by %.0f bytes a second", rate)
		}
		if lines := c.written(t, "hostile"); len(lines) > 100 {
			t.Errorf("%d lines are kept", len(lines))
		}
		t.Logf("in %v: %d lines, %d dropped, %d bytes of clove's own log", took.Round(time.Millisecond), after.LogLines-before.LogLines,
			after.LogDropped-before.LogDropped, len(c.stderr.String())-log)
	})

	// It goes when it is told to, with all of its processes.
	pid := c.plugin(t, "hostile").PID
	detached := make(chan error, 1)
	begin := time.Now()
	go func() { _, err := c.command("plugin", "detach", "hostile"); detached <- err }()
	for done := false; !done; {
		select {
		case err := <-detached:
			if done = true; err != nil {
				t.Error(err)
			}
		default:
			undisturbed("while it is detached")
		}
	}
	t.Logf("plugin detach: %v", time.Since(begin).Round(time.Millisecond))
	if pid == 0 {
		t.Error("it did not run to the end")
	} else if _, err := os.Stat("/proc/" + itoa(pid)); err == nil && !zombie(pid) {
		t.Error("it lives")
	}
	undisturbed("after it is gone")
	// What it was denied is still shown.
	if p := c.report(t, "hostile"); p.State != "detached" || p.Denials["dial-clearnet"] == 0 {
		t.Errorf("%+v", p)
	}
	cancel()
	for _, d := range downloads {
		<-d.ended
		if d.err != nil {
			t.Errorf("%s: %v", d.name, d.err)
		}
		t.Logf("%s: %d bytes, not one missing", d.name, d.bytes.Load())
	}
	t.Logf("the honest site's slowest answer: %v", slowest.Round(time.Millisecond))
}
