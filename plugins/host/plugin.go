package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host/sandbox"
)

// plugin is one that may run. Everything that is done to its process and tunnels is done by its loop, one after the other; a plugin that
// answers nothing holds up only its own.
//
//	idle <-> running -> (ends) waiting -> running ...
//	                                   -> failed (too often, or cannot be started) -> restart, change
//	detached <-> any
type plugin struct {
	host  *Host
	name  string
	book  *logbook
	calls chan call
	gone  chan struct{} // closed when the loop has ended
	quit  context.CancelFunc

	// Of the loop alone.
	retry     *time.Timer
	backoff   time.Duration
	crashes   []time.Time
	unhealthy int

	// Written by the loop, read by all.
	mu       sync.Mutex
	cfg      PluginConfig
	state    PluginState
	err      string
	desc     *description
	path     string
	sha256   string
	bundled  bool
	proc     *process
	restarts int
	retiring int
	used     time.Time // when its process was last needed
}

type call struct {
	do   func(ctx context.Context) error
	done chan error
}

// newPlugin starts the loop. The caller holds h.mu.
func (h *Host) newPlugin(name string, cfg PluginConfig) *plugin {
	life, quit := context.WithCancel(h.life)
	p := &plugin{
		host: h, name: name, cfg: cfg, book: &logbook{}, calls: make(chan call), gone: make(chan struct{}), quit: quit, state: PluginIdle,
		retry: time.NewTimer(time.Hour), backoff: firstBackoff,
	}
	p.retry.Stop()
	if cfg.Disabled {
		p.state = PluginDetached
	}
	h.tasks.Go(func() { p.loop(life) })
	return p
}

func (p *plugin) loop(ctx context.Context) {
	defer close(p.gone)
	health := time.NewTicker(p.host.cfg.HealthEvery)
	defer health.Stop()
	defer p.retry.Stop()
	for {
		var ended <-chan struct{}
		if proc := p.process(); proc != nil {
			ended = proc.box.Done()
		}
		select {
		case <-ctx.Done():
			p.endProcess()
			return
		case c := <-p.calls:
			c.done <- c.do(ctx)
		case <-ended:
			p.crashed("")
		case <-p.retry.C:
			p.revive(ctx)
		case <-health.C:
			p.checkHealth(ctx)
			p.rest()
		}
	}
}

// do has the loop call f. When ctx ends, f goes on without the caller.
func (p *plugin) do(ctx context.Context, f func(ctx context.Context) error) error {
	c := call{f, make(chan error, 1)}
	select {
	case p.calls <- c:
	case <-p.gone:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-p.gone:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *plugin) process() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc
}

func (p *plugin) config() PluginConfig {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg
}

func (p *plugin) description() *description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desc
}

func (p *plugin) setState(s PluginState, err string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.err = s, err
}

func (p *plugin) current() (PluginState, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.err
}

// take makes a process the plugin's.
func (p *plugin) take(proc *process, d *description) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proc, p.desc, p.state, p.err = proc, d, PluginRunning, ""
	p.path, p.sha256, p.bundled = proc.path, proc.sha256, proc.bundled
	p.used = time.Now()
}

// endProcess ends the process, if there is one. Its tunnels keep their state.
func (p *plugin) endProcess() {
	p.mu.Lock()
	proc := p.proc
	p.proc = nil
	p.mu.Unlock()
	if proc != nil {
		proc.end()
	}
}

// errNotNow: the plugin will be there again by itself.
var errNotNow = errors.New("the plugin starts again shortly")

// need makes sure that a process runs.
func (p *plugin) need(ctx context.Context) (*process, error) {
	p.mu.Lock()
	p.used = time.Now()
	proc := p.proc
	p.mu.Unlock()
	if proc != nil {
		return proc, nil
	}
	switch state, err := p.current(); state {
	case PluginDetached:
		return nil, fmt.Errorf("plugin %s is detached; clove plugin attach %s", p.name, p.name)
	case PluginFailed:
		return nil, errors.New(err)
	case PluginWaiting:
		return nil, errNotNow
	}
	return p.launch(ctx)
}

// launch starts the process, and fails the plugin if that is not possible.
func (p *plugin) launch(ctx context.Context) (*process, error) {
	p.setState(PluginStarting, "")
	proc, d, err := p.host.bring(ctx, p.name, p.config(), p.description(), p.book)
	if err == nil {
		if err = p.host.claim(p, d); err != nil {
			proc.end()
		}
	}
	if err != nil {
		p.fail(err.Error())
		return nil, err
	}
	p.take(proc, d)
	p.host.cfg.Log.Info("plugin runs", "plugin", p.name, "version", d.version, "pid", proc.box.PID())
	return proc, nil
}

// learn makes sure that it is known what the plugin is.
func (p *plugin) learn(ctx context.Context) error {
	if p.description() != nil {
		return nil
	}
	cfg := p.config()
	if cfg.Permissions != nil || cfg.SHA256 != "" {
		_, err := p.need(ctx)
		return err
	}
	d, err := p.host.ask(ctx, launchSpec{name: p.name, cfg: cfg, book: p.book})
	if err == nil {
		err = p.host.claim(p, d)
	}
	if err != nil {
		p.fail(err.Error())
		return err
	}
	path, bundled, _ := p.host.locate(p.name, cfg)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desc, p.path, p.sha256, p.bundled = d, path, d.sha256, bundled
	return nil
}

// rest ends a process that no tunnel needs. It is still registered, and starts when it is needed.
func (p *plugin) rest() {
	p.mu.Lock()
	busy := p.proc == nil || time.Since(p.used) < restAfter
	p.mu.Unlock()
	if busy {
		return
	}
	for _, t := range p.host.tunnelsOf(p) {
		if t.config().Enabled {
			return
		}
	}
	p.endProcess()
	p.setState(PluginIdle, "")
}

// fail stops trying. What the tunnels held is closed: nobody will serve it.
func (p *plugin) fail(why string) {
	p.endProcess()
	p.retry.Stop()
	p.setState(PluginFailed, printable(why, 6*maxErrorText))
	p.host.cfg.Log.Error("plugin failed", "plugin", p.name, "err", why)
	for _, t := range p.host.tunnelsOf(p) {
		if t.config().Enabled {
			p.host.cfg.Gate.RemoveTunnel(t.name)
			t.set(TunnelFailed, why)
		}
	}
}

// permanent are errors that another try does not change.
func permanent(err error) bool {
	for _, e := range []error{ErrChecksum, ErrUnregistered, ErrProtocol, sandbox.ErrUnsafe, os.ErrNotExist, api.ErrInvalid} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
