package e2e_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// startDemo starts the demo on free ports.
func startDemo(t *testing.T) (*clove, ready) {
	t.Helper()
	temp, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	return startDemoIn(t, temp)
}

// startDemoIn is startDemo with a given folder for temporary files, and more of environment.
func startDemoIn(t *testing.T, temp string, env ...string) (*clove, ready) {
	t.Helper()
	c := startCloveIn(t, temp, env, "demo", "--json", "--http", "127.0.0.1:0", "--socks", "127.0.0.1:0", "--irc", "127.0.0.1:0")
	r := c.waitReady(t)
	c.data = filepath.Dir(r.Control)
	return c, r
}

// TestDemo is what a new user does first.
func TestDemo(t *testing.T) {
	c, r := startDemo(t)
	t.Logf("ready after %.1f s", r.ReadySeconds)
	if r.HTTPProxy == "" || r.SOCKSProxy == "" || r.Control == "" || len(r.RouterHash) != 44 || !strings.HasSuffix(r.Eepsite, ".b32.i2p") ||
		r.IRC == "" || r.Clearnet == "" || len(r.Missing) > 0 {
		t.Errorf("ready: %+v", r)
	}
	if status, page := get(t, throughHTTP(r), "http://"+r.Eepsite+"/"); status != 200 || !strings.Contains(page, "It works") {
		t.Errorf("through the HTTP proxy: %d %q", status, page)
	}
	// What stands for the clearnet, through the outproxy; it has a name of its own, and no other name leads out.
	const outside = "Your request came out of an outproxy"
	if status, page := get(t, throughHTTP(r), r.Clearnet); status != 200 || !strings.Contains(page, outside) {
		t.Errorf("the clearnet site through the HTTP proxy: %d %q", status, page)
	}
	clearnet, err := url.Parse(r.Clearnet)
	if err != nil {
		t.Fatal(err)
	}
	for version, open := range map[string]func(string, string, int) (net.Conn, int, error){"SOCKS5": socks5, "SOCKS4a": socks4a} {
		if page := readOver(t, open, r, r.Eepsite); !strings.Contains(page, "It works") {
			t.Errorf("%s: %q", version, page)
		}
		if page := readOver(t, open, r, clearnet.Host); !strings.Contains(page, outside) {
			t.Errorf("the clearnet site through %s: %q", version, page)
		}
		// Nothing else leaves, and the answer says so: 2 is "not allowed", 91 the only refusal of SOCKS 4.
		want := map[string]int{"SOCKS5": 2, "SOCKS4a": 91}[version]
		for _, host := range []string{"example.com", "127.0.0.1", "localhost", "not." + clearnet.Host} {
			conn, code, err := open(r.SOCKSProxy, host, 80)
			if err != nil || code != want {
				t.Errorf("%s to %s: reply %d, %v; want %d", version, host, code, err, want)
			}
			if conn != nil {
				conn.Close()
			}
		}
	}
	for _, host := range []string{"example.com", "127.0.0.1", "localhost", "10.0.0.1", "not." + clearnet.Host} {
		status, page := get(t, throughHTTP(r), "http://"+host+"/")
		if status != http.StatusForbidden || !strings.Contains(page, "I2P") {
			t.Errorf("%s through the HTTP proxy: %d %q", host, status, page)
		}
	}
	user := joinIRC(t, r.IRC, "newcomer")
	user.say("QUIT")
	user.until("ERROR")

	s := c.status(t, r.Control)
	if !s.Ready || s.RouterHash != r.RouterHash || s.Proxies["http"].Requests < 1 || len(s.Destinations) < 2 {
		t.Errorf("status: %+v", s)
	}
	for _, d := range s.Destinations {
		for _, tunnel := range d.Tunnels {
			if len(tunnel.Hops) != 2 {
				t.Errorf("tunnel with the hops %v", tunnel.Hops)
			}
		}
	}
	started := descendants(t, c.cmd.Process.Pid)
	for _, name := range []string{"irc", "outproxy"} {
		if p := c.plugin(t, name); started[p.PID] == "" {
			t.Errorf("plugin %s is no process of the demo: %+v, %v", name, p, started)
		}
	}
	c.stop(t, os.Interrupt)
	for pid, name := range started {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			t.Errorf("process %d is left: %s", pid, name)
		}
	}
	for _, address := range []string{r.HTTPProxy, r.SOCKSProxy, r.IRC} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("somebody listens on %s after the end", address)
		}
	}
}

// descendants are the processes that a process has started, and those that they have, with their names.
func descendants(t *testing.T, of int) map[int]string {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,comm=").Output()
	if err != nil {
		t.Skipf("ps: %v", err)
	}
	found := map[int]string{}
	for grown := true; grown; {
		grown = false
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			pid, _ := strconv.Atoi(f[0])
			parent, _ := strconv.Atoi(f[1])
			if found[pid] == "" && (parent == of || found[parent] != "") {
				found[pid], grown = f[2], true
			}
		}
	}
	return found
}

