package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// process is one run of the binary.
type process struct {
	suite    *suite
	instance *gate.Instance
	leave    func() // the host's sockets go
	client   *plugin.Client
	rpc      plugin.ClientProtocol
	plugin   pb.PluginClient
	pid      int
	stderr   *tail
	once     sync.Once
}

// environment is what clove gives a plugin, but for the sockets.
func environment() []string {
	return []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=" + os.TempDir(), "TMPDIR=" + os.TempDir()}
}

// sockets makes the host's side. leave closes the sockets.
func (s *suite) sockets(ctx context.Context, permissions []pb.Permission) (instance *gate.Instance, leave func(), err error) {
	instance, err = s.lab.gate.NewInstance(gate.InstanceConfig{Plugin: "conformance", Permissions: permissions, Log: s.Log})
	if err != nil {
		return nil, nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := instance.Serve(life, 0); err != nil {
			s.Log.Error("gate", "error", err)
		}
	}()
	return instance, func() {
		cancel()
		<-served
	}, nil
}

func (s *suite) start(ctx context.Context, permissions []pb.Permission) (*process, error) {
	instance, leave, err := s.sockets(ctx, permissions)
	if err != nil {
		return nil, err
	}
	p := &process{suite: s, instance: instance, leave: leave, stderr: &tail{log: s.Log}}
	cmd := exec.Command(s.Binary)
	cmd.Env = append(environment(), instance.Env()...)
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  api.Handshake(),
		Plugins:          api.Plugins(nil),
		Cmd:              cmd,
		SkipHostEnv:      true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     callTime,
		Stderr:           p.stderr,
		Logger:           hclog.NewNullLogger(),
	})
	p.rpc, err = p.client.Client()
	if err != nil {
		p.end()
		return nil, fmt.Errorf("handshake: %w%s", firstLine(err), p.stderr)
	}
	p.pid = cmd.Process.Pid
	dispensed, err := p.rpc.Dispense(api.Name)
	if err != nil {
		p.end()
		return nil, err
	}
	p.plugin = dispensed.(pb.PluginClient)
	return p, nil
}

// end kills the process.
func (p *process) end() {
	p.once.Do(func() {
		p.client.Kill()
		p.leave()
	})
}

// died has the last words of a process that has ended by itself.
func (p *process) died(err error) error {
	if err != nil && p.client.Exited() {
		return fmt.Errorf("the process has ended: %w%s", err, p.stderr)
	}
	return err
}

func (s *suite) byHand(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Binary)
	cmd.Env = environment()
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("without %s in its environment it goes on: it has to end with an explanation", api.CookieEnv)
	case err == nil:
		return errors.New("without a host it ends with status 0; it has to be another one")
	case !errors.As(err, &exit):
		return err
	case exit.ExitCode() < 0:
		return fmt.Errorf("without a host it ends with %w", exit)
	case len(bytes.TrimSpace(out)) == 0:
		return errors.New("without a host it ends without a word: it has to say what it is")
	}
	return nil
}

func (s *suite) handshake(ctx context.Context) error {
	p, err := s.start(ctx, nil)
	if err != nil {
		return err
	}
	defer p.end()
	if p.client.NegotiatedVersion() != api.ProtocolVersion {
		return fmt.Errorf("protocol version %d, want %d", p.client.NegotiatedVersion(), api.ProtocolVersion)
	}
	if r := p.client.ReattachConfig(); r == nil || r.Addr.Network() != "unix" {
		return errors.New("it does not listen on a unix socket: clove's plugins have no other network")
	}
	if err := p.rpc.Ping(); err != nil {
		return fmt.Errorf("grpc.health.v1.Health/Check of the service \"plugin\": %w", err)
	}
	return nil
}

// wrongVersion starts it for a host of another version. It has to say its own in the handshake, or
// in its last words.
func (s *suite) wrongVersion(ctx context.Context) error {
	other := api.Handshake()
	other.ProtocolVersion = api.ProtocolVersion + 98
	cmd := exec.Command(s.Binary)
	instance, leave, err := s.sockets(ctx, nil)
	if err != nil {
		return err
	}
	defer leave()
	cmd.Env = append(environment(), instance.Env()...)
	words := &tail{log: s.Log}
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: other, Plugins: api.Plugins(nil), Cmd: cmd, SkipHostEnv: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, StartTimeout: callTime, Logger: hclog.NewNullLogger(),
		Stderr: words,
	})
	defer c.Kill()
	_, err = c.Start()
	if err == nil {
		return fmt.Errorf("it says that it speaks version %d", other.ProtocolVersion)
	}
	if !strings.Contains(strings.ToLower(err.Error()+words.String()), "version") {
		return fmt.Errorf("a host of version %d does not learn why it does not fit: %w", other.ProtocolVersion, firstLine(err))
	}
	return ctx.Err()
}

// firstLine: go-plugin's errors go on for a page.
func firstLine(err error) error {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(line)
}

// tail keeps the last lines of standard error.
type tail struct {
	log *slog.Logger

	mu   sync.Mutex
	last []string
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		t.log.Info("stderr", "line", line)
		if t.last = append(t.last, line); len(t.last) > 20 {
			t.last = t.last[1:]
		}
	}
	return len(b), nil
}

// String is empty, or begins with a line break.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == 0 {
		return ""
	}
	return "\nIts last words:\n  " + strings.Join(t.last, "\n  ")
}
