package proxies

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Opener opens streams for the proxies: it waits for the router within a limit and bounds the dial.
type Opener struct {
	Dialer Dialer
	// Readiness may be nil: then only the Dialer's ErrNotReady tells.
	Readiness Readiness
	// ReadyWait is how long a request waits for the router, DialTimeout how long a dial may take after that.
	ReadyWait   time.Duration
	DialTimeout time.Duration
}

// Ready asks Readiness.
func (o *Opener) Ready() (bool, string) {
	if o.Readiness == nil {
		return true, ""
	}
	return o.Readiness.Ready()
}

// Open returns a stream to t, or an error for Classify. ctx ends when the client hangs up.
func (o *Opener) Open(ctx context.Context, t Target) (net.Conn, error) {
	until := time.Now().Add(o.ReadyWait)
	for {
		if err := o.waitReady(ctx, until); err != nil {
			return nil, err
		}
		conn, err := o.dial(ctx, t)
		if err == nil || !errors.Is(err, ErrNotReady) || !time.Now().Before(until) {
			return conn, err
		}
		if err := sleep(ctx, readyPoll); err != nil {
			return nil, err
		}
	}
}

func (o *Opener) waitReady(ctx context.Context, until time.Time) error {
	for {
		ready, progress := o.Ready()
		if ready {
			return nil
		}
		left := time.Until(until)
		if left <= 0 {
			return &NotReadyError{Progress: progress}
		}
		if err := sleep(ctx, min(left, readyPoll)); err != nil {
			return err
		}
	}
}

func (o *Opener) dial(ctx context.Context, t Target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	conn, err := o.Dialer.Dial(ctx, t)
	if ended := ctx.Err(); ended != nil {
		if err == nil {
			_ = conn.Close()
		}
		if err == nil || Classify(err) == ReasonOther {
			err = ended
		}
	}
	if err != nil {
		return nil, fmt.Errorf("proxies: dial: %w", err)
	}
	return conn, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
