package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

func runServer(ctx context.Context, t *sdk.Tunnel, s serverSettings) error {
	stat, err := t.Stat(ctx)
	if err != nil {
		return err
	}
	state := &backendState{}
	var now atomic.Pointer[backends]
	build := func(s serverSettings) (*version, error) {
		b, err := newBackends(t, s, stat.Address.Base32, state)
		if err != nil {
			return nil, err
		}
		if old := now.Swap(b); old != nil {
			old.close()
		}
		p, _ := s.policy()
		return &version{
			policy: p, handler: b,
			raw: func(port int) (target, bool) {
				to, ok := b.raw[port]
				return to, ok
			},
			dial: func(ctx context.Context, to target, from visitors.Peer) (net.Conn, error) {
				return dialTarget(ctx, t, to, from, s.UniqueLocal && to.sources())
			},
		}, nil
	}
	v, err := build(s)
	if err != nil {
		return err
	}
	site := newSite(ctx, t, v)
	t.OnHealth(state.health)
	sdk.OnReload(t, func(s serverSettings) bool {
		v, err := build(s)
		if err != nil {
			return false
		}
		site.use(v)
		return true
	})
	watching, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { state.watch(watching, now.Load) })
	err = site.serve()
	stop()
	tasks.Wait()
	now.Load().close()
	return err
}

func runFolder(ctx context.Context, t *sdk.Tunnel, s folderSettings) error {
	build := func(s folderSettings) *version {
		p, _ := s.policy()
		return &version{policy: p, handler: newFolder(t.Folder(s.Folder), s.Index, s.MaxAge)}
	}
	v := build(s)
	site := newSite(ctx, t, v)
	t.OnHealth(func() (sdk.HealthState, string) {
		if f, ok := site.now.Load().handler.(*folder); ok && !f.there() {
			return sdk.Degraded, "the folder cannot be read"
		}
		return sdk.Healthy, ""
	})
	sdk.OnReload(t, func(s folderSettings) bool {
		site.use(build(s))
		return true
	})
	return site.serve()
}
