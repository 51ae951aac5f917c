package plugintest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/sdk"
)

// process is a plugin's program: in this process, but behind the same sockets.
type process struct {
	instance    *gate.Instance
	program     *sdk.Program
	client      pb.PluginClient
	description *pb.Description

	once   sync.Once
	finish func()
}

func (h *Host) launch(p sdk.Plugin) (*process, error) {
	d, err := sdk.Describe(p)
	if err != nil {
		return nil, err
	}
	instance, err := h.gate.NewInstance(gate.InstanceConfig{Plugin: d.Name, Permissions: h.permissions(d.Permissions)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		if err := instance.Serve(ctx, 0); err != nil {
			h.t.Errorf("plugintest: the gate ended: %v", err)
		}
	})
	program, err := sdk.Connect(p, instance.HostSocket(), instance.DataSocket())
	if err != nil {
		cancel()
		tasks.Wait()
		return nil, err
	}
	l := bufconn.Listen(64 << 10)
	server := grpc.NewServer()
	pb.RegisterPluginServer(server, program.Server())
	tasks.Go(func() { _ = server.Serve(l) })
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		cancel()
		server.Stop()
		tasks.Wait()
		return nil, err
	}
	proc := &process{instance: instance, program: program, client: pb.NewPluginClient(conn)}
	proc.finish = func() {
		_ = conn.Close()
		server.Stop()
		if err := program.Close(10 * time.Second); err != nil {
			h.t.Errorf("plugintest: %v", err)
		}
		cancel()
		tasks.Wait()
	}
	describeCtx, done := context.WithTimeout(ctx, patience)
	defer done()
	if proc.description, err = proc.client.Describe(describeCtx, &pb.DescribeRequest{}); err != nil {
		proc.end()
		return nil, err
	}
	return proc, nil
}

func (p *process) validate(typ string, raw []byte) ([]sdk.Problem, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := p.client.Validate(ctx, &pb.ValidateRequest{Type: typ, Settings: raw})
	if err != nil {
		return nil, statusText(err)
	}
	var problems []sdk.Problem
	for _, problem := range r.Problems {
		problems = append(problems, sdk.Problem{Key: problem.Key, Text: problem.Text})
	}
	return problems, nil
}

// start is validate, attach and start.
func (p *process) start(tunnel, typ string, raw []byte) error {
	problems, err := p.validate(typ, raw)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		var texts []string
		for _, problem := range problems {
			texts = append(texts, problem.Key+": "+problem.Text)
		}
		return fmt.Errorf("settings: %s", strings.Join(texts, "; "))
	}
	if err := p.instance.Attach(tunnel); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := p.client.Start(ctx, &pb.StartRequest{Tunnel: tunnel, Type: typ, Settings: raw}); err != nil {
		return statusText(err)
	}
	return nil
}

// end is the end of the program and its sockets.
func (p *process) end() { p.once.Do(p.finish) }
