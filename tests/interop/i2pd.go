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

// keysTime is how long an i2pd may take to make its keys and answer on its console, on a machine that is busy.
const keysTime = 60 * time.Second

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

// An I2pd is one i2pd router: of a Network, or of its own. Where it runs is said by Enter and Client.
type I2pd struct {
	Name      string
	Floodfill bool
	Bandwidth string         // class: X for routers that carry, L for those that should not
	Address   netip.AddrPort // where it listens, and what it is told that others see
	Discover  bool           // it is not told, but has to find out
	HTTP      bool           // a proxy on the usual port
	SOCKS     bool           // the same
	Hops      int            // of the proxies' tunnels
	LogLevel  string
	Options   []string // more of its command line: they go before what is in the file

	Enter  func(program string, args ...string) (string, []string) // the command that runs a program where it is to run; nil: here
	Client *http.Client                                            // of the console; nil: from here

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

// Section is one section of an i2pd configuration; values are key and value by turns.
func Section(name string, values ...any) string {
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, "\n[%s]\n", name)
	}
	for i := 0; i < len(values); i += 2 {
		fmt.Fprintf(&b, "%s = %v\n", values[i], values[i+1])
	}
	return b.String()
}

// Pool shapes the tunnels of a destination of i2pd: values of a Section.
func Pool(hops, quantity int) []any {
	return []any{"inbound.length", hops, "outbound.length", hops, "inbound.quantity", quantity, "outbound.quantity", quantity}
}

func (r *I2pd) config() string {
	host, port, _ := strings.Cut(r.console, ":")
	proxy := func(name string, enabled bool, port int) string {
		return Section(name, append(Pool(r.Hops, 3), "enabled", enabled, "address", "127.0.0.1", "port", port)...)
	}
	top := []any{
		"log", "file", "logfile", r.file("i2pd.log"), "loglevel", cmp.Or(r.LogLevel, "warn"), "logclftime", true,
		"netid", netns.NetworkID, "ipv4", true, "ipv6", false, "address4", r.Address.Addr(),
		"port", r.Address.Port(), "nat", r.Discover, "reservedrange", false, "floodfill", r.Floodfill,
		"bandwidth", r.Bandwidth, "share", 100,
	}
	if !r.Discover {
		top = append(top, "host", r.Address.Addr())
	}
	return Section("", top...) +
		Section("ntcp2", "enabled", r.uses(NTCP2), "published", r.uses(NTCP2)) +
		Section("ssu2", "enabled", r.uses(SSU2), "published", r.uses(SSU2)) +
		Section("reseed", "urls", "", "yggurls", "", "zipfile", r.file("seed.zip"), "verify", false) +
		Section("addressbook", "enabled", false) +
		Section("nettime", "enabled", false) +
		Section("upnp", "enabled", false) +
		Section("persist", "profiles", false) +
		Section("limits", "transittunnels", 10000) +
		Section("http", "enabled", true, "address", host, "strictheaders", false, "port", port) +
		proxy("httpproxy", r.HTTP, HTTPPort) + proxy("socksproxy", r.SOCKS, socksPort) +
		Section("sam", "enabled", false) + Section("bob", "enabled", false) +
		Section("i2cp", "enabled", false) + Section("i2pcontrol", "enabled", false)
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
	program, args := r.program, append([]string{
		"--datadir=" + r.dir, "--conf=" + r.file("i2pd.conf"), "--tunconf=" + r.file("tunnels.conf"),
		"--tunnelsdir=" + r.file("tunnels.d"), "--certsdir=" + r.file("certificates"), "--pidfile=" + r.file("i2pd.pid"),
	}, r.Options...)
	if r.Enter != nil {
		program, args = r.Enter(program, args...)
	}
	var err error
	if r.run, err = netns.Start(exec.Command(program, args...), r.file("stdout.log")); err != nil {
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

// RouterInfo of the router as it is now.
func (r *I2pd) RouterInfo() (*i2p.RouterInfo, error) { return ReadRouterInfo(r.RouterInfoFile()) }

// Hash of the router.
func (r *I2pd) Hash() (i2p.Hash, error) {
	ri, err := r.RouterInfo()
	if err != nil {
		return i2p.Hash{}, err
	}
	return ri.Hash(), nil
}

// Published waits for a RouterInfo with an address of a style, NTCP2 or SSU2, at the port of the router.
func (r *I2pd) Published(ctx context.Context, style string) (ri *i2p.RouterInfo, err error) {
	err = Poll(ctx, 50*time.Millisecond, func() (err error) {
		if ri, err = r.RouterInfo(); err != nil {
			return err
		}
		for _, a := range ri.Addresses() {
			if a.Style == style && a.AddrPort().Port() == r.Address.Port() {
				return nil
			}
		}
		return fmt.Errorf("interop: %s publishes no %s address", r.Name, style)
	})
	return ri, err
}

// Log is the part of the log, at LogLevel, that has a word in each line.
func (r *I2pd) Log(word string) string {
	b, _ := os.ReadFile(r.file("i2pd.log"))
	var lines strings.Builder
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, word) {
			lines.WriteString(line)
		}
	}
	return lines.String()
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
	at := "http://" + r.console + "/"
	if page != "" {
		at += "?page=" + page
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := cmp.Or(r.Client, http.DefaultClient).Do(req)
	if err != nil {
		return "", fmt.Errorf("interop: console of %s: %w", r.Name, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
