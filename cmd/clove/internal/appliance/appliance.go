package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/proxies"
	"clove.i2p/router"
)

// An Appliance is a router with its proxies, its plugins and its control API.
type Appliance struct {
	cfg     Config
	log     *slog.Logger
	router  *router.Router
	control *control.Server
	started time.Time

	policy       *proxies.Policy
	destinations *destinations
	streams      connections
	gate         *gate.Gate // nil without a folder for state
	host         *host.Host

	changing sync.Mutex // held while plugins, tunnels or the configuration change
	desired  host.Desired

	mu      sync.Mutex
	proxies map[string]*proxy // by name

	// Of Run.
	life       context.Context
	fail       context.CancelCauseFunc
	background sync.WaitGroup
}

// New binds all ports, so that a port in use is told before anything starts. An appliance that is not Run is to be
// Closed.
func New(cfg Config, log *slog.Logger) (*Appliance, error) {
	a := &Appliance{cfg: cfg, log: log, started: time.Now(), proxies: make(map[string]*proxy)}
	rules, err := proxies.NewRules(cfg.Proxies.Rules)
	if err != nil {
		return nil, err
	}
	a.policy = proxies.NewPolicy(rules)
	a.destinations = newDestinations(cfg.Proxies.Limits, a.openDestination)
	if cfg.Control != "" {
		// Else the ports or the netDb would tell of the other clove, in words that nobody understands.
		if err := control.Check(cfg.Control); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{cfg.Router.DataDir, cfg.State} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data directory: %w: choose another --data-dir", err)
		}
	}
	if a.router, err = router.New(cfg.Router, log); err != nil {
		return nil, err
	}
	for _, k := range proxyKinds {
		if k.address(cfg.Proxies) == "" {
			continue
		}
		p, err := k.bind(cfg.Proxies)
		if err != nil {
			return nil, errors.Join(err, a.Close())
		}
		a.proxies[k.name] = p
	}
	if cfg.State != "" {
		if err := a.newHost(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	if cfg.Control != "" {
		if a.control, err = control.Listen(cfg.Control, a, log); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// openDestination opens one for the proxies: not published, since nobody is to find it.
func (a *Appliance) openDestination(s proxies.Shape) (*router.Destination, error) {
	t := a.cfg.Tunnels
	if s.Length != 0 {
		t.Length = s.Length
	}
	if s.Quantity != 0 {
		t.Quantity = s.Quantity
	}
	return a.router.Open(router.DestinationConfig{Tunnels: t, Unpublished: true})
}

// Close releases what New took, of an appliance that is not Run.
func (a *Appliance) Close() error {
	errs := []error{a.router.Close()}
	for _, p := range a.proxies {
		errs = append(errs, p.close())
	}
	if a.gate != nil {
		errs = append(errs, a.gate.Close())
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
	// Of the demo: where IRC clients connect, a site behind the outproxy, and what is left out, and why.
	IRC      string   `json:"irc,omitempty"`
	Clearnet string   `json:"clearnet_site,omitempty"`
	Missing  []string `json:"missing,omitempty"`
}

func (a *Appliance) describe() Ready {
	return Ready{
		RouterHash: a.router.Hash().String(), Control: a.cfg.Control, ReadySeconds: time.Since(a.started).Seconds(),
		HTTPProxy: a.address("http"), SOCKSProxy: a.address("socks"),
	}
}

// Run serves until ctx ends, and calls ready once the proxies have tunnels. It returns when all has ended.
func (a *Appliance) Run(ctx context.Context, ready func(Ready)) error {
	a.life, a.fail = context.WithCancelCause(ctx)
	ctx = a.life
	defer a.fail(nil)
	a.serve("router", a.router.Run)
	if err := a.router.WaitRunning(ctx); err == nil {
		if err := a.serveAll(ctx, ready); err != nil {
			a.fail(err)
		}
	}
	<-ctx.Done()
	a.background.Wait()
	if a.gate != nil {
		a.gate.Close()
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serve runs something in the background; if it fails, so does Run.
func (a *Appliance) serve(name string, run func(context.Context) error) {
	a.background.Go(func() {
		if err := run(a.life); err != nil && a.life.Err() == nil {
			a.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
}

// serveAll starts what stands before the router.
func (a *Appliance) serveAll(ctx context.Context, ready func(Ready)) error {
	a.serve("isolation", a.destinations.run)
	var own []*router.Destination
	for _, k := range proxyKinds {
		p := a.proxies[k.name]
		if p == nil {
			continue
		}
		if err := a.startProxy(ctx, p); err != nil {
			return err
		}
		d, err := a.own(p)
		if err != nil {
			return err
		}
		own = append(own, d)
	}
	if a.host != nil {
		a.serve("plugins", a.host.Run)
		a.serve("tunnels", a.startTunnels)
	}
	if a.control != nil {
		a.serve("control API", a.control.Serve)
	}
	a.serve("ready", func(ctx context.Context) error {
		if err := a.router.Ready(ctx); err != nil {
			return nil
		}
		for _, d := range own {
			if err := d.Ready(ctx); err != nil {
				return nil
			}
		}
		if ready != nil {
			ready(a.describe())
		}
		return nil
	})
	return nil
}

// startTunnels starts what is configured. What cannot be started is told, and shown by clove tunnel list; the rest goes on.
func (a *Appliance) startTunnels(ctx context.Context) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	plan, err := a.host.Apply(ctx, a.cfg.Plugins)
	if err != nil {
		return err
	}
	a.desired = a.cfg.Plugins
	if n := len(plan.Problems); n > 0 { // their texts may name destinations, which logs do not
		a.log.Error("not all tunnels run: clove tunnel list and clove plugin list tell why", "problems", n)
	}
	return nil
}

// ControlPath is where the control socket of a data directory is.
func ControlPath(dataDir string) string { return filepath.Join(dataDir, "control.sock") }
