//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

const (
	port      = 9300
	httpPort  = 4444
	socksPort = 4447
	quantity  = 3 // tunnels in each direction
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

	transports []string
	batching   string

	process *netns.Process
	i2pd    *interop.I2pd // in place of the process
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
	proxy := func(port int) string {
		if n.role != client {
			return ""
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	return netns.Config{
		Dir: n.dir, Listen: net.JoinHostPort(n.address, strconv.Itoa(port)), Transports: n.transports, Seeds: seeds, Length: n.length,
		HTTP: proxy(httpPort), SOCKS: proxy(socksPort),
	}.String() + fmt.Sprintf(`router.floodfill = %q
router.transit = %t
router.bandwidth.share = 100
router.tunnels.quantity = %d
router.ssu2.batching = %q
`, map[bool]string{true: "on", false: "off"}[n.role == floodfill], n.role == transit || n.role == floodfill, quantity, n.batching)
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
	p, err := netns.Start(exec.Command(n.binary, "run", "--config", file), n.dir+".log")
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
	err := n.process.Stop()
	n.process = nil
	return err
}

func (n *node) pid() int {
	if n.i2pd != nil {
		return n.i2pd.PID()
	}
	return n.process.PID()
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
	return bench.Poll(ctx, n.name+" starts", 20*time.Second, func() error {
		if !n.process.Alive() {
			return bench.Never(fmt.Errorf("%s ended; see %s", n.name, n.dir+".log"))
		}
		if _, err := os.Stat(n.routerInfo()); err != nil {
			return err
		}
		var s struct{}
		return n.status(ctx, &s)
	})
}

// serve has a node host a web server, and returns the eepsite's host name once it can be reached.
func (n *node) serve(ctx context.Context, url string) (host string, site *netns.Process, err error) {
	site, ready, err := netns.StartClove(n.dir+".log", n.binary, "serve", "--json", "--config", filepath.Join(n.dir, "bench.toml"), url)
	if err != nil {
		return "", nil, err
	}
	select {
	case r := <-ready:
		if r.Eepsite == "" {
			return "", nil, errors.Join(fmt.Errorf("the eepsite ended; see %s", n.dir+".log"), site.Stop())
		}
		return r.Eepsite, site, nil
	case <-time.After(readyLimit):
		return "", nil, errors.Join(fmt.Errorf("no eepsite within %v; see %s", readyLimit, n.dir+".log"), site.Stop())
	case <-ctx.Done():
		return "", nil, errors.Join(ctx.Err(), site.Stop())
	}
}
