package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
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
	health := time.NewTicker(healthEvery)
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

// bring starts a process with the permissions that it has, and asks what it is. known is what an earlier one said.
func (h *Host) bring(ctx context.Context, name string, cfg PluginConfig, known *description, book *logbook) (*process, *description, error) {
	for range 2 {
		b, bundled, err := h.open(name, cfg, false)
		if err != nil {
			return nil, nil, err
		}
		sum := b.SHA256
		_ = b.Close()
		if bundled && cfg.Permissions == nil && (known == nil || known.sha256 != sum) {
			// What it is granted depends on what it asks for.
			if known, err = h.ask(ctx, launchSpec{name: name, cfg: cfg, book: book}); err != nil {
				return nil, nil, err
			}
		}
		var asked []pb.Permission
		if known != nil {
			asked = known.asked
		}
		granted, err := grant(name, cfg, bundled, asked)
		if err != nil {
			return nil, nil, err
		}
		proc, err := h.launch(ctx, launchSpec{name: name, cfg: cfg, granted: granted, book: book})
		if err != nil {
			return nil, nil, err
		}
		d, err := proc.describe(ctx)
		if err != nil {
			proc.end()
			return nil, nil, err
		}
		if known == nil || cfg.Permissions != nil || slices.Equal(d.asked, known.asked) {
			return proc, d, nil
		}
		proc.end() // the file was replaced between
		known = d
	}
	return nil, nil, fmt.Errorf("plugin %s: %w", name, sandbox.ErrChanged)
}

// ask starts a process that is given nothing, asks what it is, and ends it.
func (h *Host) ask(ctx context.Context, s launchSpec) (*description, error) {
	proc, err := h.launch(ctx, s)
	if err != nil {
		return nil, err
	}
	defer proc.end()
	return proc.describe(ctx)
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
	busy := p.proc == nil || time.Since(p.used) < healthEvery/2
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

// claim takes the types of a description for a plugin, and gives up those that it had.
func (h *Host) claim(p *plugin, d *description) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range d.types {
		if other := h.types[t.GetName()]; other != nil && other != p {
			return fmt.Errorf("plugins %s and %s both serve tunnel type %s: detach one of them (clove plugin detach), or set enabled = false in its section",
				other.name, p.name, t.GetName())
		}
	}
	h.disclaim(p)
	for _, t := range d.types {
		h.types[t.GetName()] = p
	}
	return nil
}

// disclaim gives up all types. The caller holds h.mu.
func (h *Host) disclaim(p *plugin) {
	for name, owner := range h.types {
		if owner == p {
			delete(h.types, name)
		}
	}
}

// serving is who serves a type, also if detached, and the type.
func (h *Host) serving(typ string) (*plugin, *pb.TunnelType, error) {
	h.mu.Lock()
	p := h.types[typ]
	names := make([]string, 0, len(h.types))
	for name := range h.types {
		names = append(names, name)
	}
	all := make([]*plugin, 0, len(h.plugins))
	for _, q := range h.plugins {
		all = append(all, q)
	}
	h.mu.Unlock()
	if p == nil {
		for _, q := range all {
			if d := q.description(); d != nil && d.typ(typ) != nil {
				p = q
			}
		}
	}
	if p != nil {
		if t := p.description().typ(typ); t != nil {
			return p, t, nil
		}
	}
	slices.Sort(names)
	hint := "; there is none: are the plugins beside clove?"
	if near := nearest(typ, names); near != "" {
		hint = "; did you mean " + near + "?"
	} else if len(names) > 0 {
		hint = "; there are " + strings.Join(names, ", ")
	}
	var failed []string
	for _, q := range all {
		if state, err := q.current(); state == PluginFailed {
			failed = append(failed, err)
		}
	}
	slices.Sort(failed)
	if len(failed) > 0 {
		hint += ". Not started: " + strings.Join(failed, "; ")
	}
	return nil, nil, fmt.Errorf("%w: type: no plugin serves %q%s", ErrSettings, printable(typ, maxName), hint)
}
