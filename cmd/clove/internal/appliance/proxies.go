package appliance

import (
	"context"
	"time"

	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/proxies/socks"
	"clove.i2p/router"
)

// serveProxies opens a destination for each proxy, so that a web site cannot tell that the same user is on IRC, and more for
// those who give user names (isolation.go).
func (a *Appliance) serveProxies(ctx context.Context, cancel context.CancelCauseFunc, serve func(string, func(context.Context) error), ready func(Ready)) {
	var destinations []*router.Destination
	another := func() (*router.Destination, error) {
		return a.router.Open(router.DestinationConfig{Tunnels: a.cfg.Tunnels, Unpublished: true})
	}
	open := func() (*isolator, bool) {
		d, err := another()
		if err != nil {
			cancel(err)
			return nil, false
		}
		destinations = append(destinations, d)
		i := newIsolator(d, another)
		serve("isolation", i.run)
		return i, true
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
		a.stats[cfg.Name] = s.Stats
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
		a.stats[cfg.Name] = s.Stats
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
