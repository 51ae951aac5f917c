package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// refused runs a command that has to fail with this exit code, and returns what it says on stderr, which has to have all of want.
func (c *clove) refused(t *testing.T, code int, want []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, append(args, "--data-dir", c.data)...)
	cmd.Env = environ()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	text := errs.String()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("clove %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), text)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("clove %s: %q is not in\n%s", strings.Join(args, " "), w, text)
		}
	}
	if out.Len() > 0 {
		t.Errorf("clove %s fails and says on stdout\n%s", strings.Join(args, " "), out.String())
	}
	t.Logf("clove %s\n%s", strings.Join(args, " "), text)
	return text
}

// advised finds the command that a text recommends and runs it.
func (c *clove) advised(t *testing.T, text, begin string) {
	t.Helper()
	command := regexp.MustCompile(regexp.QuoteMeta("clove "+begin) + `[^\n;]*`).FindString(text)
	if command == "" {
		t.Errorf("no command clove %s in\n%s", begin, text)
		return
	}
	if _, err := c.command(strings.Fields(command)[1:]...); err != nil {
		t.Errorf("what is recommended fails: %v", err)
	}
}

// A registration is what the tests read of a plugin that fails.
type registration struct {
	Name    string            `json:"name"`
	State   string            `json:"state"`
	Error   string            `json:"error"`
	Denials map[string]uint64 `json:"denials"`
}

func (c *clove) registered(t *testing.T, name string) (r registration, found bool) {
	t.Helper()
	var all []registration
	c.query(t, &all, "plugin", "list")
	for _, r := range all {
		if r.Name == name {
			return r, true
		}
	}
	return r, false
}

// echoPlugin puts a build of the example into a folder of its own.
func echoPlugin(t *testing.T, dir, version string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "clove-plugin-echo")
	if err := build(path+".new", "clove.i2p/examples/plugin-echo", "-ldflags", "-X main.version="+version); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each thing that is wrong with a plugin is told with its remedy, where it is done and where plugins are listed.
