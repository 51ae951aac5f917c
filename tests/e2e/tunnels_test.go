package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// again starts a clove with the data directory of one that was stopped.
func (c *clove) again(t *testing.T) *clove {
	t.Helper()
	next := startClove(t, "run", "--json", "--data-dir", c.data)
	next.data = c.data
	return next
}

// fails runs a command that has to fail, and to say all of this.
func (c *clove) fails(t *testing.T, says []string, args ...string) {
	t.Helper()
	out, err := c.command(args...)
	if err == nil {
		t.Errorf("clove %s succeeds: %s", strings.Join(args, " "), out)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("clove %s says %q, and not %q", strings.Join(args, " "), err, text)
		}
	}
}

// names of the tunnels, with their states.
func (c *clove) states(t *testing.T) map[string]string {
	t.Helper()
	var all []tunnel
	c.query(t, &all, "tunnel", "list")
	states := map[string]string{}
	for _, one := range all {
		states[one.Name] = one.State
	}
	return states
}

func sameStates(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// What clove tunnel does to a tunnel is so at once, and after a restart.
func TestTunnelCommandsAreKept(t *testing.T) {
	n := startNetwork(t, 6, http.NotFoundHandler())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "host "+r.Host) }))
	defer site.Close()
	c := n.start(t, fmt.Sprintf("[tunnels.written]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:80\"]\n", n.eepsite))
	r := c.waitReady(t)

	begin := time.Now()
	address := strings.TrimSpace(c.must(t, "tunnel", "add", "web", "http-server", "target="+site.URL, "host=first.i2p"))
	t.Logf("tunnel add: %s after %v", address, time.Since(begin).Round(time.Millisecond))
	if len(address) != 60 || !strings.HasSuffix(address, ".b32.i2p") {
		t.Fatalf("tunnel add printed %q", address)
	}
	lines := strings.Fields(c.must(t, "tunnel", "add", "bridge", "tcp-client", "listen=127.0.0.1:0", `destination=["`+address+`:80"]`))
	local := lines[len(lines)-1]
	if host, port, err := net.SplitHostPort(local); err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("tunnel add of a client printed %q", lines)
	}
	c.must(t, "tunnel", "add", "doomed", "tcp-client", "listen=127.0.0.1:0", `destination=["none.i2p"]`)
	c.must(t, "tunnel", "add", "resting", "tcp-client", "listen=127.0.0.1:0", `destination=["none.i2p"]`)
	page := func(r ready, want string) {
		t.Helper()
		if status, body := get(t, throughHTTP(r), "http://"+address+"/"); status != 200 || body != want {
			t.Errorf("the eepsite: %d %q, want %q", status, body, want)
		}
	}
	c.tunnel(t, "web", true)
	page(r, "host first.i2p")

	// What is wrong changes nothing, and the error says what would be right.
	managed := filepath.Join(c.data, "managed.toml")
	before, err := os.ReadFile(managed)
	if err != nil {
		t.Fatal(err)
	}
	c.fails(t, []string{"there is a tunnel web already"}, "tunnel", "add", "web", "http-server", "target="+site.URL)
	c.fails(t, []string{"there is a tunnel written already"}, "tunnel", "add", "written", "tcp-client", "listen=127.0.0.1:0", `destination=["a.i2p"]`)
	c.fails(t, []string{"http-servr", "did you mean http-server?"}, "tunnel", "add", "other", "http-servr", "target="+site.URL)
	c.fails(t, []string{"targt", "target"}, "tunnel", "add", "other", "http-server", "targt="+site.URL)
	c.fails(t, []string{"host"}, "tunnel", "edit", "web", "host=a b")
	c.fails(t, []string{"bad name"}, "tunnel", "add", "bad name", "http-server", "target="+site.URL)
	for _, command := range [][]string{{"edit", "nobody", "host=x"}, {"stop", "nobody"}, {"start", "nobody"}, {"remove", "nobody"}, {"show", "nobody"}} {
		c.fails(t, []string{"nobody", "clove tunnel list"}, append([]string{"tunnel"}, command...)...)
	}
	// What is in the configuration file is changed there.
	file := filepath.Join(c.data, "clove.toml")
	for _, command := range [][]string{{"edit", "written", "listen=127.0.0.1:0"}, {"stop", "written"}, {"remove", "written"}} {
		c.fails(t, []string{"[tunnels.written]", file, "clove reload"}, append([]string{"tunnel"}, command...)...)
	}
	if after, err := os.ReadFile(managed); err != nil || !bytes.Equal(before, after) {
		t.Errorf("commands that failed have changed managed.toml: %v\n%s", err, after)
	}
	if info, err := os.Stat(managed); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("managed.toml: %v %v", info.Mode(), err)
	}
	want := map[string]string{"written": "running", "web": "running", "bridge": "running", "doomed": "running", "resting": "running"}
	if got := c.states(t); !sameStates(got, want) {
		t.Errorf("tunnels: %v, want %v", got, want)
	}

	// Edited, stopped, removed: while a connection of another tunnel is open.
	if out := c.must(t, "tunnel", "edit", "web", "host=second.i2p"); !strings.Contains(out, "in place") || !strings.Contains(out, "web") {
		t.Errorf("tunnel edit: %s", out)
	}
	page(r, "host second.i2p")
	if out := c.must(t, "tunnel", "edit", "web", "--unset", "host"); !strings.Contains(out, "web") {
		t.Errorf("tunnel edit --unset: %s", out)
	}
	page(r, "host "+address)
	c.must(t, "tunnel", "edit", "web", "host=third.i2p")
	c.must(t, "tunnel", "stop", "resting")
	c.must(t, "tunnel", "stop", "bridge")
	if conn, err := net.Dial("tcp", local); err == nil {
		conn.Close()
		t.Error("somebody listens for a tunnel that was stopped")
	}
	c.must(t, "tunnel", "start", "bridge")
	c.must(t, "tunnel", "remove", "doomed")
	want["resting"] = "stopped"
	delete(want, "doomed")
	if got := c.states(t); !sameStates(got, want) {
		t.Errorf("tunnels: %v, want %v", got, want)
	}
	c.stop(t, os.Interrupt)

	c = c.again(t)
	r = c.waitReady(t)
	if again := c.tunnel(t, "web", true); again.Address != address {
		t.Errorf("after a restart the address is %s, before it was %s", again.Address, address)
	}
	page(r, "host third.i2p")
	through := c.tunnel(t, "bridge", false).Local[0]
	if status, body := get(t, &http.Client{Timeout: patience}, "http://"+through+"/"); status != 200 || body != "host third.i2p" {
		t.Errorf("through the bridge: %d %q", status, body)
	}
	c.tunnel(t, "written", false)
	if got := c.states(t); !sameStates(got, want) {
		t.Errorf("tunnels after a restart: %v, want %v", got, want)
	}
	c.must(t, "tunnel", "start", "resting")
	c.tunnel(t, "resting", false)

	// Its keys stay: who adds it again has the address again.
	c.must(t, "tunnel", "remove", "web")
	if again := strings.TrimSpace(c.must(t, "tunnel", "add", "web", "http-server", "target="+site.URL)); again != address {
		t.Errorf("removed and added: %s, want %s", again, address)
	}
	c.stop(t, os.Interrupt)
}

