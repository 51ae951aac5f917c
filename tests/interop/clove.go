//go:build linux

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"clove.i2p/tests/netns"
)

// building is held by who makes a program.
var building sync.Mutex

// BuildClove makes the program from this source, once for each directory.
func BuildClove(ctx context.Context, dir string) (program string, err error) {
	program = filepath.Join(dir, "clove")
	building.Lock()
	defer building.Unlock()
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
	run     *netns.Process
	ready   <-chan netns.Ready
}

// StartClove runs `clove ARGS -c FILE --json`, seeded with all routers; hops is the length of its tunnels. Its proxies
// have free ports.
func (n *Network) StartClove(ctx context.Context, name string, hops int, args ...string) (*Clove, error) {
	program, err := BuildClove(ctx, n.Dir)
	if err != nil {
		return nil, err
	}
	c := &Clove{Dir: filepath.Join(n.Dir, name), program: program}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	cfg := netns.Config{
		Dir: c.Dir, Listen: n.NewHost().String() + ":0", Transports: n.Transports, Seeds: RouterInfoFiles(n.Routers()), Length: hops,
		HTTP: "127.0.0.1:0", SOCKS: "127.0.0.1:0",
	}
	if err := os.WriteFile(c.config(), []byte(cfg.String()), 0o600); err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	if c.run, c.ready, err = netns.StartClove(filepath.Join(c.Dir, "log"), program, append(args, "-c", c.config(), "--json")...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Clove) config() string { return filepath.Join(c.Dir, "clove.toml") }

// Ready waits for the line that tells that it is.
func (c *Clove) Ready(ctx context.Context) (netns.Ready, error) {
	select {
	case r, ok := <-c.ready:
		if !ok {
			return r, fmt.Errorf("interop: clove ended before it was ready: %s", c.lastLog())
		}
		return r, nil
	case <-ctx.Done():
		return netns.Ready{}, fmt.Errorf("interop: clove is not ready: %w: %s", context.Cause(ctx), c.lastLog())
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
	cmd.Env = netns.Environ()
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
func (c *Clove) Stop() error { return c.run.Stop() }
