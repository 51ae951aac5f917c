package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
)

func runExit(ctx context.Context, t *sdk.Tunnel, s exitSettings) error {
	build := func(s exitSettings) *exitVersion {
		p, _ := s.policy()
		v := &exitVersion{exitPolicy: p}
		if s.Squid != "" {
			v.up = newSquid(t, s.Squid, s.UniqueLocal)
		} else {
			v.up = newWeb(t)
		}
		return v
	}
	e := newExit(ctx, build(s), t.Counter)
	t.Gauge("clients_today", "clients that have moved something today", e.ledger.active)
	t.OnHealth(e.health)
	now := time.Now()
	if err := errors.Join(e.ledger.load(ctx, now, t), e.audit.load(ctx, now, t)); err != nil {
		return err
	}
	sdk.OnReload(t, func(s exitSettings) bool {
		e.use(build(s))
		return true
	})
	l, err := t.Listen(0)
	if err != nil {
		return err
	}
	server := httpguard.New(httpguard.Config{Limits: exitHeads(), Handler: e, Admit: e.admit, Refused: e.refused})
	t.Started()
	keeping, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { e.keep(keeping, t) })
	err = server.Serve(ctx, &meteredListener{Listener: l, ctx: ctx, ledger: e.ledger, bytes: func(n int) { e.count.bytes.Add(uint64(n)) }})
	stop()
	tasks.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	e.save(last, t)
	return err
}

// keep saves the ledger and the audit, and looks after the upstream: at the start, and while it is down.
func (e *exit) keep(ctx context.Context, t *sdk.Tunnel) {
	ticker := time.NewTicker(saveInterval / 2)
	defer ticker.Stop()
	for n := 0; ; n++ {
		if n == 0 || e.down.Load() {
			if err := e.now.Load().up.probe(ctx); ctx.Err() == nil {
				e.down.Store(err != nil)
			}
		}
		if n%2 == 1 {
			e.save(ctx, t)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (e *exit) save(ctx context.Context, t *sdk.Tunnel) {
	if err := errors.Join(e.ledger.save(ctx, time.Now(), t), e.audit.save(ctx, t)); err != nil && ctx.Err() == nil {
		t.Log.Warn("quotas and audit are not saved", "error", err)
	}
}
