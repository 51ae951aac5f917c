package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clove.i2p/plugins/api/pb"
)

// crashed handles the end of a process that nobody asked for. Its tunnels' listeners stay in the gate: connections that come
// meanwhile wait.
func (p *plugin) crashed(why string) {
	proc := p.process()
	proc.end()
	if why == "" {
		why = proc.ended()
	}
	p.endProcess()
	p.unhealthy = 0
	p.host.cfg.Log.Warn("plugin ended", "plugin", p.name, "why", why)
	p.later("plugin " + p.name + ": " + why)
}

// later starts the process again after a back-off, unless it has ended too often.
func (p *plugin) later(why string) {
	now := time.Now()
	if n := len(p.crashes); n > 0 && now.Sub(p.crashes[n-1]) > crashWindow {
		p.crashes, p.backoff = nil, firstBackoff
	}
	p.crashes = append(p.crashes, now)
	recent := 0
	for _, at := range p.crashes {
		if now.Sub(at) <= crashWindow {
			recent++
		}
	}
	p.crashes = p.crashes[len(p.crashes)-recent:]
	if recent >= crashLimit {
		p.fail(fmt.Sprintf("%s. It ended %d times within %v and is not started any more: see clove plugin logs %s, then clove plugin restart %s",
			why, recent, crashWindow, p.name, p.name))
		return
	}
	for _, t := range p.host.tunnelsOf(p) {
		if s, _ := t.current(); s == TunnelRunning || s == TunnelStarting || s == TunnelWaiting {
			t.set(TunnelWaiting, why)
		}
	}
	p.setState(PluginWaiting, printable(why, 6*maxErrorText))
	p.retry.Reset(p.backoff)
	p.backoff = min(2*p.backoff, maxBackoff)
}

// revive starts the process again, and the tunnels that waited for it.
func (p *plugin) revive(ctx context.Context) {
	if state, _ := p.current(); state != PluginWaiting {
		return
	}
	proc, d, err := p.host.bring(ctx, p.name, p.config(), p.description(), p.book)
	if err == nil {
		if err = p.host.claim(p, d); err != nil {
			proc.end()
		}
	}
	switch {
	case ctx.Err() != nil:
		if proc != nil {
			proc.end()
		}
		return
	case err != nil && permanent(err):
		p.fail(err.Error())
		return
	case err != nil:
		p.later(err.Error())
		return
	}
	p.take(proc, d)
	p.mu.Lock()
	p.restarts++
	p.mu.Unlock()
	p.host.cfg.Log.Info("plugin runs again", "plugin", p.name, "pid", proc.box.PID())
	p.startAll(ctx, func(s TunnelState) bool { return s == TunnelWaiting || s == TunnelStarting })
}

// restart ends the process and starts it anew, also after it has failed.
func (p *plugin) restart(ctx context.Context) error {
	if state, _ := p.current(); state == PluginDetached {
		return fmt.Errorf("plugin %s is detached; clove plugin attach %s", p.name, p.name)
	}
	p.endProcess()
	p.retry.Stop()
	p.crashes, p.backoff = nil, firstBackoff
	if _, err := p.launch(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	p.restarts++
	p.mu.Unlock()
	p.startAll(ctx, func(s TunnelState) bool { return s != TunnelStopped })
	return nil
}

// checkHealth asks the plugin and its tunnels. A plugin that does not answer several times is started anew.
func (p *plugin) checkHealth(ctx context.Context) {
	proc := p.process()
	if proc == nil {
		return
	}
	life := ctx
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	state, text, err := proc.health(ctx, "")
	if life.Err() != nil {
		return
	}
	if err == nil && state == pb.HealthState_FAILED {
		err = errors.New("it says that it has failed: " + text)
	}
	if err != nil {
		p.unhealthy++
		p.host.cfg.Log.Warn("health check of a plugin", "plugin", p.name, "err", err)
		if p.unhealthy >= healthFailures {
			p.crashed(fmt.Sprintf("%d health checks failed: %v", p.unhealthy, err))
		}
		return
	}
	p.unhealthy = 0
	p.each(p.host.tunnelsOf(p), func(t *tunnel) {
		if s, _ := t.current(); s != TunnelRunning {
			return
		}
		state, text, err := proc.health(ctx, t.name)
		if err != nil {
			state, text = pb.HealthState_DEGRADED, err.Error()
		}
		t.setHealth(state, text)
	})
}
