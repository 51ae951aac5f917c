package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/host/sandbox"
)

// What the host's calls fail with; each error's text names the remedy.
var (
	ErrUnknownPlugin = errors.New("no such plugin")
	ErrUnknownTunnel = errors.New("no such tunnel")
	ErrUnregistered  = errors.New("it is not registered")
	ErrChecksum      = errors.New("the file has changed")
	ErrProtocol      = errors.New("it is for another version of the plugin protocol")
	ErrSettings      = errors.New("the settings are not right")
)

// Host runs plugins and their tunnels.
//
//	New -> Run(ctx) ... ctx ends: all processes end
//	        Apply, and everything else, while it runs
type Host struct {
	cfg    Config
	beside string
	run    string // folder of the sockets, while it runs
	box    sandbox.Capability

	ready chan struct{} // closed when Run has begun
	ended chan struct{} // closed when it is over
	tasks sync.WaitGroup
	admin sync.Mutex // one change at a time

	mu      sync.Mutex
	life    context.Context // of all processes; set by Run
	desired Desired         // what was applied last
	plugins map[string]*plugin
	tunnels map[string]*tunnel
	types   map[string]*plugin // tunnel type -> who serves it
}

// New checks the configuration and starts nothing.
func New(cfg Config) (*Host, error) {
	if cfg.Gate == nil {
		return nil, errors.New("host: no gate")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Drain == 0 {
		cfg.Drain = DefaultDrain
	}
	if cfg.HealthEvery == 0 {
		cfg.HealthEvery = DefaultHealthEvery
	}
	h := &Host{
		cfg: cfg, beside: cfg.Beside, ready: make(chan struct{}), ended: make(chan struct{}),
		plugins: map[string]*plugin{}, tunnels: map[string]*tunnel{}, types: map[string]*plugin{},
	}
	if h.beside == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("host: %w", err)
		}
		h.beside = filepath.Dir(self)
	}
	return h, nil
}

// Run keeps plugins running until ctx ends, then ends them all. It is called once.
func (h *Host) Run(ctx context.Context) error {
	defer close(h.ended)
	folder, release, err := sandbox.RuntimeFolder()
	if err != nil {
		return err
	}
	defer release()
	life, cancel := context.WithCancel(ctx)
	defer h.tasks.Wait()
	defer cancel()
	h.run, h.box = folder, sandbox.Probe()
	if !h.box.Full() {
		h.cfg.Log.Warn("plugins are not fully confined", "sandbox", h.box.String())
	}
	h.mu.Lock()
	h.life = life
	h.mu.Unlock()
	close(h.ready)
	<-ctx.Done()
	return nil
}

// Sandbox is how plugins are confined on this machine, for status and doctor.
func (h *Host) Sandbox() sandbox.Capability { return sandbox.Probe() }

// running waits until Run has begun.
func (h *Host) running(ctx context.Context) (context.Context, error) {
	select {
	case <-h.ready:
	case <-h.ended:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.life.Err() != nil {
		return nil, net.ErrClosed
	}
	return h.life, nil
}

func (h *Host) plugin(name string) (*plugin, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.plugins[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %.60q; clove plugin list shows those that there are", ErrUnknownPlugin, name)
}

func (h *Host) tunnel(name string) (*tunnel, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.tunnels[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("%w: %.60q; clove tunnel list shows those that there are", ErrUnknownTunnel, name)
}

// Connections lists the open connections of all tunnels.
func (h *Host) Connections() []gate.Connection { return h.cfg.Gate.Connections("") }

// Kill ends one connection.
func (h *Host) Kill(id uint64) error {
	if !h.cfg.Gate.Kill(id) {
		return fmt.Errorf("no connection %d: clove connections list shows those that are open", id)
	}
	return nil
}

// DialService opens a stream to a service that a tunnel provides, such as "outproxy". Errors are those of gate.DialService.
func (h *Host) DialService(ctx context.Context, tunnel, service, isolation string) (net.Conn, error) {
	return h.cfg.Gate.DialService(ctx, tunnel, service, isolation)
}

// Logs are the last lines of a plugin, of all its processes.
func (h *Host) Logs(plugin string) ([]LogLine, error) {
	p, err := h.plugin(plugin)
	if err != nil {
		return nil, err
	}
	return p.book.last(), nil
}
