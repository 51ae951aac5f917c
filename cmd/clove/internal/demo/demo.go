// Package demo is a whole I2P network in one process: routers on loopback with a network id of their own, an eepsite, and an
// appliance with its proxies and plugins: an IRC server and the tunnels to it, and an outproxy to a site that stands for the
// clearnet. What is written is in a folder that is removed.
//
// Read first: demo.go, then plugins.go.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/site"
	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/router"
	"clove.i2p/router/i2p"
)

// Config of a demo network.
type Config struct {
	Routers int    // MinRouters to MaxRouters
	HTTP    string // listen address of the HTTP proxy
	SOCKS   string // and of the SOCKS proxy
	IRC     string // and of the IRC tunnel
	Length  int    // hops of the tunnels in each direction
}

// Bounds of Routers: a tunnel of two hops needs two routers beside its ends.
const (
	MinRouters = 4
	MaxRouters = 100
)

// networkID of the demo: not that of any real network.
const networkID = 99

// socketName is the control socket; shortPath is a length that every system takes for it.
const (
	socketName = "control.sock"
	shortPath  = 100
)

//go:embed index.html
var page []byte

// Run brings the network up and calls ready once the eepsite can be read through the proxies; it returns when ctx has ended
// and all is gone.
func Run(ctx context.Context, cfg Config, log *slog.Logger, ready func(appliance.Ready)) error {
	if cfg.Routers < MinRouters || cfg.Routers > MaxRouters {
		return fmt.Errorf("demo: %d routers: want %d to %d", cfg.Routers, MinRouters, MaxRouters)
	}
	dir, remove, err := makeFolder()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer remove()
	defer context.AfterFunc(ctx, func() { os.RemoveAll(dir) })() // at once: a second signal does not wait for us
	n, err := build(cfg, dir, log)
	if err != nil {
		return err
	}
	return n.run(ctx, ready)
}

// makeFolder makes the folder of the control socket, whose path has to be short. What killed demos have left goes.
func makeFolder() (dir string, remove func(), err error) {
	const prefix, random = "clove-demo-", 10
	if len(filepath.Join(os.TempDir(), prefix))+random+len("/"+socketName) > shortPath {
		if dir, remove, err := sandbox.LockedFolder("/tmp", prefix); err == nil {
			return dir, remove, nil
		}
	}
	return sandbox.LockedFolder(os.TempDir(), prefix)
}

// A network is the routers of the demo. The first is the appliance's, the second hosts the eepsite; the others
// carry the tunnels, and half of them are floodfills.
type network struct {
	cfg       Config
	plugins   *plugins
	appliance *appliance.Appliance
	others    []*router.Router
	started   time.Time
}

func build(cfg Config, dir string, log *slog.Logger) (n *network, err error) {
	n = &network{cfg: cfg, started: time.Now()}
	if n.plugins, err = preparePlugins(cfg, dir, log); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	own, err := n.plugins.config()
	if err == nil {
		n.appliance, err = appliance.New(own, log)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("demo: %w; for the demo, with --http, --socks and --irc", err)
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	for i := 1; i < cfg.Routers; i++ {
		r, err := router.New(routerConfig(i%2 == 0), log.With("demo_router", i))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("demo: %w", err), n.close())
		}
		n.others = append(n.others, r)
	}
	return n, n.introduce()
}

func routerConfig(floodfill bool) router.Config {
	return router.Config{
		NetworkID: networkID, AllowPrivate: true, Floodfill: floodfill, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
		Exploratory: router.Tunnels{Length: 1, Quantity: 2},
	}
}

// introduce gives each router the RouterInfos of all: what a reseed does.
func (n *network) introduce() error {
	all := append([]*router.Router{n.appliance.Router()}, n.others...)
	var infos []*i2p.RouterInfo
	for _, r := range all {
		infos = append(infos, r.RouterInfo())
	}
	for _, r := range all {
		for _, ri := range infos {
			if ri.Hash() == r.Hash() {
				continue
			}
			if _, err := r.DB().Add(ri); err != nil {
				return errors.Join(fmt.Errorf("demo: %w", err), n.close())
			}
		}
	}
	return nil
}

func (n *network) close() error {
	errs := []error{n.appliance.Close()}
	for _, r := range n.others {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

func (n *network) run(ctx context.Context, ready func(appliance.Ready)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, r := range n.others {
		wg.Go(func() {
			if err := r.Run(ctx); err != nil {
				cancel(fmt.Errorf("demo: %w", err))
			}
		})
	}
	up := make(chan appliance.Ready, 1)
	wg.Go(func() {
		if err := n.appliance.Run(ctx, func(r appliance.Ready) { up <- r }); err != nil {
			cancel(fmt.Errorf("demo: %w", err))
		}
	})
	wg.Go(func() { n.plugins.run(ctx) })
	wg.Go(func() {
		if err := n.host(ctx, up, ready); err != nil {
			cancel(fmt.Errorf("demo: %w", err))
		}
	})
	<-ctx.Done()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// host serves the eepsite and reports when a visitor gets through.
func (n *network) host(ctx context.Context, up <-chan appliance.Ready, ready func(appliance.Ready)) error {
	host := n.others[0]
	if err := host.WaitRunning(ctx); err != nil {
		return nil
	}
	d, err := host.Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: n.cfg.Length, Quantity: 2}})
	if err != nil {
		return err
	}
	defer d.Close()
	l, err := d.Listen(80)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	go func() {
		if d.Reachable(ctx) != nil {
			return
		}
		select {
		case r := <-up:
			r.Eepsite = d.Base32()
			n.plugins.await(ctx, n.appliance, &r)
			r.ReadySeconds = time.Since(n.started).Seconds()
			ready(r)
		case <-ctx.Done():
		}
	}()
	return site.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	}))
}
