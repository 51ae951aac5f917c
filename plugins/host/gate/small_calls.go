package gate

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

func (s *service) Lookup(ctx context.Context, r *pb.LookupRequest) (*pb.Address, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := s.instance.permit(pb.Permission_DIAL_I2P, pb.Permission_LISTEN_I2P); err != nil {
		return nil, err
	}
	if err := i2pName(r.GetName()); err != nil {
		return nil, err
	}
	if _, err := a.tunnel.destination(); err != nil {
		return nil, err
	}
	ctx, cancel := timeout(ctx, 0)
	defer cancel()
	address, err := s.instance.gate.cfg.Network.Lookup(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return &pb.Address{Base32: address.Base32, Base64: address.Base64}, nil
}

func (s *service) Stat(ctx context.Context, r *pb.StatRequest) (*pb.StatResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if a.tunnel.home == nil {
		return &pb.StatResponse{}, nil
	}
	dest, err := a.tunnel.opened(ctx)
	if err != nil {
		return nil, err
	}
	address, status := dest.Address(), dest.Status()
	return &pb.StatResponse{
		Address: &pb.Address{Base32: address.Base32, Base64: address.Base64},
		Ready:   status.Ready, Published: status.Published, Streams: uint32(max(status.Streams, 0)),
	}, nil
}

// lines are those of one source, at a rate.
type lines struct {
	allowed *bucket
	dropped atomic.Uint64 // since the last one that was written
}

var logLevels = map[pb.LogLevel]slog.Level{
	pb.LogLevel_DEBUG: slog.LevelDebug, pb.LogLevel_INFO: slog.LevelInfo, pb.LogLevel_WARN: slog.LevelWarn, pb.LogLevel_ERROR: slog.LevelError,
}

// Log writes a line to clove's log, or drops and counts it where they come too fast.
func (s *service) Log(ctx context.Context, r *pb.LogRequest) (*pb.LogResponse, error) {
	i := s.instance
	level, ok := logLevels[r.GetLevel()]
	if !ok {
		level = slog.LevelInfo
	}
	log, lines, count := i.log, &i.lines, new(atomic.Uint64)
	if r.GetTunnel() != "" {
		a, err := i.tunnel(r.GetTunnel())
		if err != nil {
			return nil, err
		}
		log, lines, count = log.With("tunnel", a.tunnel.name), &a.lines, &a.tunnel.logLost
	}
	if !lines.allowed.take() {
		lines.dropped.Add(1)
		count.Add(1)
		return &pb.LogResponse{}, nil
	}
	attrs := []slog.Attr{slog.String("text", logText(r.GetText()))}
	if n := lines.dropped.Swap(0); n > 0 {
		attrs = append(attrs, slog.Uint64("dropped_before", n))
	}
	log.LogAttrs(ctx, level, "plugin log", attrs...)
	return &pb.LogResponse{}, nil
}

// logText bounds a line and leaves nothing in it that a terminal or a file of lines would take for more than text.
func logText(s string) string {
	if len(s) > maxLogText {
		s = s[:maxLogText]
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '?'
		}
		return r
	}, s)
}

func (s *service) Get(_ context.Context, r *pb.GetRequest) (*pb.GetResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := checkKey(r.GetKey()); err != nil {
		return nil, err
	}
	value, found := a.tunnel.store.get(r.GetKey())
	return &pb.GetResponse{Value: value, Found: found}, nil
}

func (s *service) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := a.tunnel.store.writes.wait(ctx); err != nil {
		return nil, err
	}
	return &pb.PutResponse{}, a.tunnel.store.put(r.GetKey(), r.GetValue())
}

func (s *service) Delete(ctx context.Context, r *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := a.tunnel.store.writes.wait(ctx); err != nil {
		return nil, err
	}
	return &pb.DeleteResponse{}, a.tunnel.store.remove(r.GetKey())
}

func (s *service) Keys(_ context.Context, r *pb.KeysRequest) (*pb.KeysResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if len(r.GetPrefix()) > maxKey {
		return nil, refuse(api.ErrInvalid, "a prefix of %d bytes: keys have up to %d", len(r.GetPrefix()), maxKey)
	}
	return &pb.KeysResponse{Keys: a.tunnel.store.keys(r.GetPrefix())}, nil
}
