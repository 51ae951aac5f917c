package conformance_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/sdk"
	"clove.i2p/proxies/relay"
)

// faultEnv makes the test binary a plugin: a good one ("none"), or one with a fault.
const faultEnv = "CLOVE_TEST_FAULT"

type settings struct {
	Port   int    `setting:"port" default:"0"`
	Mode   string `setting:"mode" choices:"a,b" default:"a"`
	Target string `setting:"target" kind:"dial-address" required:"true"`
	Peer   string `setting:"peer" kind:"i2p-address" required:"true"`
	Listen string `setting:"listen" kind:"listen-address" default:"127.0.0.1:4444"`
	Folder string `setting:"folder" kind:"folder"`
}

func faultyEcho(fault string) func(ctx context.Context, t *sdk.Tunnel, s settings) error {
	return func(ctx context.Context, t *sdk.Tunnel, s settings) error {
		if fault == "start" && t.Name() == "conformance" {
			return io.ErrClosedPipe
		}
		l, err := t.Listen(s.Port)
		if err != nil {
			return err
		}
		var mu sync.Mutex
		open := map[net.Conn]bool{}
		sdk.OnReload(t, func(settings) bool {
			mu.Lock()
			defer mu.Unlock()
			for c := range open {
				if fault == "reload" {
					_ = c.Close()
				}
			}
			return true
		})
		if fault == "metric" {
			t.Counter("peer", "").Add(1)
		}
		return t.Serve(ctx, l, func(_ context.Context, c net.Conn) {
			mu.Lock()
			open[c] = true
			mu.Unlock()
			defer func() {
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			}()
			switch fault {
			case "corrupt":
				b := make([]byte, 4096)
				for {
					n, err := c.Read(b)
					if n > 1000 {
						b[n/2]++
					}
					if _, werr := c.Write(b[:n]); err != nil || werr != nil {
						return
					}
				}
			case "unflushed":
				w := bufio.NewWriterSize(c, 64<<10)
				r := bufio.NewReader(c)
				for {
					line, err := r.ReadString('\n')
					_, _ = w.WriteString(line)
					if err != nil {
						return
					}
					_ = w.Flush()
				}
			case "memory":
				b := make([]byte, 64<<10)
				var all []byte
				for {
					n, err := c.Read(b)
					all = append(all, b[:n]...)
					if len(all) < 64<<10 { // fits into the buffers on the way
						_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
						if _, err := c.Write(b[:n]); err != nil {
							return
						}
					}
					if err != nil {
						return
					}
				}
			case "descriptors":
				if a, b, err := os.Pipe(); err == nil {
					filesMu.Lock()
					files = append(files, a, b)
					filesMu.Unlock()
				}
			}
			_, _ = io.Copy(c, c)
		})
	}
}

// files are never closed.
var (
	filesMu sync.Mutex
	files   []*os.File
)

func rawServer(fault string) func(ctx context.Context, t *sdk.Tunnel, s settings) error {
	return func(ctx context.Context, t *sdk.Tunnel, s settings) error {
		l, err := t.Listen(0)
		if err != nil {
			return err
		}
		return t.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			to, err := t.DialLocal(ctx, s.Target, "")
			if err != nil {
				return
			}
			join(ctx, c, to, fault)
		})
	}
}

func rawClient(fault string) func(ctx context.Context, t *sdk.Tunnel, s settings) error {
	return func(ctx context.Context, t *sdk.Tunnel, s settings) error {
		l, err := t.ListenLocal(s.Listen)
		if err != nil {
			return err
		}
		return t.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			to, err := t.Dial(ctx, s.Peer+":80")
			if err != nil {
				return
			}
			join(ctx, c, to, fault)
		})
	}
}