// What a clove could not clear away, because it was killed, the next one does.
func TestNextStartClearsAway(t *testing.T) {
	n := startNetwork(t, 4, http.NotFoundHandler())
	temp, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	left := func() []string {
		all, err := filepath.Glob(filepath.Join(temp, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	kill := func(c *clove) {
		t.Helper()
		started := descendants(t, c.cmd.Process.Pid)
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-c.ended
		killed := time.Now()
		for pid, name := range started {
			for syscall.Kill(pid, 0) == nil && !zombie(pid) {
				if time.Since(killed) > 2*time.Second {
					t.Errorf("%s outlives clove", name)
					syscall.Kill(pid, syscall.SIGKILL)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		if len(left()) == 0 {
			t.Fatal("nothing was left behind: this test shows nothing")
		}
	}
	data, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	writeConfig(t, n, data, "[tunnels.bridge]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"none.i2p\"]\n")
	run := func() *clove {
		c := startCloveIn(t, temp, nil, "run", "--json", "--data-dir", data)
		c.data = data
		c.waitReady(t)
		c.tunnel(t, "bridge", false)
		return c
	}
	kill(run())
	run().stop(t, os.Interrupt) // looks for what is left
	demo, _ := startDemoIn(t, temp)
	kill(demo)
	demo, _ = startDemoIn(t, temp)
	demo.stop(t, os.Interrupt)

	// It clears away what nobody uses, and nothing else.
	first, second := run(), startCloveIn(t, temp, nil, "demo", "--json", "--http", "127.0.0.1:0", "--socks", "127.0.0.1:0", "--irc", "127.0.0.1:0")
	second.waitReady(t)
	if p := first.plugin(t, "tcp"); p.State != "running" || p.Restarts != 0 {
		t.Errorf("another clove starts: %+v", p)
	}
	first.must(t, "plugin", "restart", "tcp") // needs the folder
	first.tunnel(t, "bridge", false)
	if err := second.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-second.ended; err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	first.stop(t, os.Interrupt)
}

// The end comes in time whenever it is asked for, also while the network comes up.
func TestSignals(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if s == syscall.SIGHUP && signal.Ignored(s) { // by nohup: a child ignores it, too
			continue
		}
		c, r := startDemo(t)
		// A connection that says nothing, one in a tunnel, and one that waits for a dial do not hold it up.
		silent, err := net.Dial("tcp", r.SOCKSProxy)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		if open, code, err := socks5(r.SOCKSProxy, r.Eepsite, 80); err != nil || code != 0 {
			t.Errorf("reply %d, %v", code, err)
		} else {
			defer open.Close()
		}
		waiting, err := net.Dial("tcp", r.HTTPProxy)
		if err != nil {
			t.Fatal(err)
		}
		defer waiting.Close()
		defer joinIRC(t, r.IRC, "lingerer").conn.Close()
		fmt.Fprintf(waiting, "GET http://%s.b32.i2p/ HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("a", 52))
		c.stop(t, s)
	}
	c := startClove(t, "demo", "--http", "127.0.0.1:0", "--socks", "127.0.0.1:0", "--irc", "127.0.0.1:0", "--log-level", "debug")
	for deadline := time.Now().Add(patience); !strings.Contains(c.stderr.String(), "router starts"); {
		if time.Now().After(deadline) {
			t.Fatalf("does not start:\n%s", c.stderr.String())
		}
		time.Sleep(10 * time.Millisecond) // another process: there is nothing to wait for but its output
	}
	c.stop(t, os.Interrupt)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := exec.Command(program, "demo", "--socks", l.Addr().String(), "--http", "127.0.0.1:0").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "SOCKS proxy") ||
		!strings.Contains(string(out), "in use") || !strings.Contains(string(out), "--socks") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Without a network there is a demo: loopback is all it needs.
func TestDemoWithoutNetwork(t *testing.T) {
	if os.Getenv("E2E_ALONE") != "" {
		t.Skip("this is the run without a network")
	}
	inside := exec.Command("unshare", "-r", "-n", "sh", "-c", `ip link set lo up && exec "$0" -test.run='^TestDemo$' -test.v`, os.Args[0])
	inside.Env = append(os.Environ(), "E2E_ALONE=1", "E2E_PROGRAM="+program)
	if err := exec.Command("unshare", "-r", "-n", "ip", "link", "set", "lo", "up").Run(); err != nil {
		t.Skipf("no network namespace here: %v", err)
	}
	if out, err := inside.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestDemo") {
		t.Errorf("%v\n%s", err, out)
	}
}

// throughHTTP opens a new connection, and so a new stream, for each request.
func throughHTTP(r ready) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: r.HTTPProxy}), DisableKeepAlives: true,
	}}
}

func get(t *testing.T, c *http.Client, address string) (status int, body string) {
	t.Helper()
	answer, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func readOver(t *testing.T, open func(string, string, int) (net.Conn, int, error), r ready, host string) string {
	t.Helper()
	conn, code, err := open(r.SOCKSProxy, host, 80)
	if err != nil || code != 0 && code != 90 {
		t.Fatalf("reply %d, %v", code, err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// socks5 opens a connection with a host name; code is that of the reply, 0 is success.
func socks5(proxy, host string, port int) (conn net.Conn, code int, err error) {
	if conn, err = dialProxy(proxy); err != nil {
		return nil, 0, err
	}
	request := []byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}
	request = binary.BigEndian.AppendUint16(append(request, host...), uint16(port))
	if _, err := conn.Write(request); err != nil {
		return conn, 0, err
	}
	reply := make([]byte, 2+10)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return conn, 0, fmt.Errorf("read the reply: %w", err)
	}
	return conn, int(reply[3]), nil
}

// socks4a is the same with SOCKS 4a, where 90 is success.
func socks4a(proxy, host string, port int) (conn net.Conn, code int, err error) {
	if conn, err = dialProxy(proxy); err != nil {
		return nil, 0, err
	}
	request := binary.BigEndian.AppendUint16([]byte{4, 1}, uint16(port))
	request = append(request, 0, 0, 0, 1, 0) // an address that cannot be, and no user
	request = append(append(request, host...), 0)
	if _, err := conn.Write(request); err != nil {
		return conn, 0, err
	}
	reply := make([]byte, 8)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return conn, 0, fmt.Errorf("read the reply: %w", err)
	}
	return conn, int(reply[1]), nil
}

func dialProxy(proxy string) (net.Conn, error) {
	conn, err := net.Dial("tcp", proxy)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}
