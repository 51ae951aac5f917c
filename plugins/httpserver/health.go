package main

import (
	"context"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// backendState is whether the local server took its last connection.
type backendState struct{ down atomic.Bool }

func (s *backendState) note(err error) { s.down.Store(err != nil) }

func (s *backendState) health() (sdk.HealthState, string) {
	if s.down.Load() {
		return sdk.Degraded, "the local web server does not answer"
	}
	return sdk.Healthy, ""
}

// watch tries the local server once at the start, and then as long as it is down, until ctx ends.
func (s *backendState) watch(ctx context.Context, current func() *backends) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for first := true; ; first = false {
		if first || s.down.Load() {
			c, err := current().main.dial(ctx, visitors.Peer{})
			if ctx.Err() == nil {
				s.note(err)
			}
			if err == nil {
				_ = c.Close()
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