func TestPluginsThatAreRefused(t *testing.T) {
	n := startNetwork(t, 4, http.NotFoundHandler())
	c := n.start(t, "")
	c.waitReady(t)
	dir, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	path := echoPlugin(t, dir, "1.0.0")

	t.Run("writable by others", func(t *testing.T) {
		if err := os.Chmod(path, 0o775); err != nil {
			t.Fatal(err)
		}
		c.refused(t, 1, []string{path, "chmod go-w"}, "plugin", "add", path, "--grant", "all")
		if err := os.Chmod(path, 0o757); err != nil {
			t.Fatal(err)
		}
		c.refused(t, 1, []string{path, "chmod go-w"}, "plugin", "add", path)
		if r, ok := c.registered(t, "echo"); ok {
			t.Errorf("it is registered: %+v", r)
		}
		if err := os.Chmod(path, 0o755); err != nil { // the remedy
			t.Fatal(err)
		}
	})
	t.Run("another checksum than the one given", func(t *testing.T) {
		c.refused(t, 1, []string{strings.Repeat("0", 64), "was registered with"}, "plugin", "add", path, "--grant", "all", "--sha256", strings.Repeat("0", 64))
	})
	t.Run("missing permission", func(t *testing.T) {
		c.must(t, "plugin", "add", path, "--grant", "dial-i2p")
		text := c.refused(t, 1, []string{"listen-i2p is not granted", "--grant"}, "tunnel", "add", "parrot", "echo")
		if r, _ := c.registered(t, "echo"); r.Denials["listen-i2p"] == 0 {
			t.Errorf("denials: %+v", r)
		}
		c.advised(t, text, "plugin upgrade echo")
		c.must(t, "tunnel", "add", "parrot", "echo")
		if found := c.tunnel(t, "parrot", true); found.State != "running" {
			t.Errorf("with the permission: %+v", found)
		}
	})
	t.Run("changed file", func(t *testing.T) {
		echoPlugin(t, dir, "2.0.0")
		text := c.refused(t, 1, []string{"the file has changed", path, "clove plugin upgrade echo --sha256 "}, "plugin", "restart", "echo")
		r, _ := c.registered(t, "echo")
		if r.State != "failed" || !strings.Contains(r.Error, "clove plugin upgrade echo --sha256 ") {
			t.Errorf("plugin list: %+v", r)
		}
		if table := c.must(t, "plugin", "list"); !strings.Contains(table, "clove plugin upgrade echo --sha256 ") {
			t.Errorf("plugin list for people: %s", table)
		}
		if found := c.failed(t, "parrot"); !strings.Contains(found.Error, "the file has changed") {
			t.Errorf("tunnel list: %+v", found)
		}
		c.advised(t, text, "plugin upgrade echo")
		c.tunnel(t, "parrot", true)
		if p := c.plugin(t, "echo"); p.Version != "2.0.0" {
			t.Errorf("after the upgrade: %+v", p)
		}
	})
	t.Run("another version of the contract", func(t *testing.T) {
		future := filepath.Join(dir, "clove-plugin-future")
		if err := build(future, "./testdata/plugin-future"); err != nil {
			t.Fatal(err)
		}
		want := []string{"it speaks version 2, this clove version 1", "get a build of the plugin for this clove"}
		c.refused(t, 1, want, "plugin", "add", future)
		c.refused(t, 1, want, "plugin", "add", future, "--grant", "all")
		if r, ok := c.registered(t, "future"); ok {
			t.Errorf("it is registered: %+v", r)
		}
		// In the configuration file it is listed, with what is wrong, and nothing else suffers.
		sum, err := checksumOf(future)
		if err != nil {
			t.Fatal(err)
		}
		future = fmt.Sprintf("[plugins.future]\npath = %q\nsha256 = %q\npermissions = []\n", future, sum)
		writeConfig(t, n, c.data, future)
		if plan := c.must(t, "reload"); !strings.Contains(plan, "it speaks version 2") {
			t.Errorf("reload: %s", plan)
		}
		if r, _ := c.registered(t, "future"); r.State != "failed" || !strings.Contains(r.Error, want[0]) {
			t.Errorf("plugin list: %+v", r)
		}
		writeConfig(t, n, c.data, future+"[tunnels.x]\ntype = \"of-the-future\"\n")
		c.refused(t, 1, []string{"nothing has changed", "tunnels.x", `no plugin serves "of-the-future"`}, "reload")
		c.tunnel(t, "parrot", true)
		writeConfig(t, n, c.data, "")
		c.must(t, "reload")
	})
	t.Run("no such program", func(t *testing.T) {
		c.refused(t, 2, []string{"no such file"}, "plugin", "add", filepath.Join(dir, "nothing"), "--grant", "all")
		c.refused(t, 1, []string{"clove plugin list"}, "plugin", "restart", "nothing")
	})
	t.Run("no plugin at all", func(t *testing.T) {
		script := filepath.Join(dir, "clove-plugin-script")
		if err := os.WriteFile(script, []byte("#!/bin/sh\necho I am no plugin\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		c.refused(t, 1, []string{"plugin script"}, "plugin", "add", script)
	})
}

func checksumOf(path string) (string, error) {
	out, err := exec.Command("sha256sum", path).Output()
	sum, _, _ := strings.Cut(string(out), " ")
	return sum, err
}

// failed waits until a tunnel has failed, and checks that people see why.
func (c *clove) failed(t *testing.T, name string) (found tunnel) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var all []tunnel
		c.query(t, &all, "tunnel", "list")
		for _, found = range all {
			if found.Name == name && found.State == "failed" {
				if table := c.must(t, "tunnel", "list"); !strings.Contains(table, found.Error) || found.Error == "" {
					t.Errorf("%q is not in\n%s", found.Error, table)
				}
				return found
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("tunnel %s has not failed: %+v", name, all)
		}
	}
}

// Each thing that is wrong with a tunnel's settings is told with its remedy; what was there before stays.
func TestTunnelsThatAreRefused(t *testing.T) {
	n := startNetwork(t, 4, http.NotFoundHandler())
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	// clove starts with a tunnel whose settings are wrong, one whose port is taken, and one that is right.
	c := n.start(t, "[tunnels.wrong]\ntype = \"http-server\"\ntagret = \"127.0.0.1:9\"\n[tunnels.unknown]\ntype = \"tcp-cilent\"\n"+
		fmt.Sprintf("[tunnels.taken]\ntype = \"tcp-client\"\nlisten = %q\ndestination = [\"a.i2p\"]\n", busy.Addr())+
		"[tunnels.right]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"a.i2p\"]\n")
	c.waitReady(t)
	right := c.tunnel(t, "right", false)
	wrong, taken, unknown := c.failed(t, "wrong"), c.failed(t, "taken"), c.failed(t, "unknown")
	if !strings.Contains(unknown.Error, "did you mean tcp-client?") {
		t.Errorf("tunnel list: %+v", unknown)
	}
	if !strings.Contains(wrong.Error, "did you mean target?") {
		t.Errorf("tunnel list: %+v", wrong)
	}
	if !strings.Contains(taken.Error, busy.Addr().String()+" is in use") || !strings.Contains(taken.Error, "use another port") {
		t.Errorf("tunnel list: %+v", taken)
	}

	for name, r := range map[string]struct {
		args []string
		want []string
	}{
		"unknown setting":    {[]string{"http-server", "target=127.0.0.1:9", "tagret=127.0.0.1:9"}, []string{"tagret", "did you mean target?"}},
		"setting is missing": {[]string{"http-server"}, []string{"target", "missing", `write target = "127.0.0.1:8080"`}},
		"wrong value":        {[]string{"tcp-client", "listen=127.0.0.1:0", `destination=["a.i2p"]`, "idle_timeout=soon"}, []string{"idle_timeout", "duration", "30s"}},
		"no such choice":     {[]string{"tcp-client", "listen=127.0.0.1:0", `destination=["a.i2p"]`, "order=randm"}, []string{"order", `did you mean "random"?`}},
		"unknown type":       {[]string{"http-sevrer", "target=127.0.0.1:9"}, []string{"did you mean http-server?"}},
		"port in use":        {[]string{"tcp-client", "listen=" + busy.Addr().String(), `destination=["a.i2p"]`}, []string{busy.Addr().String() + " is in use", "use another port"}},
		"port of another":    {[]string{"tcp-client", "listen=" + right.Local[0], `destination=["a.i2p"]`}, []string{right.Local[0] + " is in use"}},
		"plugin refuses":     {[]string{"tcp-client", "listen=127.0.0.1:0", `destination=["not a name"]`}, []string{"destination", "name.i2p"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.refused(t, 1, r.want, append([]string{"tunnel", "add", "new"}, r.args...)...)
			if out, err := c.command("tunnel", "show", "new"); err == nil {
				t.Errorf("it is there: %s", out)
			}
		})
	}
	t.Run("name in use", func(t *testing.T) {
		c.refused(t, 1, []string{"clove tunnel edit"}, "tunnel", "add", "right", "echo")
		c.refused(t, 1, []string{filepath.Join(c.data, "clove.toml"), "clove reload"}, "tunnel", "edit", "right", "listen=127.0.0.1:0")
		c.refused(t, 1, []string{"clove tunnel list"}, "tunnel", "edit", "nothing", "listen=127.0.0.1:0")
		c.refused(t, 2, []string{"want KEY=VALUE"}, "tunnel", "add", "new", "http-server", "target")
	})
	t.Run("edit", func(t *testing.T) {
		c.must(t, "tunnel", "add", "mine", "tcp-client", "listen=127.0.0.1:0", `destination=["a.i2p"]`)
		before := c.tunnel(t, "mine", false)
		c.refused(t, 1, []string{"did you mean idle_timeout?"}, "tunnel", "edit", "mine", "idle_timeuot=5m")
		c.refused(t, 1, []string{"is in use"}, "tunnel", "edit", "mine", "listen="+busy.Addr().String())
		if after := c.tunnel(t, "mine", false); len(after.Local) != 1 || after.State != "running" {
			t.Errorf("before %+v, after %+v", before, after)
		}
		c.must(t, "tunnel", "edit", "mine", "idle_timeout=5m")
		c.must(t, "tunnel", "remove", "mine")
	})
	t.Run("remedies", func(t *testing.T) {
		busy.Close()
		c.refused(t, 1, []string{"did you mean target?"}, "tunnel", "start", "wrong")
		c.must(t, "tunnel", "start", "taken")
		if found := c.tunnel(t, "taken", false); found.Local[0] != busy.Addr().String() {
			t.Errorf("%+v", found)
		}
	})
	t.Run("without clove", func(t *testing.T) {
		nobody := &clove{data: t.TempDir()}
		nobody.refused(t, 1, []string{"clove run"}, "tunnel", "list")
	})
}

// A configuration that is wrong changes nothing, and a change of one tunnel drops no stream of another.
func TestReloadTouchesOnlyWhatChanges(t *testing.T) {
	n := startNetwork(t, 6, http.HandlerFunc(drip))
	tunnel := func(name, more string) string {
		return fmt.Sprintf("[tunnels.%s]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:80\"]\n%s", name, n.eepsite, more)
	}
	c := n.start(t, tunnel("one", "")+tunnel("two", "")+tunnel("three", ""))
	r := c.waitReady(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	local := func(name string) string { return "http://" + c.tunnel(t, name, false).Local[0] + "/" }
	plain := &http.Client{}
	var all []*steady
	for name, address := range map[string]string{"one": local("one"), "two": local("two")} {
		all = append(all, download(ctx, t, "the download over tunnel "+name, plain, address))
	}
	all = append(all, download(ctx, t, "the download over the HTTP proxy", throughHTTP(ready{HTTPProxy: r.HTTPProxy}), "http://"+n.eepsite+"/"))
	check := func(when string) {
		t.Helper()
		for _, d := range all {
			d.goesOn(t, when)
		}
	}
	check("at first")

	config := filepath.Join(c.data, "clove.toml")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	before := c.must(t, "tunnel", "list")
	for name, bad := range map[string]struct {
		text string
		want []string
	}{
		"no TOML":           {string(good) + "\n[tunnels\n", []string{"clove.toml"}},
		"unknown key":       {strings.Replace(string(good), "http.listen", "http.lisetn", 1), []string{"lisetn", "http.listen"}},
		"wrong rule":        {string(good) + "[[proxies.rules]]\nmatch = \"*\"\naction = \"outproxxy\"\n", []string{"outproxxy"}},
		"unknown setting":   {string(good) + tunnel("four", "idle_timeuot = \"5m\"\n"), []string{"tunnels.four", "did you mean idle_timeout?"}},
		"wrong value":       {strings.Replace(string(good), "[tunnels.two]", "[tunnels.two]\nidle_timeout = 5", 1), []string{"tunnels.two", "idle_timeout"}},
		"wrong permissions": {string(good) + "[plugins.tcp]\npermissions = [\"everything\"]\n", []string{"everything", "listen-local"}},
	} {
		if err := os.WriteFile(config, []byte(bad.text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			c.refused(t, 1, append(bad.want, "nothing has changed"), "reload")
			if during := c.must(t, "tunnel", "list"); during != before { // what runs can be seen all the same
				t.Errorf("before\n%s\nnow\n%s", before, during)
			}
		})
		check("after a reload with " + name)
	}

	// Tunnel three changes in all the ways there are: in place, with another address, with another destination, away, and back.
	write := func(text string) {
		t.Helper()
		writeConfig(t, n, c.data, tunnel("one", "")+tunnel("two", "")+text)
	}
	for _, step := range []struct{ what, text, plan string }{
		{"in place", tunnel("three", "idle_timeout = \"5m\"\n"), "three"},
		{"another port", strings.Replace(tunnel("three", ""), "127.0.0.1:0", freePort(t), 1), "three"},
		{"another destination", tunnel("three", "length = 0\n"), "tunnel restarted three"},
		{"away", "", "tunnel removed  three"},
		{"back", tunnel("three", ""), "tunnel added    three"},
		{"stopped", tunnel("three", "enabled = false\n"), "three"},
	} {
		write(step.text)
		var plan struct {
			Tunnels struct {
				Unchanged int `json:"tunnels_unchanged"`
				Restarted []struct {
					Tunnel string `json:"tunnel"`
				} `json:"tunnels_restarted"`
			} `json:"tunnels"`
		}
		if out := c.must(t, "reload", "--dry-run"); !strings.Contains(out, step.plan) || !strings.Contains(out, "This would happen") {
			t.Errorf("%s: the plan is %q", step.what, out)
		}
		out := c.must(t, "reload", "--json")
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			t.Fatal(err)
		}
		if plan.Tunnels.Unchanged != 2 {
			t.Errorf("%s: %s", step.what, out)
		}
		for _, r := range plan.Tunnels.Restarted {
			if r.Tunnel != "three" {
				t.Errorf("%s restarts %s", step.what, r.Tunnel)
			}
		}
		check("after tunnel three: " + step.what)
	}
	// A stream of the tunnel itself lasts over a change in place.
	write(tunnel("three", ""))
	c.must(t, "reload")
	all = append(all, download(ctx, t, "the download over tunnel three", plain, local("three")))
	check("with tunnel three")
	write(tunnel("three", "idle_timeout = \"7m\"\n"))
	if out := c.must(t, "reload"); !strings.Contains(out, "changed in place, nothing drops: three") {
		t.Errorf("reload: %s", out)
	}
	check("after a change in place")
	cancel()
	for _, d := range all {
		<-d.ended
		if d.err != nil {
			t.Errorf("%s: %v", d.name, d.err)
		}
	}
}
