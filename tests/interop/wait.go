//go:build linux

package interop

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Poll calls try until it succeeds, and returns its last error when ctx ends. These are real processes: there is no
// event to wait for, and no virtual time.
func Poll(ctx context.Context, every time.Duration, try func() error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case <-ticker.C:
		}
	}
}