// join with the fault "half-close" ends all with the first end.
func join(ctx context.Context, a, b net.Conn, fault string) {
	if fault != "half-close" {
		relay.Join(ctx, a, b, relay.Limits{Idle: time.Minute, Linger: time.Minute}, new(counter), new(counter))
		return
	}
	defer b.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

func faulty(fault string) sdk.Plugin {
	return sdk.Plugin{
		Name: "faulty", Version: "1.0.0", Summary: "a plugin with a fault",
		Permissions: []sdk.Permission{sdk.ListenI2P, sdk.DialI2P, sdk.DialLocal, sdk.ListenLocal},
		Types: []sdk.TunnelType{
			sdk.Type[settings]{Name: "echo", Summary: "echo", Destination: sdk.Server, Protocol: "echo", Run: faultyEcho(fault)},
			sdk.Type[settings]{Name: "raw-server", Summary: "raw", Destination: sdk.Server, Protocol: "raw", Run: rawServer(fault)},
			sdk.Type[settings]{Name: "raw-client", Summary: "raw", Destination: sdk.Client, Protocol: "raw", Run: rawClient(fault)},
		},
	}
}

// faultyServer is the sdk's server with faults of its own.
type faultyServer struct {
	pb.PluginServer

	fault string
}

func (s *faultyServer) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.Description, error) {
	d, err := s.PluginServer.Describe(ctx, r)
	if s.fault == "description" {
		d.Types = append(d.Types, d.Types[0])
		d.Types[0].Settings[0].DefaultJson = "nonsense"
	}
	return d, err
}

func (s *faultyServer) Validate(ctx context.Context, r *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	if s.fault == "validate" {
		return &pb.ValidateResponse{}, nil
	}
	return s.PluginServer.Validate(ctx, r)
}

func (s *faultyServer) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	if s.fault == "health" && r.Tunnel == "conformance" {
		<-ctx.Done()
	}
	if s.fault == "unknown" {
		return &pb.HealthResponse{}, nil
	}
	return s.PluginServer.Health(ctx, r)
}

func (s *faultyServer) Metrics(ctx context.Context, r *pb.MetricsRequest) (*pb.MetricsResponse, error) {
	m, err := s.PluginServer.Metrics(ctx, r)
	if s.fault == "metric" && err == nil {
		m.Metrics = append(m.Metrics, m.Metrics...)
	}
	return m, err
}

func (s *faultyServer) Drain(ctx context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	switch {
	case s.fault == "drain":
		return &pb.DrainResponse{}, nil
	case s.fault == "drain-cuts" && r.Tunnel == "conformance":
		time.Sleep(time.Duration(r.DeadlineMs) * time.Millisecond)
		_, _ = s.PluginServer.Stop(ctx, &pb.StopRequest{Tunnel: r.Tunnel})
		return &pb.DrainResponse{Open: 1}, nil
	}
	return s.PluginServer.Drain(ctx, r)
}

func (s *faultyServer) Stop(ctx context.Context, r *pb.StopRequest) (*pb.StopResponse, error) {
	if s.fault == "stop" {
		return &pb.StopResponse{}, nil
	}
	return s.PluginServer.Stop(ctx, r)
}

// faultyMain is sdk.Serve with faults.
func faultyMain(fault string) {
	if os.Getenv(api.CookieEnv) != api.Cookie {
		switch fault {
		case "mute":
			os.Exit(1)
		case "content":
			println("this is a plugin")
			os.Exit(0)
		}
	}
	if fault == "none" {
		sdk.Serve(faulty(fault))
	}
	handshake := api.Handshake()
	if fault == "version" {
		wanted, _ := strconv.ParseUint(os.Getenv("PLUGIN_PROTOCOL_VERSIONS"), 10, 16)
		handshake.ProtocolVersion = uint(wanted)
	}
	program, err := sdk.Connect(faulty(fault), os.Getenv(api.HostEnv), os.Getenv(api.DataEnv))
	if err != nil {
		panic(err)
	}
	if fault != "immortal" {
		go func() {
			<-program.Gone()
			os.Exit(0)
		}()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake, Plugins: api.Plugins(&faultyServer{program.Server(), fault}),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(o...) }, Logger: hclog.NewNullLogger(),
	})
	os.Exit(0)
}
