package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
)

// Serve calls Started and runs handle for each connection of l, in a goroutine of its own, until the tunnel drains, ctx ends or
// l fails. It closes each connection when its handle returns, and returns when all have; nil after drain, Close or stop.
// When ctx ends, the connections are closed. A panic in handle closes that connection only, and is logged.
func (t *Tunnel) Serve(ctx context.Context, l net.Listener, handle func(ctx context.Context, c net.Conn)) error {
	t.Started()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var handlers sync.WaitGroup
	defer handlers.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return nil
			}
			cancel()
			return err
		}
		handlers.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			defer t.recoverHandler()
			handle(ctx, c)
		})
	}
}

func (t *Tunnel) recoverHandler() {
	if v := recover(); v != nil {
		t.Log.Error("panic in a connection's handler", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
}
