package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
)

func runClient(ctx context.Context, t *sdk.Tunnel, s clientSettings) error {
	e := newExits(ctx, t, newLists(s), t.Counter)
	e.gauges(t)
	var interval atomic.Int64
	interval.Store(int64(s.Probe))
	t.OnHealth(e.health)
	sdk.OnReload(t, func(n clientSettings) bool {
		if n.Listen != s.Listen {
			return false
		}
		interval.Store(int64(n.Probe))
		e.now.Store(newLists(n))
		return true
	})
	service, err := t.Provide("outproxy")
	if err != nil {
		return err
	}
	listeners := []net.Listener{service}
	if s.Listen != "" {
		local, err := t.ListenLocal(s.Listen)
		if err != nil {
			return err
		}
		listeners = append(listeners, local)
	}
	t.Started()
	probing, stop := context.WithCancel(ctx)
	var servers, tasks sync.WaitGroup
	tasks.Go(func() { e.probes(probing, func() time.Duration { return time.Duration(interval.Load()) }) })
	errs := make([]error, len(listeners))
	for i, l := range listeners {
		servers.Go(func() {
			errs[i] = httpguard.New(httpguard.Config{Limits: clientHeads(), Handler: e, Refused: e.refused}).Serve(ctx, l)
		})
	}
	servers.Wait()
	stop()
	tasks.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *exits) refused(w http.ResponseWriter, _ *http.Request, r httpguard.Refusal) {
	e.count.refused.Add(1)
	ownFailure(r.Status, errDenied, r.Why).write(w)
}

func (e *exits) gauges(t *sdk.Tunnel) {
	t.Gauge("exits", "exits of the list for http://", func() float64 { all, _ := e.now.Load().http.state(); return float64(all) })
	t.Gauge("exits_good", "those that have not failed last time", func() float64 { _, good := e.now.Load().http.state(); return float64(good) })
	t.Gauge("https_exits", "exits of the list for https://", func() float64 { all, _ := e.now.Load().tls.state(); return float64(all) })
	t.Gauge("https_exits_good", "those that have not failed last time", func() float64 { _, good := e.now.Load().tls.state(); return float64(good) })
}

func (e *exits) health() (sdk.HealthState, string) {
	l := e.now.Load()
	for _, p := range []struct {
		pool *pool
		what string
	}{{l.http, "http://"}, {l.tls, "https://"}} {
		if all, good := p.pool.state(); all > 0 && good == 0 {
			return sdk.Degraded, "no outproxy for " + p.what + " answers"
		}
	}
	return sdk.Healthy, ""
}
