package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sleep for some time, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// permanent is an error that ends a Poll.
type permanent struct{ error }

// Never makes an error end a Poll: what it waits for will not happen.
func Never(err error) error { return permanent{err} }

// Poll tries f until it succeeds. These are real processes: there is no event to wait for.
func Poll(ctx context.Context, what string, limit time.Duration, f func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return nil
		}
		if p := (permanent{}); errors.As(err, &p) {
			return p.error
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v: %w", what, limit, err)
		}
		if err := Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}
