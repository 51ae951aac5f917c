package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clove.i2p/config"
)

// patience is for a machine that does much else at the same time.
const patience = 2 * time.Minute

// shutdown is what the answer to a signal may take, and what a loaded machine adds.
const shutdown = 5*time.Second + 500*time.Millisecond

// A clove is a process of the program.
type clove struct {
	cmd    *exec.Cmd
	data   string // its data directory, if the test chose one
	temp   string // its folder for temporary files
	ready  chan ready
	ended  chan error
	stderr lockedBuffer
}

// ready is the line of run and demo with --json.
type ready struct {
	HTTPProxy    string   `json:"http_proxy"`
	SOCKSProxy   string   `json:"socks_proxy"`
	Control      string   `json:"control"`
	RouterHash   string   `json:"router_hash"`
	ReadySeconds float64  `json:"ready_seconds"`
	Eepsite      string   `json:"eepsite"`
	IRC          string   `json:"irc"`
	Clearnet     string   `json:"clearnet_site"`
	Missing      []string `json:"missing"`
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A status is what the tests read of clove status --json.
type status struct {
	Ready        bool   `json:"ready"`
	RouterHash   string `json:"router_hash"`
	Destinations []struct {
		Tunnels []struct {
			Hops []string `json:"hops"`
		} `json:"tunnels"`
	} `json:"destinations"`
	Process process `json:"process"`
	Proxies map[string]struct {
		Requests uint64 `json:"requests"`
	} `json:"proxies"`
}

type process struct {
	Goroutines      int    `json:"goroutines"`
	FileDescriptors int    `json:"file_descriptors"`
	HeapBytes       uint64 `json:"heap_bytes"`
}

// startClove starts the program; it is killed at the end of the test if it runs then.
func startClove(t *testing.T, args ...string) *clove {
	t.Helper()
	temp, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	return startCloveIn(t, temp, nil, args...)
}

// startCloveIn is startClove with a given folder for temporary files, where sockets go too, and more of environment.
func startCloveIn(t *testing.T, temp string, env []string, args ...string) *clove {
	t.Helper()
	c := &clove{cmd: exec.Command(program, args...), temp: temp, ready: make(chan ready, 1), ended: make(chan error, 1)}
	c.cmd.Env = append(append(environ(), "TMPDIR="+temp, "HOME="+temp, "XDG_RUNTIME_DIR="+temp), env...)
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(stdout); s.Scan(); {
			var r ready
			if json.Unmarshal(s.Bytes(), &r) == nil {
				c.ready <- r
			}
		}
		c.ended <- c.cmd.Wait()
	}()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("clove %s:\n%s", strings.Join(args, " "), c.stderr.String())
		}
	})
	return c
}

// environ is ours without what configures clove.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, config.EnvPrefix) })
}

func (c *clove) waitReady(t *testing.T) ready {
	t.Helper()
	select {
	case r := <-c.ready:
		return r
	case err := <-c.ended:
		t.Fatalf("clove ended: %v\n%s", err, c.stderr.String())
	case <-time.After(patience):
		t.Fatalf("clove is not ready after %v\n%s", patience, c.stderr.String())
	}
	return ready{}
}

// stop ends clove by a signal and checks what remains: nothing.
func (c *clove) stop(t *testing.T, s os.Signal) {
	t.Helper()
	begin := time.Now()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-c.ended:
		if err != nil {
			t.Errorf("clove ended with %v\n%s", err, c.stderr.String())
		}
	case <-time.After(patience):
		t.Fatalf("clove goes on after %v", s)
	}
	if took := time.Since(begin); took > shutdown {
		t.Errorf("%v took %v", s, took)
	}
	left, err := filepath.Glob(filepath.Join(c.temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := syscall.Kill(c.cmd.Process.Pid, 0); err == nil {
		t.Error("the process is there")
	}
	children, err := exec.Command("pgrep", "-P", itoa(c.cmd.Process.Pid)).Output()
	if err == nil && len(children) > 0 {
		t.Errorf("child processes: %s", children)
	}
}

// status through the control socket, as clove status --json prints it.
func (c *clove) status(t *testing.T, socket string) (s status) {
	t.Helper()
	out, err := exec.Command(program, "status", "--json", "--control", socket).Output()
	if err != nil {
		t.Fatalf("clove status: %v", err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	return s
}
