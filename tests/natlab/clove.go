//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

// A CloveConfig says what a clove router is.
type CloveConfig struct {
	Host     *Host
	Dir      string // for data and logs
	Program  string // clove
	NTCP2    bool   // as well as SSU2
	NoSSU2   bool
	Fixed    bool     // it is told its address, instead of having to find out
	Length   int      // of the tunnels of proxies and eepsite
	Eepsite  bool     // serve one, which shows a web server on the host
	Args     []string // of the program, before -c; none: run, or serve for an eepsite
	Lines    string   // more of the configuration file, with dotted keys
	LogLevel string   // empty: info
	Seed     []string // router.info files that it knows
}

// A Clove is a clove process on a host. The HTTP proxy is where that of i2pd is.
type Clove struct {
	CloveConfig
	run   *netns.Process
	lines <-chan netns.Ready
	ready *netns.Ready // once it was printed
}

func (c *Clove) file(name string) string { return filepath.Join(c.Dir, name) }

func (c *Clove) config() string {
	var b strings.Builder
	line := func(key, format string, args ...any) { fmt.Fprintf(&b, key+" = "+format+"\n", args...) }
	seeds := make([]string, len(c.Seed))
	for i, s := range c.Seed {
		seeds[i] = fmt.Sprintf("%q", s)
	}
	listen := netip.AddrPortFrom(netip.IPv4Unspecified(), RouterPort) // a specific one would be published
	line("data_dir", "%q", c.Dir)
	line("log.level", "%q", c.LogLevel)
	line("router.network_id", "%d", NetworkID)
	line("router.allow_private_peers", "true") // addresses for benchmarks are no public ones
	line("router.port_mapping", "false")
	line("router.bandwidth.inbound", "%q", "unlimited")
	line("router.bandwidth.outbound", "%q", "unlimited")
	line("router.ntcp2.enabled", "%t", c.NTCP2)
	line("router.ntcp2.listen", "%q", listen.String())
	line("router.ssu2.enabled", "%t", !c.NoSSU2)
	line("router.ssu2.listen", "%q", listen.String())
	if c.Fixed {
		outside := netip.AddrPortFrom(c.Host.Outside(), RouterPort)
		line("router.ntcp2.advertise", "%q", outside)
		line("router.ssu2.advertise", "%q", outside)
	}
	line("router.reseed.files", "[%s]", strings.Join(seeds, ", "))
	line("router.tunnels.length", "%d", c.Length)
	line("proxies.http.listen", "%q", netip.AddrPortFrom(loopback, interop.HTTPPort))
	line("proxies.socks.listen", "%q", "")
	return b.String() + c.Lines
}

// StartClove adds a router on a new host, and to no seed. Of the configuration, Host, Dir and Program are set here, and Seed if
// there is none. It returns before the router is ready.
func (n *Network) StartClove(ctx context.Context, s Spec, cfg CloveConfig) (*Clove, error) {
	var err error
	if cfg.Program == "" {
		if cfg.Program, err = interop.BuildClove(ctx, n.Dir); err != nil {
			return nil, err
		}
	}
	if cfg.Host, cfg.Dir, err = n.newHost(s); err != nil {
		return nil, err
	}
	if cfg.Seed == nil {
		cfg.Seed = n.Seed()
	}
	if cfg.Eepsite {
		web, err := n.startWeb(cfg.Host)
		if err != nil {
			return nil, err
		}
		cfg.Args = []string{"serve", "http://" + web.Address().String()}
	}
	c, err := StartClove(cfg)
	if err != nil {
		return nil, err
	}
	n.stop = append(n.stop, c.Stop)
	return c, nil
}

// StartClove runs `clove ARGS -c FILE --json`.
func StartClove(cfg CloveConfig) (*Clove, error) {
	if cfg.LogLevel == "" {
		cfg.LogLevel = "info"
	}
	if cfg.Args == nil {
		cfg.Args = []string{"run"}
	}
	c := &Clove{CloveConfig: cfg}
	if err := os.WriteFile(c.file("clove.toml"), []byte(c.config()), 0o600); err != nil {
		return nil, fmt.Errorf("natlab: %w", err)
	}
	program, args := cfg.Host.ns.enter(cfg.Program, append(cfg.Args, "-c", c.file("clove.toml"), "--json")...)
	var err error
	c.run, c.lines, err = netns.StartClove(c.file("log"), program, args...)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Ready waits for the line that tells that it is. It is for one goroutine.
func (c *Clove) Ready(ctx context.Context) (netns.Ready, error) {
	select {
	case r, ok := <-c.lines:
		if ok {
			c.ready = &r
		} else if c.ready == nil {
			return r, errors.New("natlab: clove ended before it was ready: " + c.lastLog())
		}
		return *c.ready, nil
	case <-ctx.Done():
		return netns.Ready{}, fmt.Errorf("natlab: clove is not ready: %w: %s", context.Cause(ctx), c.lastLog())
	}
}

// Site is the address of the eepsite, once the router is ready.
func (c *Clove) Site(ctx context.Context) (string, error) {
	r, err := c.Ready(ctx)
	return r.Eepsite, err
}

func (c *Clove) lastLog() string {
	b, _ := os.ReadFile(c.file("log"))
	return string(b[max(0, len(b)-2000):])
}

// CloveStatus is a part of what `clove status --json` prints.
type CloveStatus struct {
	RouterHash   string `json:"router_hash"`
	Caps         string `json:"caps"`
	Ready        bool   `json:"ready"`
	Reachability []struct {
		Family   string `json:"family"` // IPv4, IPv6
		State    string `json:"state"`  // unknown, ok, firewalled, symmetric, hidden, disabled
		External string `json:"external"`
		Reason   string `json:"reason"`
	} `json:"reachability"`
	Sessions []struct {
		Peer      string `json:"peer"`
		Style     string `json:"style"`
		Direction string `json:"direction"`
		BytesIn   uint64 `json:"bytes_in"`
		BytesOut  uint64 `json:"bytes_out"`
	} `json:"sessions"`
}

// IPv4 is the state of reachability, or empty if the status does not tell.
func (s CloveStatus) IPv4() (state, external, reason string) {
	for _, r := range s.Reachability {
		if r.Family == "IPv4" {
			return r.State, r.External, r.Reason
		}
	}
	return "", "", ""
}

// Status asks the process with `clove status`.
func (c *Clove) Status(ctx context.Context) (s CloveStatus, err error) {
	cmd := exec.CommandContext(ctx, c.Program, "status", "-c", c.file("clove.toml"), "--json")
	cmd.Env = netns.Environ()
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("natlab: clove status: %w", err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("natlab: clove status: %w", err)
	}
	return s, nil
}

// PID of the process.
func (c *Clove) PID() int { return c.run.PID() }

// Stop ends the process.
func (c *Clove) Stop() error { return c.run.Stop() }
