//go:build linux

package interop

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/netns"
)

// portStep is between the ports of two runs of a router.
const portStep = 100

// keysTime is how long an i2pd may take to make its keys and answer on its console.
const keysTime = 30 * time.Second

// FindI2pd returns the program: $I2PD, or i2pd where packages put it.
func FindI2pd() (string, error) {
	if path := os.Getenv("I2PD"); path != "" {
		return exec.LookPath(path)
	}
	if path, err := exec.LookPath("i2pd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/i2pd") // not in everybody's PATH
}

// An I2pd is one i2pd router of the network.
type I2pd struct {
	Name      string
	Floodfill bool
	Bandwidth string // class: X for routers that carry, L for those that should not
	Address   netip.AddrPort
	Proxies   bool // HTTP and SOCKS on the usual ports
	Hops      int  // of the proxies' tunnels
	LogLevel  string

	transports []string

	program string
	dir     string
	console string
	run     *netns.Process
}

// NewI2pd is a router of its own, with its console at a port of loopback. Start starts it.
func NewI2pd(program, dir string, at netip.AddrPort, console uint16, transports []string) *I2pd {
	return &I2pd{
		Name: filepath.Base(dir), Bandwidth: "X", Address: at, transports: transports,
		program: program, dir: dir, console: fmt.Sprintf("127.0.0.1:%d", console),
	}
}

// file names a file of the router's data directory.
func (r *I2pd) file(name string) string { return filepath.Join(r.dir, name) }

// section is one section of an i2pd configuration; values are key and value by turns.
func section(name string, values ...any) string {
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, "\n[%s]\n", name)
	}
	for i := 0; i < len(values); i += 2 {
		fmt.Fprintf(&b, "%s = %v\n", values[i], values[i+1])
	}
	return b.String()
}

// pool shapes the tunnels of a destination of i2pd.
func pool(hops, quantity int) []any {
	return []any{"inbound.length", hops, "outbound.length", hops, "inbound.quantity", quantity, "outbound.quantity", quantity}
}

func (r *I2pd) config() string {
	host, port, _ := strings.Cut(r.console, ":")
	proxy := func(name string, port int) string {
		return section(name, append(pool(r.Hops, 3), "enabled", r.Proxies, "address", "127.0.0.1", "port", port)...)
	}
	return section("", "log", "file", "logfile", r.file("i2pd.log"), "loglevel", cmp.Or(r.LogLevel, "warn"), "logclftime", true,
		"netid", netns.NetworkID, "ipv4", true, "ipv6", false, "host", r.Address.Addr(), "address4", r.Address.Addr(),
		"port", r.Address.Port(), "nat", false, "reservedrange", false, "floodfill", r.Floodfill,
		"bandwidth", r.Bandwidth, "share", 100) +
		section("ntcp2", "enabled", r.uses(NTCP2), "published", r.uses(NTCP2)) +
		section("ssu2", "enabled", r.uses(SSU2), "published", r.uses(SSU2)) +
		section("reseed", "urls", "", "yggurls", "", "zipfile", r.file("seed.zip"), "verify", false) +
		section("addressbook", "enabled", false) +
		section("nettime", "enabled", false) +
		section("upnp", "enabled", false) +
		section("persist", "profiles", false) +
		section("limits", "transittunnels", 10000) +
		section("http", "enabled", true, "address", host, "strictheaders", false, "port", port) +
		proxy("httpproxy", httpPort) + proxy("socksproxy", socksPort) +
		section("sam", "enabled", false) + section("bob", "enabled", false) +
		section("i2cp", "enabled", false) + section("i2pcontrol", "enabled", false)
}

func (r *I2pd) uses(transport string) bool { return slices.Contains(r.transports, transport) }

// Start runs the router, which knows those of the seed: it returns when the console answers, after router.info has
// got its final form. What an earlier run learned is forgotten. Another run has another port: over SSU2 the peers of the
// earlier one go on sending to that, and dials that cross theirs fail on both sides.
func (r *I2pd) Start(ctx context.Context, seed []string) error {
	if r.run != nil {
		r.Address = netip.AddrPortFrom(r.Address.Addr(), r.Address.Port()+portStep)
	}
	for _, learned := range []string{"netDb", "peerProfiles"} {
		if err := os.RemoveAll(r.file(learned)); err != nil {
			return fmt.Errorf("interop: %w", err)
		}
	}
	for _, d := range []string{"certificates", "tunnels.d"} {
		if err := os.MkdirAll(r.file(d), 0o700); err != nil {
			return fmt.Errorf("interop: %w", err)
		}
	}
	if err := os.WriteFile(r.file("i2pd.conf"), []byte(r.config()), 0o600); err != nil {
		return fmt.Errorf("interop: %w", err)
	}
	if err := WriteSeed(r.file("seed.zip"), seed); err != nil {
		return err
	}
	cmd := exec.Command(r.program, "--datadir="+r.dir, "--conf="+r.file("i2pd.conf"), "--tunconf="+r.file("tunnels.conf"),
		"--tunnelsdir="+r.file("tunnels.d"), "--certsdir="+r.file("certificates"), "--pidfile="+r.file("i2pd.pid"))
	var err error
	if r.run, err = netns.Start(cmd, r.file("stdout.log")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	return Poll(ctx, 50*time.Millisecond, func() error {
		if !r.run.Alive() {
			return fmt.Errorf("interop: %s ended early, see %s", r.Name, r.dir)
		}
		_, err := r.Console(ctx, "")
		return err
	})
}

// Stop ends the router.
func (r *I2pd) Stop() error {
	if r.run == nil {
		return nil
	}
	return r.run.Stop()
}

// PID is the id of its process, which runs.
func (r *I2pd) PID() int { return r.run.PID() }

// SetTunnels writes the client and server tunnels; a router that runs takes them at once.
func (r *I2pd) SetTunnels(sections ...string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("interop: %w", err)
	}
	if err := os.WriteFile(r.file("tunnels.conf"), []byte(strings.Join(sections, "")), 0o600); err != nil {
		return fmt.Errorf("interop: %w", err)
	}
	if r.run == nil {
		return nil
	}
	return r.run.Signal(syscall.SIGHUP)
}

// RouterInfoFile is where the router keeps its RouterInfo.
func (r *I2pd) RouterInfoFile() string { return r.file("router.info") }

// Hash of the router.
func (r *I2pd) Hash() (i2p.Hash, error) {
	b, err := os.ReadFile(r.RouterInfoFile())
	if err != nil {
		return i2p.Hash{}, fmt.Errorf("interop: %w", err)
	}
	ri, _, err := i2p.ParseRouterInfo(b)
	if err != nil {
		return i2p.Hash{}, fmt.Errorf("interop: router.info of %s: %w", r.Name, err)
	}
	return ri.Hash(), nil
}

// Base32 is the address of a destination, whose key file this router made.
func (r *I2pd) Base32(keys string) (string, error) {
	b, err := os.ReadFile(r.file(keys))
	if err != nil {
		return "", fmt.Errorf("interop: %w", err)
	}
	d, _, err := i2p.ParseDestination(b)
	if err != nil {
		return "", fmt.Errorf("interop: %s of %s: %w", keys, r.Name, err)
	}
	return d.Base32(), nil
}

// Console reads a page of the web console.
func (r *I2pd) Console(ctx context.Context, page string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.console+"/?page="+page, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("interop: console of %s: %w", r.Name, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
