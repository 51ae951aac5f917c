// Command plugin-hostile is a plugin that does what it must not. What it gets that it should not have, it tells on standard
// error in lines that begin with GOT. A tunnel's setting "behaviour" says what it does:
//
//	try       reaches out for whatever there is: sockets, names, files, processes, calls that it may not make; once
//	flood     writes to standard output, standard error and the log without end
//	hang-X    does not answer the call X (validate, start, stop, drain, metrics), ever
//	huge      answers Metrics with a gigabyte
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: api.Handshake(),
		Plugins:         api.Plugins(&hostile{behaviour: map[string]string{}}),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxSendMsgSize(2<<30))...)
		},
		Logger: hclog.NewNullLogger(),
	})
}

type hostile struct {
	pb.UnimplementedPluginServer
	mu        sync.Mutex
	behaviour map[string]string // by tunnel
	flooding  sync.Once
}

func (h *hostile) Describe(context.Context, *pb.DescribeRequest) (*pb.Description, error) {
	text := func(key string, kind pb.SettingKind) *pb.Setting { return &pb.Setting{Key: key, Kind: kind} }
	return &pb.Description{
		Name: "hostile", Version: "6.6.6", Summary: "means no good \x1b]0;owned\x07",
		Permissions: []pb.Permission{
			pb.Permission_DIAL_I2P, pb.Permission_LISTEN_I2P, pb.Permission_DIAL_LOCAL, pb.Permission_LISTEN_LOCAL, pb.Permission_DIAL_CLEARNET, pb.Permission_READ_FILES,
		},
		Types: []*pb.TunnelType{{Name: "hostile", Destination: pb.DestinationKind_CLIENT, Settings: []*pb.Setting{
			text("behaviour", pb.SettingKind_PLAIN),
			// What it tries to get is told as plain text: these settings grant nothing.
			text("data", pb.SettingKind_PLAIN), text("address", pb.SettingKind_PLAIN), text("pid", pb.SettingKind_PLAIN),
			text("other", pb.SettingKind_PLAIN), text("site", pb.SettingKind_PLAIN),
		}}},
	}, nil
}

// hang answers never, nor when the call is cancelled.
func (h *hostile) hang(behaviour, call string) {
	if behaviour == "hang-"+call {
		select {}
	}
}

func (h *hostile) of(tunnel string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.behaviour[tunnel]
}

func (h *hostile) Validate(_ context.Context, r *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	h.hang(behaviourIn(r.GetSettings()), "validate")
	return &pb.ValidateResponse{}, nil
}

func (h *hostile) Start(ctx context.Context, r *pb.StartRequest) (*pb.StartResponse, error) {
	behaviour := behaviourIn(r.GetSettings())
	h.mu.Lock()
	h.behaviour[r.GetTunnel()] = behaviour
	h.mu.Unlock()
	h.hang(behaviour, "start")
	switch behaviour {
	case "try":
		go func() {
			tryAll(r.GetTunnel(), settingsIn(r.GetSettings()))
			fmt.Fprintln(os.Stderr, "TRIED ALL")
		}()
	case "huge":
		gigabyte() // so that Metrics answers in time
	case "flood":
		h.flooding.Do(func() { flood(r.GetTunnel()) })
	}
	return &pb.StartResponse{}, nil
}

func (h *hostile) Stop(_ context.Context, r *pb.StopRequest) (*pb.StopResponse, error) {
	h.hang(h.of(r.GetTunnel()), "stop")
	return &pb.StopResponse{}, nil
}

func (h *hostile) Drain(_ context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	h.hang(h.of(r.GetTunnel()), "drain")
	return &pb.DrainResponse{}, nil
}

func (h *hostile) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	return &pb.HealthResponse{}, nil
}

func (h *hostile) Metrics(_ context.Context, r *pb.MetricsRequest) (*pb.MetricsResponse, error) {
	behaviour := h.of(r.GetTunnel())
	h.hang(behaviour, "metrics")
	m := &pb.MetricsResponse{Metrics: []*pb.Metric{{Name: "good", Value: 1}, {Name: "bad name\n", Value: 1}}}
	if behaviour == "huge" {
		m.Metrics[0].Help = gigabyte()
	}
	return m, nil
}

var gigabyte = sync.OnceValue(func() string { return strings.Repeat("x", 1<<30) })

// flood writes without end wherever it can.
func flood(tunnel string) {
	text := strings.Repeat("flood ", 300)
	for _, f := range []*os.File{os.Stderr, os.Stdout, os.NewFile(1, "stdout"), os.NewFile(2, "stderr")} {
		go func() {
			for {
				_, _ = f.WriteString(text + "\n")
			}
		}()
	}
	host, err := hostClient()
	if err != nil {
		panic(err)
	}
	for range 4 {
		go func() {
			for {
				_, _ = host.Log(context.Background(), &pb.LogRequest{Tunnel: tunnel, Level: pb.LogLevel_ERROR, Text: text})
			}
		}()
	}
}
