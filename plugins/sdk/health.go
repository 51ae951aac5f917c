package sdk

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"clove.i2p/plugins/api"
)

// healthFunc is the author's function, of which one call runs at a time.
type healthFunc struct {
	mu   sync.Mutex
	f    func() (HealthState, string)
	busy bool
}

// OnHealth says how the tunnel is, beyond that it runs. The function should answer from what it knows already, within two
// seconds; its text is for people and names no destination.
func (t *Tunnel) OnHealth(f func() (HealthState, string)) {
	t.health.mu.Lock()
	defer t.health.mu.Unlock()
	t.health.f = f
}

func (t *Tunnel) healthNow(ctx context.Context) (state HealthState, text string) {
	select {
	case <-t.life.ended:
		if t.life.err != nil {
			return Failed, t.life.err.Error()
		}
		return Healthy, "has ended"
	default:
	}
	h := &t.health
	h.mu.Lock()
	f, busy := h.f, h.busy
	h.busy = h.busy || f != nil
	h.mu.Unlock()
	if f == nil {
		return Healthy, ""
	}
	const hangs = "its health check does not answer"
	if busy {
		return Degraded, hangs
	}
	type answer struct {
		state HealthState
		text  string
	}
	got := make(chan answer, 1)
	done, err := bounded(ctx, func() {
		defer func() {
			h.mu.Lock()
			h.busy = false
			h.mu.Unlock()
		}()
		state, text := f()
		got <- answer{state, text}
	})
	switch {
	case !done:
		return Degraded, hangs
	case err != nil:
		return Degraded, "its health check: " + err.Error()
	}
	a := <-got
	return a.state, a.text
}

// reloader is the author's function behind Reload. One call runs at a time.
type reloader struct {
	mu    sync.Mutex
	f     func(any) bool
	calls sync.Mutex
}

// OnReload takes changed settings without dropping a stream. It returns whether it could; if not, and without OnReload, the
// tunnel is stopped and started. S is the settings struct of the tunnel's type. The settings are valid.
func OnReload[S any](t *Tunnel, f func(S) bool) {
	if want := reflect.TypeOf(t.settings); want != reflect.TypeFor[S]() {
		panic(fmt.Sprintf("sdk: OnReload takes %v, and the settings of this tunnel type are %v", reflect.TypeFor[S](), want))
	}
	t.reloader.mu.Lock()
	defer t.reloader.mu.Unlock()
	t.reloader.f = func(s any) bool { return f(s.(S)) }
}

func (t *Tunnel) reload(ctx context.Context, settings any) (bool, error) {
	r := &t.reloader
	r.mu.Lock()
	f := r.f
	r.mu.Unlock()
	select {
	case <-t.life.ended:
		return false, nil
	default:
	}
	if f == nil {
		return false, nil
	}
	applied := make(chan bool, 1)
	done, err := bounded(ctx, func() {
		r.calls.Lock()
		defer r.calls.Unlock()
		applied <- f(settings)
	})
	switch {
	case !done:
		return false, errors.New("OnReload does not answer")
	case err != nil:
		return false, err
	}
	return <-applied, nil
}

func toStatus(err error) error { return api.ToStatus(err) }
