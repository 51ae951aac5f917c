package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/proxies"
	"clove.i2p/router"
)

// Config of an appliance. An empty listen address leaves that proxy out.
type Config struct {
	Router  router.Config
	Tunnels router.Tunnels // of the proxies' destinations
	HTTP    string
	SOCKS   string
	// DialTimeout bounds a dial of the proxies, IdleTimeout a stream that moves nothing; 0 is their default.
	DialTimeout, IdleTimeout time.Duration
	// Control is the path of the control API's unix socket; empty leaves it out.
	Control string
}

// An Appliance is a router with its proxies and its control API.
type Appliance struct {
	cfg     Config
	log     *slog.Logger
	router  *router.Router
	http    net.Listener
	socks   net.Listener
	control *control.Server
	started time.Time
	stats   map[string]func() proxies.Stats // by proxy; set before the control API answers
}

// New binds all ports, so that a port in use is told before anything starts. An appliance that is not Run is to be
// Closed.
func New(cfg Config, log *slog.Logger) (*Appliance, error) {
	a := &Appliance{cfg: cfg, log: log, started: time.Now(), stats: make(map[string]func() proxies.Stats)}
	var err error
	if cfg.Control != "" {
		// Else the ports or the netDb would tell of the other clove, in words that nobody understands.
		if err := control.Check(cfg.Control); err != nil {
			return nil, err
		}
	}
	if dir := cfg.Router.DataDir; dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data directory: %w: choose another --data-dir", err)
		}
	}
	if a.router, err = router.New(cfg.Router, log); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w: another program has the port of this router; choose another with router.ntcp2.listen", err)
		}
		return nil, err
	}
	if a.http, err = listen("HTTP proxy", "proxies.http.listen", cfg.HTTP); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if a.socks, err = listen("SOCKS proxy", "proxies.socks.listen", cfg.SOCKS); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if cfg.Control != "" {
		if a.control, err = control.Listen(cfg.Control, a, log); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func listen(what, key, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; is another router running? Choose another address with %s", what, err, key)
	}
	return l, nil
}

// Close releases what New took, of an appliance that is not Run.
func (a *Appliance) Close() error {
	errs := []error{a.router.Close()}
	for _, l := range []net.Listener{a.http, a.socks} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if a.control != nil {
		errs = append(errs, a.control.Close())
	}
	return errors.Join(errs...)
}

// Router of the appliance.
func (a *Appliance) Router() *router.Router { return a.router }

// Ready is what a program that started clove wants to know, printed as JSON.
type Ready struct {
	HTTPProxy    string  `json:"http_proxy,omitempty"`
	SOCKSProxy   string  `json:"socks_proxy,omitempty"`
	Control      string  `json:"control,omitempty"`
	RouterHash   string  `json:"router_hash"`
	ReadySeconds float64 `json:"ready_seconds"`
	Eepsite      string  `json:"eepsite,omitempty"`
}

func (a *Appliance) describe() Ready {
	r := Ready{RouterHash: a.router.Hash().String(), Control: a.cfg.Control, ReadySeconds: time.Since(a.started).Seconds()}
	if a.http != nil {
		r.HTTPProxy = a.http.Addr().String()
	}
	if a.socks != nil {
		r.SOCKSProxy = a.socks.Addr().String()
	}
	return r
}

// Run serves until ctx ends, and calls ready once the proxies have tunnels. It returns when all has ended.
func (a *Appliance) Run(ctx context.Context, ready func(Ready)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	serve := func(name string, run func(context.Context) error) {
		wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	routerEnded := make(chan struct{})
	serve("router", func(ctx context.Context) error { defer close(routerEnded); return a.router.Run(ctx) })
	if err := a.router.WaitRunning(ctx); err == nil {
		a.serveProxies(ctx, cancel, serve, ready)
	}
	<-ctx.Done()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ControlPath is where the control socket of a data directory is.
func ControlPath(dataDir string) string { return filepath.Join(dataDir, "control.sock") }
