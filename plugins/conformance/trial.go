package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// noContext is for sending datagrams in the fake network, which does not wait.
var noContext = context.Background()

// tunnelName of the one tunnel that a trial has.
const tunnelName = "conformance"

// trial is a tunnel type and a tunnel of it in a process.
type trial struct {
	*suite

	p      *process
	typ    *pb.TunnelType
	values map[string]any
}

// settings makes them up and has them validated. What is not required and yet missed is made up too.
func (x *trial) settings(ctx context.Context) error {
	missed := map[string]bool{}
	for {
		var err error
		if x.values, err = x.makeSettings(x.typ, missed); err != nil {
			return err
		}
		problems, err := x.validate(ctx, encode(x.values))
		if err != nil || len(problems) == 0 {
			return err
		}
		before := len(missed)
		for _, p := range problems {
			if _, given := x.values[p.Key]; !given && p.Key != "" {
				missed[p.Key] = true
			}
		}
		if len(missed) == before {
			return fmt.Errorf("the suite cannot make up good settings, give them with --set: %s: %s", problems[0].Key, problems[0].Text)
		}
	}
}

func (x *trial) validate(ctx context.Context, raw []byte) ([]*pb.Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := x.p.plugin.Validate(ctx, &pb.ValidateRequest{Type: x.typ.Name, Settings: raw})
	if err != nil {
		return nil, fmt.Errorf("Validate: %w", x.p.died(err))
	}
	return r.Problems, nil
}

// badSettings: each has to be a problem, or an InvalidArgument, and Start has to refuse it.
func (x *trial) badSettings(ctx context.Context) error {
	var errs []error
	refuse := func(what, key string, raw []byte) {
		problems, err := x.validate(ctx, raw)
		switch {
		case status.Code(errors.Unwrap(err)) == codes.InvalidArgument:
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
			return
		case len(problems) == 0:
			errs = append(errs, fmt.Errorf("%s: no problem", what))
			return
		case problems[0].Text == "" || key != "" && problems[0].Key != key:
			errs = append(errs, fmt.Errorf("%s: the problem is of setting %q and says %q", what, problems[0].Key, problems[0].Text))
		}
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		if _, err := x.p.plugin.Start(ctx, &pb.StartRequest{Tunnel: "bad", Type: x.typ.Name, Settings: raw}); err == nil {
			_, _ = x.p.plugin.Stop(ctx, &pb.StopRequest{Tunnel: "bad"})
			errs = append(errs, fmt.Errorf("%s: Start takes it", what))
		}
	}
	refuse("a setting that is in no schema", "no_such_setting", with(x.values, "no_such_setting", 1))
	refuse("settings that are not JSON", "", []byte("{"))
	refuse("settings that are a list", "", []byte("[]"))
	for _, s := range x.typ.Settings {
		refuse(fmt.Sprintf("a wrong type for %s", s.Key), s.Key, with(x.values, s.Key, wrongValue(s.Type)))
		if s.Required {
			refuse(fmt.Sprintf("no %s, which is required", s.Key), s.Key, without(x.values, s.Key))
		}
		if len(s.Choices) > 0 {
			refuse(fmt.Sprintf("none of the choices for %s", s.Key), s.Key, with(x.values, s.Key, "no such choice"))
		}
	}
	return errors.Join(errs...)
}

func (x *trial) start(ctx context.Context) error {
	grants, err := gate.GrantsOf(x.typ.Settings, x.values)
	if err != nil {
		return err
	}
	spec := gate.TunnelSpec{
		Name: tunnelName, Type: x.typ.Name, Destination: x.typ.Destination, KeyFile: keyFile(x.typ, tunnelName), Grants: grants,
		Published: x.typ.Destination == pb.DestinationKind_SERVER,
	}
	for _, s := range x.typ.Settings {
		if on, _ := x.values[s.Key].(bool); s.Publish && on {
			spec.Published = true
		}
	}
	if err := x.lab.gate.SetTunnel(spec); err != nil {
		return err
	}
	if err := x.p.instance.Attach(tunnelName); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := x.p.plugin.Start(ctx, &pb.StartRequest{Tunnel: tunnelName, Type: x.typ.Name, Settings: encode(x.values)}); err != nil {
		return fmt.Errorf("Start: %w", x.p.died(err))
	}
	return nil
}

