package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// invoke makes one call with a deadline and a bound for the answer.
func invoke[Q, A any](ctx context.Context, p *process, what string, limit time.Duration, size int,
	f func(context.Context, *Q, ...grpc.CallOption) (*A, error), q *Q,
) (*A, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, err := f(ctx, q, grpc.MaxCallRecvMsgSize(size))
	if err != nil {
		return nil, p.callError(what, limit, time.Since(began), err)
	}
	return a, nil
}

// callError has one of api's errors in it, and a bounded text.
func (p *process) callError(what string, limit, took time.Duration, err error) error {
	// The plugin's side knows the deadline too, and may be a little ahead.
	if took >= limit-limit/10 {
		return &pluginError{text: fmt.Sprintf("plugin %s did not answer %s within %v", p.name, what, limit), is: api.ErrNoAnswer}
	}
	select {
	case <-p.box.Done():
		return &pluginError{text: fmt.Sprintf("plugin %s ended during %s", p.name, what), is: api.ErrNotReady}
	default:
	}
	s, _ := status.FromError(err)
	if s.Code() == codes.Unimplemented {
		return &pluginError{text: fmt.Sprintf("plugin %s has no %s", p.name, what), is: errUnimplemented}
	}
	e := &pluginError{text: printable(s.Message(), maxErrorText)}
	e.is = errors.Unwrap(api.FromStatus(status.Error(s.Code(), "")))
	return e
}

var errUnimplemented = errors.New("not implemented")

type pluginError struct {
	text string
	is   error
}

func (e *pluginError) Error() string { return e.text }
func (e *pluginError) Unwrap() error { return e.is }

func (p *process) describe(ctx context.Context) (*description, error) {
	d, err := invoke(ctx, p, "Describe", describeTimeout, describeSize, p.client.Describe, &pb.DescribeRequest{})
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.name, err)
	}
	return newDescription(p.name, p.sha256, d)
}

func (p *process) validate(ctx context.Context, typ string, settings []byte) ([]problem, error) {
	a, err := invoke(ctx, p, "Validate", validateTimeout, smallSize, p.client.Validate, &pb.ValidateRequest{Type: typ, Settings: settings})
	if err != nil {
		return nil, err
	}
	var all []problem
	for _, x := range a.Problems {
		if len(all) == maxProblems {
			break
		}
		all = append(all, problem{printable(x.GetKey(), maxName), printable(x.GetText(), maxErrorText)})
	}
	return all, nil
}

func (p *process) start(ctx context.Context, tunnel, typ string, settings []byte) error {
	_, err := invoke(ctx, p, "Start", tunnelTimeout, smallSize, p.client.Start, &pb.StartRequest{Tunnel: tunnel, Type: typ, Settings: settings})
	return err
}

func (p *process) reload(ctx context.Context, tunnel string, settings []byte) (bool, error) {
	a, err := invoke(ctx, p, "Reload", reloadTimeout, smallSize, p.client.Reload, &pb.ReloadRequest{Tunnel: tunnel, Settings: settings})
	return a.GetApplied(), err
}

// drain waits until the tunnel has no connections, or the deadline.
func (p *process) drain(ctx context.Context, tunnel string, deadline time.Duration) error {
	_, err := invoke(ctx, p, "Drain", deadline+drainGrace, smallSize, p.client.Drain, &pb.DrainRequest{Tunnel: tunnel, DeadlineMs: deadline.Milliseconds()})
	return err
}

func (p *process) stopTunnel(ctx context.Context, tunnel string) error {
	_, err := invoke(ctx, p, "Stop", stopTimeout, smallSize, p.client.Stop, &pb.StopRequest{Tunnel: tunnel})
	return err
}

// health of a tunnel, or of the plugin as a whole.
func (p *process) health(ctx context.Context, tunnel string) (pb.HealthState, string, error) {
	a, err := invoke(ctx, p, "Health", healthTimeout, smallSize, p.client.Health, &pb.HealthRequest{Tunnel: tunnel})
	if errors.Is(err, errUnimplemented) {
		return pb.HealthState_HEALTHY, "", nil
	}
	return a.GetState(), printable(a.GetText(), maxErrorText), err
}

func (p *process) metrics(ctx context.Context, tunnel string) (*pb.MetricsResponse, error) {
	return invoke(ctx, p, "Metrics", metricsTimeout, metricsSize, p.client.Metrics, &pb.MetricsRequest{Tunnel: tunnel})
}
