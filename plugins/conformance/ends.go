package conformance

import (
	"context"
	"fmt"
	"time"

	"clove.i2p/plugins/api/pb"
)

func (x *trial) drain(ctx context.Context, deadline time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline+callTime)
	defer cancel()
	r, err := x.p.plugin.Drain(ctx, &pb.DrainRequest{Tunnel: tunnelName, DeadlineMs: deadline.Milliseconds()})
	if err != nil {
		return 0, fmt.Errorf("Drain: %w", x.p.died(err))
	}
	return int(r.Open), nil
}

// drainOpen leaves the tunnel running.
func (x *trial) drainOpen(ctx context.Context) error {
	c, err := x.openStream(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.exchange("before the drain"); err != nil {
		return err
	}
	const deadline = 500 * time.Millisecond
	begin := time.Now()
	open, err := x.drain(ctx, deadline)
	if err != nil {
		return err
	}
	if took := time.Since(begin); open == 0 {
		return fmt.Errorf("Drain says after %v that no connection is open, and one is", took.Round(time.Millisecond))
	} else if took < deadline {
		return fmt.Errorf("Drain gave up after %v, its deadline is %v", took.Round(time.Millisecond), deadline)
	}
	if err := c.exchange("after the deadline"); err != nil {
		return fmt.Errorf("an open connection does not survive the drain: %w", err)
	}
	type answer struct {
		open int
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		open, err := x.drain(ctx, callTime)
		done <- answer{open, err}
	}()
	if err := c.finish(); err != nil {
		return fmt.Errorf("while it drains: %w", err)
	}
	if a := <-done; a.err != nil {
		return a.err
	} else if a.open != 0 {
		return fmt.Errorf("Drain says that %d connections are open, and all have ended", a.open)
	}
	return x.restart(ctx)
}

// drainIdle leaves the tunnel running.
func (x *trial) drainIdle(ctx context.Context) error {
	begin := time.Now()
	open, err := x.drain(ctx, callTime)
	if err != nil {
		return err
	}
	if took := time.Since(begin); open != 0 || took > callTime/2 {
		return fmt.Errorf("Drain says after %v that %d connections are open; there are none", took.Round(time.Millisecond), open)
	}
	return x.restart(ctx)
}

// stopOpen leaves the tunnel running.
func (x *trial) stopOpen(ctx context.Context) error {
	c, err := x.openStream(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.exchange("before the stop"); err != nil {
		return err
	}
	// By the call alone: the gate would close the connection too.
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := x.p.plugin.Stop(call, &pb.StopRequest{Tunnel: tunnelName}); err != nil {
		return fmt.Errorf("Stop: %w", x.p.died(err))
	}
	err = c.ended()
	x.remove()
	if err != nil {
		return err
	}
	return x.start(ctx)
}
