package sdk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api/pb"
)

// server answers the host's calls.
type server struct {
	pb.UnimplementedPluginServer

	program *Program
}

func (s *server) Describe(context.Context, *pb.DescribeRequest) (*pb.Description, error) {
	return s.program.description, nil
}

func (s *server) typ(name string) (TunnelType, error) {
	if t := s.program.types[name]; t != nil {
		return t, nil
	}
	return nil, status.Errorf(codes.InvalidArgument, "plugin %s has no tunnel type %q", s.program.plugin.Name, name)
}

func (s *server) Validate(_ context.Context, r *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	t, err := s.typ(r.Type)
	if err != nil {
		return nil, err
	}
	_, problems, err := decodeRecovered(t, r.Settings)
	if err != nil {
		return nil, err
	}
	answer := &pb.ValidateResponse{}
	for _, p := range problems {
		answer.Problems = append(answer.Problems, &pb.Problem{Key: plain(p.Key), Text: plain(p.Text)})
	}
	return answer, nil
}

// decodeRecovered survives a panic in the author's Validate.
func decodeRecovered(t TunnelType, raw []byte) (settings any, problems []Problem, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = status.Errorf(codes.Internal, "panic in Validate: %v", v)
		}
	}()
	settings, problems = t.decode(raw)
	return settings, problems, nil
}

func decodeValid(t TunnelType, raw []byte) (any, error) {
	settings, problems, err := decodeRecovered(t, raw)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		var texts []string
		for _, p := range problems {
			texts = append(texts, strings.TrimPrefix(p.Key+": "+p.Text, ": "))
		}
		return nil, status.Error(codes.InvalidArgument, strings.Join(texts, "; "))
	}
	return settings, nil
}

func (s *server) Start(ctx context.Context, r *pb.StartRequest) (*pb.StartResponse, error) {
	typ, err := s.typ(r.Type)
	if err != nil {
		return nil, err
	}
	settings, err := decodeValid(typ, r.Settings)
	if err != nil {
		return nil, err
	}
	t, err := s.program.add(r.Tunnel, typ, settings)
	if err != nil {
		return nil, err
	}
	go t.serve()
	if err := t.waitStarted(ctx); err != nil {
		s.program.forget(t)
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		_ = s.program.end(stopCtx, t)
		return nil, toStatus(err)
	}
	return &pb.StartResponse{}, nil
}

func (s *server) Reload(ctx context.Context, r *pb.ReloadRequest) (*pb.ReloadResponse, error) {
	t, err := s.program.tunnel(r.Tunnel)
	if err != nil {
		return nil, err
	}
	settings, err := decodeValid(t.typ, r.Settings)
	if err != nil {
		return nil, err
	}
	applied, err := t.reload(ctx, settings)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &pb.ReloadResponse{Applied: applied}, nil
}

func (s *server) Drain(ctx context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	t, err := s.program.tunnel(r.Tunnel)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.DeadlineMs)*time.Millisecond)
	defer cancel()
	return &pb.DrainResponse{Open: int32(t.drainWait(ctx))}, nil
}

func (s *server) Stop(ctx context.Context, r *pb.StopRequest) (*pb.StopResponse, error) {
	t := s.program.take(r.Tunnel)
	if t == nil {
		return nil, status.Errorf(codes.NotFound, "there is no tunnel %q here", r.Tunnel)
	}
	if err := s.program.end(ctx, t); err != nil {
		return nil, status.Error(codes.DeadlineExceeded, err.Error())
	}
	return &pb.StopResponse{}, nil
}

func (s *server) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	if r.Tunnel == "" {
		return &pb.HealthResponse{}, nil
	}
	t, err := s.program.tunnel(r.Tunnel)
	if err != nil {
		return nil, err
	}
	state, text := t.healthNow(ctx)
	return &pb.HealthResponse{State: state, Text: plain(text)}, nil
}

func (s *server) Metrics(ctx context.Context, r *pb.MetricsRequest) (*pb.MetricsResponse, error) {
	t, err := s.program.tunnel(r.Tunnel)
	if err != nil {
		return nil, err
	}
	return &pb.MetricsResponse{Metrics: t.metricsNow(ctx)}, nil
}

// add makes a tunnel that has not run yet.
func (p *Program) add(name string, typ TunnelType, settings any) (*Tunnel, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tunnels[name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "tunnel %q runs here already: stop it first", name)
	}
	if p.ctx.Err() != nil {
		return nil, status.Error(codes.Unavailable, "the plugin is ending")
	}
	t := &Tunnel{name: name, program: p, typ: typ, settings: settings, life: newLife(p.ctx), open: newOpenSet()}
	t.Log = newLog(p, name)
	p.tunnels[name] = t
	return t, nil
}

// forget removes t, unless another has taken its name.
func (p *Program) forget(t *Tunnel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tunnels[t.name] == t {
		delete(p.tunnels, t.name)
	}
}

// plain makes text that gRPC can carry.
func plain(text string) string { return strings.ToValidUTF8(text, "?") }

// bounded runs the author's function, but not longer than answerTime. Then it goes on alone, and false is returned.
func bounded(ctx context.Context, f func()) (done bool, err error) {
	end := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				end <- fmt.Errorf("panic: %v", v)
			}
		}()
		f()
		end <- nil
	}()
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case err := <-end:
		return true, err
	case <-timer.C:
	case <-ctx.Done():
	}
	return false, nil
}
