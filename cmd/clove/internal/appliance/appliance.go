package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/proxies/socks"
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
	sites   sites
	started time.Time
}

// New binds all ports, so that a port in use is told before anything starts. An appliance that is not Run is to be
// Closed.
func New(cfg Config, log *slog.Logger) (*Appliance, error) {
	a := &Appliance{cfg: cfg, log: log, started: time.Now()}
	var err error
	if a.router, err = router.New(cfg.Router, log); err != nil {
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

// serveProxies opens a destination for each proxy, so that a web site cannot tell that the same user is on IRC.
func (a *Appliance) serveProxies(ctx context.Context, cancel context.CancelCauseFunc, serve func(string, func(context.Context) error), ready func(Ready)) {
	var destinations []*router.Destination
	open := func() (dialer, bool) {
		d, err := a.router.Open(router.DestinationConfig{Tunnels: a.cfg.Tunnels, Unpublished: true})
		if err != nil {
			cancel(err)
			return dialer{}, false
		}
		destinations = append(destinations, d)
		return dialer{d}, true
	}
	if a.http != nil {
		d, ok := open()
		if !ok {
			return
		}
		cfg := httpproxy.DefaultConfig()
		cfg.Name = "http"
		set(&cfg.DialTimeout, a.cfg.DialTimeout)
		set(&cfg.TunnelIdle, a.cfg.IdleTimeout)
		s, err := httpproxy.New(cfg, d, d, a.log)
		if err != nil {
			cancel(err)
			return
		}
		serve("HTTP proxy", func(ctx context.Context) error { return s.Serve(ctx, a.http) })
	}
	if a.socks != nil {
		d, ok := open()
		if !ok {
			return
		}
		cfg := socks.DefaultConfig()
		cfg.Name = "socks"
		set(&cfg.DialTimeout, a.cfg.DialTimeout)
		set(&cfg.Idle, a.cfg.IdleTimeout)
		s, err := socks.New(cfg, d, d, a.log)
		if err != nil {
			cancel(err)
			return
		}
		serve("SOCKS proxy", func(ctx context.Context) error { return s.Serve(ctx, a.socks) })
	}
	if a.control != nil {
		serve("control API", a.control.Serve)
	}
	serve("ready", func(ctx context.Context) error {
		if err := a.router.Ready(ctx); err != nil {
			return nil
		}
		for _, d := range destinations {
			if err := d.Ready(ctx); err != nil {
				return nil
			}
		}
		if ready != nil {
			ready(a.describe())
		}
		return nil
	})
}

func set(d *time.Duration, to time.Duration) {
	if to != 0 {
		*d = to
	}
}

// ControlPath is where the control socket of a data directory is.
func ControlPath(dataDir string) string { return filepath.Join(dataDir, "control.sock") }