// stop stops the tunnel, as clove does: its listeners go with it.
func (x *trial) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := x.p.plugin.Stop(ctx, &pb.StopRequest{Tunnel: tunnelName})
	x.remove()
	if err != nil {
		return fmt.Errorf("Stop: %w", x.p.died(err))
	}
	return nil
}

func (x *trial) remove() {
	x.p.instance.Detach(tunnelName)
	x.lab.gate.RemoveTunnel(tunnelName)
}

func (x *trial) restart(ctx context.Context) error {
	if err := x.stop(ctx); err != nil {
		return err
	}
	return x.start(ctx)
}

// startStop leaves the tunnel running.
func (x *trial) startStop(ctx context.Context) error {
	if err := x.start(ctx); err != nil {
		return err
	}
	twice, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := x.p.plugin.Start(twice, &pb.StartRequest{Tunnel: tunnelName, Type: x.typ.Name, Settings: encode(x.values)}); err == nil {
		return errors.New("a tunnel that runs can be started again")
	}
	if err := x.restart(ctx); err != nil {
		return fmt.Errorf("after a stop: %w", err)
	}
	return nil
}

// answers asks often, at the same time.
func (x *trial) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	const callers = 8
	errs := make([]error, 2*callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range 10 {
				h, err := x.p.plugin.Health(ctx, &pb.HealthRequest{Tunnel: tunnelName})
				if err == nil && h.State == pb.HealthState_FAILED {
					err = fmt.Errorf("failed: %s", h.Text)
				}
				if err != nil {
					errs[2*i] = fmt.Errorf("Health: %w", err)
					return
				}
			}
		})
		all.Go(func() {
			for range 10 {
				m, err := x.p.plugin.Metrics(ctx, &pb.MetricsRequest{Tunnel: tunnelName})
				if err == nil {
					err = checkMetrics(m)
				}
				if err != nil {
					errs[2*i+1] = fmt.Errorf("Metrics: %w", err)
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return x.p.died(err)
		}
	}
	return nil
}

func checkMetrics(m *pb.MetricsResponse) error {
	seen := map[string]bool{}
	for _, metric := range m.Metrics {
		if !keyPattern.MatchString(metric.Name) {
			return fmt.Errorf("name %q: want lower-case letters, digits and _", metric.Name)
		}
		if seen[metric.Name] {
			return fmt.Errorf("%s is there twice", metric.Name)
		}
		seen[metric.Name] = true
	}
	return nil
}

// reload gives the settings that are already there: not a stream may be hurt, whatever the answer.
func (x *trial) reload(ctx context.Context) error {
	open, err := x.openStream(ctx)
	if err != nil && !isSkip(err) {
		return err
	}
	if open != nil {
		defer open.Close()
		if err := open.exchange("before the reload"); err != nil {
			return err
		}
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := x.p.plugin.Reload(call, &pb.ReloadRequest{Tunnel: tunnelName, Settings: encode(x.values)})
	if err != nil {
		return x.p.died(err)
	}
	bad, cancelBad := context.WithTimeout(ctx, callTime)
	defer cancelBad()
	if r, err := x.p.plugin.Reload(bad, &pb.ReloadRequest{Tunnel: tunnelName, Settings: with(x.values, "no_such_setting", 1)}); err == nil && r.Applied {
		return errors.New("it applies a setting that is in no schema")
	}
	if open != nil {
		if err := open.exchange("after the reload"); err != nil {
			return fmt.Errorf("the reload (applied: %v) has hurt an open stream: %w", r.Applied, err)
		}
	}
	if err := x.probe(ctx); err != nil && !isSkip(err) {
		return fmt.Errorf("after the reload (applied: %v): %w", r.Applied, err)
	}
	return nil
}

func isSkip(err error) bool {
	var s skip
	return errors.As(err, &s)
}
