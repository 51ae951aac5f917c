//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	networkID = 78
	port      = 9300
	httpPort  = 4444
	socksPort = 4447
	quantity  = 3 // tunnels in each direction
	// stopGrace is how long a process may take to end on SIGTERM.
	stopGrace = 8 * time.Second
	// readyLimit is how long a destination may take to be reachable.
	readyLimit = 90 * time.Second
)

// A node is one clove process and its files.
type node struct {
	name    string
	dir     string
	address string
	binary  string
	role    role
	length  int

	process *process
}

type role int

const (
	transit role = iota
	floodfill
	client
	server
)

// config is the node's configuration file; seeds are router.info files.
func (n *node) config(seeds []string) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	proxy := func(port int) string {
		if n.role != client {
			return ""
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	quoted := make([]string, len(seeds))
	for i, s := range seeds {
		quoted[i] = strconv.Quote(s)
	}
	put("data_dir = %q", n.dir)
	put("[log]\nlevel = \"info\"")
	put("[router]\nnetwork_id = %d\nallow_private_peers = true", networkID)
	put("floodfill = %q", map[bool]string{true: "on", false: "off"}[n.role == floodfill])
	put("transit = %t", n.role == transit || n.role == floodfill)
	put("[router.bandwidth]\ninbound = \"unlimited\"\noutbound = \"unlimited\"\nshare = 100")
	put("[router.ntcp2]\nlisten = %q", net.JoinHostPort(n.address, strconv.Itoa(port)))
	put("[router.reseed]\nfiles = [%s]", strings.Join(quoted, ", "))
	put("[router.tunnels]\nlength = %d\nquantity = %d", max(n.length, 1), quantity)
	put("[proxies.http]\nlisten = %q", proxy(httpPort))
	put("[proxies.socks]\nlisten = %q", proxy(socksPort))
	return b.String()
}

// start writes the configuration and starts clove run.
func (n *node) start(seeds []string) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(n.dir, "bench.toml")
	if err := os.WriteFile(file, []byte(n.config(seeds)), 0o600); err != nil {
		return err
	}
	p, err := start(exec.Command(n.binary, "run", "--config", file), n.dir+".log")
	if err != nil {
		return err
	}
	n.process = p
	return nil
}

func (n *node) stop() error {
	if n.process == nil {
		return nil
	}
	err := n.process.stop()
	n.process = nil
	return err
}

func (n *node) routerInfo() string { return filepath.Join(n.dir, "router.info") }

// control is an HTTP client on the control socket.
func (n *node) control() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(n.dir, "control.sock"))
		},
	}}
}

// status asks for the node's status and decodes it to out.
func (n *node) status(ctx context.Context, out any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://clove/v1/status", nil)
	if err != nil {
		return err
	}
	answer, err := n.control().Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(out)
}

// waitRunning waits until the node answers on its control socket and has written its RouterInfo.
func (n *node) waitRunning(ctx context.Context) error {
	return poll(ctx, n.name+" starts", 20*time.Second, func() error {
		if !n.process.alive() {
			return permanent{fmt.Errorf("%s ended; see %s", n.name, n.dir+".log")}
		}
		if _, err := os.Stat(n.routerInfo()); err != nil {
			return err
		}
		var s struct{}
		return n.status(ctx, &s)
	})
}

// usage is what a process has cost so far.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

const ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on

func (n *node) usage() (usage, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.process.cmd.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 22 {
		return usage{}, errors.New("short /proc/PID/stat")
	}
	var v [3]int64
	for i, at := range []int{11, 12, 21} { // utime, stime, rss
		if v[i], err = strconv.ParseInt(f[at], 10, 64); err != nil {
			return usage{}, err
		}
	}
	return usage{time.Duration(v[0]+v[1]) * time.Second / ticksPerSecond, v[2] * int64(os.Getpagesize())}, nil
}

// permanent ends a poll.
type permanent struct{ error }

// poll tries f until it succeeds.
func poll(ctx context.Context, what string, limit time.Duration, f func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return nil
		}
		if p := (permanent{}); errors.As(err, &p) {
			return p.error
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v: %w", what, limit, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// A process is a child that dies with us.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// starter starts processes on one thread that never ends: the signal of the parent's death comes when the thread that
// started a child dies, and Go ends threads as it likes.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// start runs a command with its output in a log file, except what has been redirected. Settings of the environment do
// not reach it.
func start(cmd *exec.Cmd, logFile string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CLOVE_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop ends the process and waits for that.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopGrace):
	}
	p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end on SIGTERM", p.cmd.Path)
}

// serve has a node host a web server, and returns the eepsite's host name once it can be reached.
func (n *node) serve(ctx context.Context, url string) (host string, site *process, err error) {
	out, w, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(n.binary, "serve", "--json", "--config", filepath.Join(n.dir, "bench.toml"), url)
	cmd.Stdout = w
	site, err = start(cmd, n.dir+".log")
	w.Close()
	if err != nil {
		out.Close()
		return "", nil, err
	}
	line := make(chan []byte, 1)
	go func() {
		defer out.Close()
		b, _ := bufio.NewReader(out).ReadBytes('\n')
		line <- b
	}()
	select {
	case b := <-line:
		var p struct{ Eepsite string }
		if err := json.Unmarshal(bytes.TrimSpace(b), &p); err != nil || p.Eepsite == "" {
			return "", nil, errors.Join(fmt.Errorf("the eepsite ended; see %s", n.dir+".log"), site.stop())
		}
		return p.Eepsite, site, nil
	case <-time.After(readyLimit):
		return "", nil, errors.Join(fmt.Errorf("no eepsite within %v; see %s", readyLimit, n.dir+".log"), site.stop())
	case <-ctx.Done():
		return "", nil, errors.Join(ctx.Err(), site.stop())
	}
}
