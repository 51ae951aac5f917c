//go:build linux

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// BuildClove makes the program from this source, once for each network.
func (n *Network) BuildClove(ctx context.Context) (program string, err error) {
	program = filepath.Join(n.Dir, "clove")
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "clove.i2p/cmd/clove")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("interop: build clove: %w\n%s", err, out)
	}
	return program, nil
}

// A Clove is a clove process in the network.
type Clove struct {
	Dir     string
	program string
	run     *process
	ready   chan Ready
}

// Ready is the line that `clove run` and `clove serve` print with --json.
type Ready struct {
	HTTPProxy  string `json:"http_proxy"`
	SOCKSProxy string `json:"socks_proxy"`
	RouterHash string `json:"router_hash"`
	Eepsite    string `json:"eepsite"`
}

// StartClove runs `clove ARGS -c FILE --json`, seeded with all routers; hops is the length of its tunnels. Its proxies
// have free ports.
func (n *Network) StartClove(ctx context.Context, name string, hops int, args ...string) (*Clove, error) {
	program, err := n.BuildClove(ctx)
	if err != nil {
		return nil, err
	}
	c := &Clove{Dir: filepath.Join(n.Dir, name), program: program, ready: make(chan Ready, 1)}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	if err := os.WriteFile(c.config(), []byte(n.cloveConfig(c.Dir, n.NewHost(), hops)), 0o600); err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	defer w.Close()
	cmd := exec.Command(program, append(args, "-c", c.config(), "--json")...)
	cmd.Env = environ()
	cmd.Stdout = w
	if c.run, err = start(cmd, filepath.Join(c.Dir, "log")); err != nil {
		r.Close()
		return nil, err
	}
	go func() {
		defer r.Close()
		defer close(c.ready)
		var ready Ready
		if line, err := bufio.NewReader(r).ReadBytes('\n'); err == nil && json.Unmarshal(line, &ready) == nil {
			c.ready <- ready
		}
	}()
	return c, nil
}

// environ is ours without what clove would take for settings: the names of this package among them.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CLOVE_") })
}

func (c *Clove) config() string { return filepath.Join(c.Dir, "clove.toml") }

func (n *Network) cloveConfig(dir string, host netip.Addr, hops int) string {
	var infos []string
	for _, f := range RouterInfoFiles(n.Routers()) {
		infos = append(infos, fmt.Sprintf("%q", f))
	}
	return fmt.Sprintf(`data_dir = %q
[log]
level = "info"
[router]
network_id = %d
allow_private_peers = true
[router.bandwidth]
inbound = "unlimited"
outbound = "unlimited"
[router.ntcp2]
listen = "%s:0"
[router.reseed]
files = [%s]
[router.tunnels]
length = %d
[proxies.http]
listen = "127.0.0.1:0"
[proxies.socks]
listen = "127.0.0.1:0"
`, dir, NetworkID, host, strings.Join(infos, ", "), hops)
}

// Ready waits for the line that tells that it is.
func (c *Clove) Ready(ctx context.Context) (Ready, error) {
	select {
	case r, ok := <-c.ready:
		if !ok {
			return r, fmt.Errorf("interop: clove ended before it was ready: %s", c.lastLog())
		}
		return r, nil
	case <-ctx.Done():
		return Ready{}, fmt.Errorf("interop: clove is not ready: %w: %s", context.Cause(ctx), c.lastLog())
	}
}

// lastLog is the end of the log.
func (c *Clove) lastLog() string {
	b, _ := os.ReadFile(filepath.Join(c.Dir, "log"))
	return string(b[max(0, len(b)-2000):])
}

// Status is a part of what `clove status --json` prints.
type Status struct {
	Destinations []struct {
		Address string   `json:"address"`
		Tunnels []Tunnel `json:"tunnels"`
	} `json:"destinations"`
	Sessions []struct{} `json:"sessions"` // with peers
	Process  struct {
		Goroutines      int `json:"goroutines"`
		FileDescriptors int `json:"file_descriptors"`
	} `json:"process"`
}

// Tunnel is one of a destination's.
type Tunnel struct {
	Direction string   `json:"direction"`
	Hops      []string `json:"hops"` // router hashes
}

// Status asks the process with `clove status`.
func (c *Clove) Status(ctx context.Context) (s Status, err error) {
	cmd := exec.CommandContext(ctx, c.program, "status", "-c", c.config(), "--json")
	cmd.Env = environ()
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("interop: clove status: %w", err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("interop: clove status: %w", err)
	}
	return s, nil
}

// Stop ends the process.
func (c *Clove) Stop() error { return c.run.stop() }
