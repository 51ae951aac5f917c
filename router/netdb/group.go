package netdb

import (
	"context"
	"errors"
	"sync"

	"clove.i2p/router/i2p"
)

// A group makes one lookup of several for the same key. The first caller runs it; if that one gives up, the next goes on.
type group[T any] struct {
	most int

	mu    sync.Mutex
	calls map[i2p.Hash]*call[T]
}

type call[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func newGroup[T any](most int) *group[T] {
	return &group[T]{most: most, calls: make(map[i2p.Hash]*call[T])}
}

// do returns what run returns, or ErrBusy if too many keys are under way.
func (g *group[T]) do(ctx context.Context, key i2p.Hash, run func(context.Context) (T, error)) (T, error) {
	for {
		c, first, err := g.join(key)
		if err != nil {
			var none T
			return none, err
		}
		if first {
			c.value, c.err = run(ctx)
			g.mu.Lock()
			delete(g.calls, key)
			g.mu.Unlock()
			if ctx.Err() != nil && c.err != nil {
				c.err = errAbandoned
				close(c.done)
				var none T
				return none, context.Cause(ctx)
			}
			close(c.done)
			return c.value, c.err
		}
		select {
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		case <-c.done:
			if !errors.Is(c.err, errAbandoned) {
				return c.value, c.err
			}
		}
	}
}

func (g *group[T]) join(key i2p.Hash) (c *call[T], first bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c = g.calls[key]; c != nil {
		return c, false, nil
	}
	if len(g.calls) >= g.most {
		return nil, false, ErrBusy
	}
	c = &call[T]{done: make(chan struct{})}
	g.calls[key] = c
	return c, true, nil
}
