package sdk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// aTunnel runs f without a host.
func aTunnel(f func(ctx context.Context, t *Tunnel) error) *Tunnel {
	t := &Tunnel{
		Log: slog.New(slog.DiscardHandler), life: newLife(context.Background()), open: newOpenSet(), settings: struct{}{},
		typ: Type[struct{}]{Name: "x", Run: func(ctx context.Context, t *Tunnel, _ struct{}) error { return f(ctx, t) }},
	}
	go t.serve()
	return t
}

type fakeConn struct {
	once   sync.Once
	closed chan struct{}
}

func (c *fakeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func newFakeConn() *fakeConn { return &fakeConn{closed: make(chan struct{})} }

func TestStopGivesUpOnRunThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		c := newFakeConn()
		tun := aTunnel(func(_ context.Context, tun *Tunnel) error {
			_ = tun.open.add(c, true)
			tun.Started()
			<-leave
			return nil
		})
		if err := tun.waitStarted(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err := tun.stopWait(t.Context())
		if err == nil || !strings.Contains(err.Error(), "did not return") || time.Since(begin) != stopTime {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
		<-c.closed
		if err := tun.open.add(newFakeConn(), true); err == nil {
			t.Fatal("a stopped tunnel opens connections")
		}
		close(leave)
		synctest.Wait()
		if err := tun.stopWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStartWaitsForStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun := aTunnel(func(ctx context.Context, _ *Tunnel) error {
			<-ctx.Done()
			return ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := tun.waitStarted(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if err := tun.stopWait(t.Context()); err != nil || tun.life.err != nil {
			t.Fatalf("%v, %v", err, tun.life.err)
		}
	})
}

func TestDrainWaitsForTheLastConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := []*fakeConn{newFakeConn(), newFakeConn()}
		tun := aTunnel(func(ctx context.Context, tun *Tunnel) error {
			for _, c := range conns {
				_ = tun.open.add(c, true)
			}
			_ = tun.open.add(io.NopCloser(nil), false) // a listener does not count
			tun.Started()
			<-ctx.Done() // a Run that does not look at Draining
			return nil
		})
		_ = tun.waitStarted(t.Context())
		begin := time.Now()
		for i, c := range conns {
			time.AfterFunc(time.Duration(i+1)*10*time.Second, func() { tun.open.remove(c) })
		}
		short, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if open := tun.drainWait(short); open != 1 || time.Since(begin) != 15*time.Second {
			t.Fatalf("%d open after %v", open, time.Since(begin))
		}
		select {
		case <-tun.Draining():
		default:
			t.Fatal("the tunnel does not know that it drains")
		}
		if open := tun.drainWait(t.Context()); open != 0 || time.Since(begin) != 20*time.Second+drainTime {
			t.Fatalf("%d open after %v", open, time.Since(begin))
		}
		_ = tun.stopWait(t.Context())
	})
}

func TestErrorsOfARunThatWasAskedToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		err, want error
	}{
		"nothing":  {nil, nil},
		"canceled": {context.Canceled, nil},
		"other":    {io.ErrClosedPipe, io.ErrClosedPipe},
	} {
		synctest.Test(t, func(t *testing.T) {
			tun := aTunnel(func(_ context.Context, tun *Tunnel) error {
				tun.Started()
				<-tun.Draining()
				return c.err
			})
			_ = tun.waitStarted(t.Context())
			tun.drainWait(t.Context())
			<-tun.life.ended
			if !errors.Is(tun.life.err, c.want) || (c.want == nil) != (tun.life.err == nil) {
				t.Errorf("%s: got %v", name, tun.life.err)
			}
		})
	}
}