// A reload changes what changed in the file and drops nothing else: SIGHUP is clove reload.
func TestReload(t *testing.T) {
	n := startNetwork(t, 6, http.HandlerFunc(drip))
	echo := startEcho(t)
	bridge := fmt.Sprintf("[tunnels.bridge]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:80\"]\n", n.eepsite)
	changing := func(length int, target string) string {
		return fmt.Sprintf("[tunnels.changing]\ntype = \"tcp-server\"\ntarget = %q\nlength = %d\n", target, length)
	}
	c := n.start(t, bridge+changing(1, echo))
	r := c.waitReady(t)
	address := c.tunnel(t, "changing", true).Address
	local := c.tunnel(t, "bridge", false).Local[0]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	downloads := []*steady{
		download(ctx, t, "the download over another tunnel", &http.Client{}, "http://"+local+"/"),
		download(ctx, t, "the download over the HTTP proxy", throughHTTP(ready{HTTPProxy: r.HTTPProxy}), "http://"+n.eepsite+"/"),
	}
	goOn := func(when string) {
		t.Helper()
		for _, d := range downloads {
			d.goesOn(t, when)
		}
	}
	open := func() net.Conn {
		t.Helper()
		conn, code, err := socks5(r.SOCKSProxy, address, 1)
		if err != nil || code != 0 {
			t.Fatalf("reply %d, %v", code, err)
		}
		if err := echoes(conn, []byte("hello\n")); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	goOn("at first")

	// Nothing to do.
	if out := c.must(t, "reload"); !strings.Contains(out, "Nothing changes") {
		t.Errorf("reload of the same file: %s", out)
	}

	// A change that the plugin takes in place: streams of this tunnel go on, too.
	conn := open()
	defer conn.Close()
	other := startEcho(t)
	writeConfig(t, n, c.data, bridge+changing(1, other))
	if out := c.must(t, "reload"); !strings.Contains(out, "in place") || !strings.Contains(out, "changing") || strings.Contains(out, "bridge") {
		t.Errorf("reload of another target: %s", out)
	}
	if err := echoes(conn, []byte("still here\n")); err != nil {
		t.Errorf("a change in place: %v", err)
	}
	goOn("after a change in place")

	// A dry run tells what drops, and drops nothing.
	writeConfig(t, n, c.data, bridge+changing(0, other)+"[tunnels.more]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"none.i2p\"]\n")
	before := c.states(t)
	dry := c.must(t, "reload", "--dry-run")
	for _, text := range []string{"This would happen:", "more", "changing", "open connections end"} {
		if !strings.Contains(dry, text) {
			t.Errorf("reload --dry-run does not say %q: %s", text, dry)
		}
	}
	if err := echoes(conn, []byte("still here\n")); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if after := c.states(t); !sameStates(before, after) {
		t.Errorf("a dry run: %v, before %v", after, before)
	}

	// The same by SIGHUP: the tunnel gets other I2P tunnels, and starts anew at the same address.
	total := c.tunnel(t, "bridge", false)
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); c.states(t)["more"] != "running"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("SIGHUP: %v", c.states(t))
		}
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a stream of the tunnel that started anew goes on")
	}
	if again := c.tunnel(t, "changing", true); again.Address != address {
		t.Errorf("started anew, its address is %s", again.Address)
	}
	fresh := open()
	fresh.Close()
	goOn("after a change of another tunnel")
	if now := c.tunnel(t, "bridge", false); now.Local[0] != total.Local[0] || now.Total != total.Total || now.Open != total.Open {
		t.Errorf("the other tunnel: %+v, before %+v", now, total)
	}

	// A file that is not right changes nothing, and is told so by name and place.
	before = c.states(t)
	for name, bad := range map[string]struct{ text, says string }{
		"TOML":            {"[tunnels.bridge\n", "clove.toml"},
		"unknown key":     {bridge + "[proxies.htpt]\nlisten = \"127.0.0.1:0\"\n", "htpt"},
		"unknown setting": {strings.Replace(bridge, "listen", "lisen", 1), "lisen"},
		"setting":         {strings.Replace(bridge, ":80", ":eighty", 1), "destination"},
		"type":            {"[tunnels.bridge]\nlisten = \"127.0.0.1:0\"\n", "type"},
	} {
		writeConfig(t, n, c.data, bad.text)
		c.fails(t, []string{"nothing has changed", bad.says}, "reload")
		if after := c.states(t); !sameStates(before, after) {
			t.Errorf("%s: %v, before %v", name, after, before)
		}
		goOn("after a bad file: " + name)
	}
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil { // the last of them
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(c.stderr.String(), "nothing has changed"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("SIGHUP with a bad file is not logged")
		}
	}
	goOn("after SIGHUP with a bad file")

	// A tunnel that the file has no more ends, and only it.
	writeConfig(t, n, c.data, bridge)
	if out := c.must(t, "reload"); !strings.Contains(out, "tunnel removed") || !strings.Contains(out, "more") || !strings.Contains(out, "changing") {
		t.Errorf("reload without two tunnels: %s", out)
	}
	if got, want := c.states(t), map[string]string{"bridge": "running"}; !sameStates(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	goOn("at the end")
	cancel()
	for _, d := range downloads {
		<-d.ended
		if d.err != nil {
			t.Errorf("%s: %v", d.name, d.err)
		}
	}
	c.stop(t, os.Interrupt)
}
