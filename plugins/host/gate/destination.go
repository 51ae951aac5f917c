package gate

import (
	"context"
	"errors"
	"net"
	"sync"

	"clove.i2p/plugins/api"
)

// lazy is a destination that is opened when it is first needed. An opening that failed is tried again by the next that needs it.
type lazy struct {
	network Network
	spec    Spec

	mu      sync.Mutex
	attempt *opening // running, or successful
	closed  bool
	running sync.WaitGroup
}

type opening struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when dest and err are set
	dest   Destination
	err    error
}

// get returns the destination, opened and with tunnels if ready is true. Errors wrap api.ErrNotReady where ctx ended first.
func (l *lazy) get(ctx context.Context, ready bool) (Destination, error) {
	a, err := l.begin()
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, l.notReady(ctx)
	}
	if a.err != nil || !ready {
		return a.dest, a.err
	}
	if err := a.dest.Ready(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, l.notReady(ctx)
		}
		return nil, err
	}
	return a.dest, nil
}

func (l *lazy) notReady(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return refuse(api.ErrNotReady, "the destination of tunnel %s has no tunnels yet: try again in a minute, and see clove status", l.spec.Tunnel)
}

// begin returns the opening that goes on or was successful, or starts one.
func (l *lazy) begin() (*opening, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, net.ErrClosed
	}
	if l.attempt == nil {
		ctx, cancel := context.WithTimeout(context.Background(), openTime)
		a := &opening{cancel: cancel, done: make(chan struct{})}
		l.attempt = a
		l.running.Go(func() {
			defer cancel()
			dest, err := l.network.Open(ctx, l.spec)
			l.opened(a, dest, err)
		})
	}
	return l.attempt, nil
}

func (l *lazy) opened(a *opening, dest Destination, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(a.done)
	switch {
	case err != nil:
		a.err = err
		l.attempt = nil
	case l.closed:
		a.err = net.ErrClosed
		_ = dest.Close()
	default:
		a.dest = dest
	}
}

// now is the destination if it is open.
func (l *lazy) now() Destination {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attempt == nil {
		return nil
	}
	select {
	case <-l.attempt.done:
		return l.attempt.dest
	default:
		return nil
	}
}

// close closes the destination, now or when its opening ends, and waits.
func (l *lazy) close() {
	l.mu.Lock()
	already := l.closed
	l.closed = true
	if l.attempt != nil {
		l.attempt.cancel()
	}
	l.mu.Unlock()
	l.running.Wait()
	if dest := l.now(); dest != nil && !already {
		_ = dest.Close()
	}
}

// home is the destination of a tunnel, or of several with the same key file.
type home struct {
	lazy
	users map[string]bool // tunnels
}

// homes are held by reference count.
type homes struct {
	network Network

	mu    sync.Mutex
	table map[string]*home
}

func homeKey(spec Spec) string {
	if spec.KeyFile != "" {
		return "file " + spec.KeyFile
	}
	return "tunnel " + spec.Tunnel
}

func (h *homes) take(spec Spec) (*home, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := homeKey(spec)
	one := h.table[key]
	if one == nil {
		one = &home{lazy: lazy{network: h.network, spec: spec}, users: make(map[string]bool)}
		if h.table == nil {
			h.table = make(map[string]*home)
		}
		h.table[key] = one
	}
	same := one.spec
	same.Tunnel = spec.Tunnel
	if same != spec {
		return nil, refuse(api.ErrInUse, "tunnel %s uses the same keys %s with other settings: give both the same length, quantity and kind, or use another file in keys",
			one.spec.Tunnel, spec.KeyFile)
	}
	one.users[spec.Tunnel] = true
	return one, nil
}

func (h *homes) release(one *home, tunnel string) {
	h.mu.Lock()
	delete(one.users, tunnel)
	last := len(one.users) == 0
	if last {
		delete(h.table, homeKey(one.spec))
	}
	h.mu.Unlock()
	if last {
		one.close()
	}
}
