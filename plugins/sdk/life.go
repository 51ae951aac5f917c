package sdk

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// life is the life of one tunnel:
//
//	new -> started -> draining -> ended (err nil)
//	   \          \-> ended (err: it failed)
//	    \-> ended (the error of Start)
//
// The end of ctx is Stop's.
type life struct {
	ctx      context.Context // the tunnel's
	stop     context.CancelFunc
	started  chan struct{}
	draining chan struct{}
	ended    chan struct{} // Run has returned and all is closed

	mu         sync.Mutex
	isStarted  bool
	isDraining bool
	err        error // why it ended; read after ended
}

func newLife(parent context.Context) *life {
	ctx, cancel := context.WithCancel(parent)
	return &life{
		ctx: ctx, stop: cancel,
		started: make(chan struct{}), draining: make(chan struct{}), ended: make(chan struct{}),
	}
}

func (l *life) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isStarted {
		l.isStarted = true
		close(l.started)
	}
}

func (l *life) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isDraining {
		l.isDraining = true
		close(l.draining)
	}
}

// isEnding: the tunnel drains, or its context has ended.
func (l *life) isEnding() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isDraining || l.ctx.Err() != nil
}

var errReturned = errors.New("Run returned, although the tunnel was neither stopped nor draining")

// serve runs the author's Run and cleans up after it.
func (t *Tunnel) serve() {
	l := t.life
	err := t.runRecovered()
	asked := l.isEnding()
	switch {
	case asked && (err == nil || errors.Is(err, context.Canceled)):
		err = nil
	case !asked && err == nil:
		err = errReturned
	}
	if err != nil {
		t.Log.Error("tunnel failed", "error", err)
	}
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	l.stop()
	t.open.closeAll()
	t.open.goroutines.Wait()
	close(l.ended)
}

func (t *Tunnel) runRecovered() (err error) {
	defer func() {
		if v := recover(); v != nil {
			t.Log.Error("panic in Run", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return t.typ.run(t.life.ctx, t, t.settings)
}

// waitStarted is nil once the tunnel listens.
func (t *Tunnel) waitStarted(ctx context.Context) error {
	select {
	case <-t.life.started:
		return nil
	case <-t.life.ended:
		return t.life.err
	case <-ctx.Done():
		return fmt.Errorf("the tunnel did not call Started in time: %w", ctx.Err())
	}
}

// drainWait closes the listeners and waits until no connection is open, then a little for Run; or until ctx ends.
func (t *Tunnel) drainWait(ctx context.Context) (open int) {
	t.life.drain()
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	for {
		timer.Reset(drainTime)
		select {
		case <-t.open.changed:
		case <-t.life.ended:
			return 0
		case <-ctx.Done():
			return t.open.count()
		case <-timer.C:
			if t.open.count() == 0 {
				return 0
			}
		}
	}
}

// stopWait ends the tunnel now.
func (t *Tunnel) stopWait(ctx context.Context) error {
	t.life.stop()
	t.open.closeAll()
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-t.life.ended:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return errors.New("Run did not return after its context ended: its connections are closed, a goroutine is left behind")
}
