package sdk

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"

	"clove.i2p/plugins/api/pb"
)

// slowHost takes a line when it is told to.
type slowHost struct {
	pb.HostClient

	take  chan struct{}
	lines []*pb.LogRequest
}

func (h *slowHost) Log(ctx context.Context, r *pb.LogRequest, _ ...grpc.CallOption) (*pb.LogResponse, error) {
	select {
	case <-h.take:
		h.lines = append(h.lines, r)
		return &pb.LogResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestLogNeverBlocksAndCountsWhatItDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		host := &slowHost{take: make(chan struct{})}
		tun := &Tunnel{Log: newLog(&Program{ctx: ctx, host: host}, "x")}
		tun.Log.Error("first")
		synctest.Wait()                                                  // it is on its way
		long := strings.Repeat("x", maxLogLine-len("text key=")-1) + "é" // é would be cut in two
		for range logBacklog + 10 {
			tun.Log.Info("text", "key", long)
		}
		if n := tun.log().dropped.Load(); n != 10 {
			t.Fatalf("%d lines dropped, want 10", n)
		}
		close(host.take)
		tun.log().close(ctx)
		if len(host.lines) != logBacklog+1 {
			t.Fatalf("%d lines arrived", len(host.lines))
		}
		if l := host.lines[0]; l.Text != "first" || l.Level != pb.LogLevel_ERROR || l.Tunnel != "x" {
			t.Fatalf("first line %v", l)
		}
		if l := host.lines[1]; len(l.Text) > maxLogLine || !strings.HasSuffix(l.Text, "x?") {
			t.Fatalf("a line of %d bytes ends with %q", len(l.Text), l.Text[len(l.Text)-3:])
		}
	})
}
