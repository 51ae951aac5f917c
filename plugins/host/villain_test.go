package host_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// villain is a plugin that does what it should not.
type villain struct {
	pb.UnimplementedPluginServer
	script
	floods sync.Once
}

func (v *villain) is(what string) bool { return strings.Contains(v.Behaviour, what) }

// hang answers never.
func (v *villain) hang(ctx context.Context, call string) {
	if v.is("hang-all") || v.is("hang-"+call) {
		select {} // nor when the call is cancelled
	}
}

func (v *villain) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.Description, error) {
	v.hang(ctx, "describe")
	d := &pb.Description{
		Name: "villain", Version: "6.6.6", Summary: "means no good\x1b]0;owned\x07",
		Permissions: []pb.Permission{pb.Permission_LISTEN_LOCAL, pb.Permission_DIAL_CLEARNET, pb.Permission_READ_FILES, pb.Permission_DIAL_I2P},
		Types:       []*pb.TunnelType{{Name: "villain", Settings: []*pb.Setting{{Key: "n", Type: pb.SettingType_INTEGER}}}},
	}
	switch {
	case v.is("huge-describe"):
		d.Summary = strings.Repeat("x", 1<<30)
	case v.is("many-types"):
		for i := range 1000 {
			d.Types = append(d.Types, &pb.TunnelType{Name: fmt.Sprintf("t%d", i)})
		}
	case v.is("own-key"):
		d.Types[0].Settings[0].Key = "enabled"
	case strings.HasPrefix(v.Behaviour, "default "):
		// default KIND JSON
		parts := strings.SplitN(v.Behaviour, " ", 3)
		d.Types[0].Settings = append(d.Types[0].Settings, &pb.Setting{
			Key: "own", Type: pb.SettingType_STRINGS, Kind: pb.SettingKind(pb.SettingKind_value[parts[1]]), DefaultJson: parts[2],
		})
	case v.is("odd-type"):
		d.Types[0].Name = "../../etc"
	}
	return d, nil
}

func (v *villain) Validate(ctx context.Context, _ *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	v.hang(ctx, "validate")
	return &pb.ValidateResponse{}, nil
}

func (v *villain) Start(ctx context.Context, r *pb.StartRequest) (*pb.StartResponse, error) {
	v.hang(ctx, "start")
	switch {
	case v.is("crash"):
		fmt.Fprintln(os.Stderr, "my last words")
		go func() { time.Sleep(10 * time.Millisecond); os.Exit(9) }()
	case v.is("try"):
		v.tryAll(ctx, r.Tunnel)
	case v.is("flood"):
		v.floods.Do(func() { v.flood(r.Tunnel) })
	case v.is("family"):
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		for range 5 {
			cmd := exec.Command("/bin/sh", "-c", "trap '' TERM HUP; sleep 600")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Start(); err != nil {
				fmt.Fprintln(os.Stderr, "family:", err)
			}
		}
	}
	return &pb.StartResponse{}, nil
}

func (v *villain) Stop(ctx context.Context, _ *pb.StopRequest) (*pb.StopResponse, error) {
	v.hang(ctx, "stop")
	return &pb.StopResponse{}, nil
}

func (v *villain) Drain(ctx context.Context, _ *pb.DrainRequest) (*pb.DrainResponse, error) {
	v.hang(ctx, "drain")
	return &pb.DrainResponse{}, nil
}

func (v *villain) Health(ctx context.Context, _ *pb.HealthRequest) (*pb.HealthResponse, error) {
	v.hang(ctx, "health")
	return &pb.HealthResponse{}, nil
}

func (v *villain) Metrics(ctx context.Context, _ *pb.MetricsRequest) (*pb.MetricsResponse, error) {
	v.hang(ctx, "metrics")
	m := &pb.MetricsResponse{Metrics: []*pb.Metric{{Name: "good", Value: 1}, {Name: "bad name\n", Value: 1}, {Name: "__x", Value: 1}}}
	for i := range 1000 {
		m.Metrics = append(m.Metrics, &pb.Metric{Name: fmt.Sprintf("m%d", i), Value: float64(i)})
	}
	return m, nil
}

func (v *villain) host() (pb.HostClient, error) {
	conn, err := grpc.NewClient("unix:"+os.Getenv(api.HostEnv), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return pb.NewHostClient(conn), err
}

// flood writes without end wherever it can.
func (v *villain) flood(tunnel string) {
	h, err := v.host()
	if err != nil {
		panic(err)
	}
	text := strings.Repeat("flood ", 300)
	for _, w := range []io.Writer{os.Stderr, os.Stdout, os.NewFile(1, "stdout"), os.NewFile(2, "stderr")} {
		go func() {
			for {
				_, _ = io.WriteString(w, text+"\n")
			}
		}()
	}
	for range 4 {
		go func() {
			for {
				_, _ = h.Log(context.Background(), &pb.LogRequest{Tunnel: tunnel, Level: pb.LogLevel_ERROR, Text: text})
			}
		}()
	}
}

// tryAll says on standard error what it got: only what it should not have.
func (v *villain) tryAll(ctx context.Context, tunnel string) {
	got := func(what string, err error) {
		if err == nil {
			fmt.Fprintln(os.Stderr, "GOT", what)
		}
	}
	dial := func(network, address string) error {
		c, err := net.DialTimeout(network, address, 2*time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	read := func(path string) error {
		_, err := os.ReadFile(path)
		return err
	}
	got("tcp", dial("tcp", v.Address))
	got("udp", dial("udp", "127.0.0.1:53"))
	got("unix", dial("unix", filepath.Join(v.Outside, "other.sock")))
	r := net.Resolver{PreferGo: true}
	_, err := r.LookupHost(ctx, "clove.example")
	got("dns", err)
	got("keys", read(filepath.Join(v.Outside, "secret")))
	got("passwd", read("/etc/passwd"))
	got("environ", read("/proc/"+strconv.Itoa(v.Pid)+"/environ"))
	got("kill", syscall.Kill(v.Pid, 0))
	got("write", os.WriteFile(filepath.Join(v.Outside, "mine"), nil, 0o600))
	h, err := v.host()
	if err != nil {
		panic(err)
	}
	_, err = h.DialClearnet(ctx, &pb.DialClearnetRequest{Tunnel: tunnel, Address: "203.0.113.1:80"})
	got("clearnet", err)
	_, err = h.OpenFile(ctx, &pb.OpenFileRequest{Tunnel: tunnel, Root: filepath.Join(v.Outside, "secret")})
	got("file", err)
	_, err = h.ListenLocal(ctx, &pb.ListenLocalRequest{Tunnel: tunnel, Address: "127.0.0.1:0"})
	got("listen", err)
	_, err = h.DialLocal(ctx, &pb.DialLocalRequest{Tunnel: tunnel, Address: v.Address})
	got("local", err)
	_, err = h.Stat(ctx, &pb.StatRequest{Tunnel: "other"})
	got("a tunnel of somebody else", err)
	fmt.Fprintln(os.Stderr, "TRIED ALL")
}
