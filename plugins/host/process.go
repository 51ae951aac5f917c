package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/host/sandbox"
)

// process is one run of a plugin's program.
//
//	launch -> described -> calls ... -> end
//
// go-plugin starts it and does the handshake. The connection is our own: go-plugin's would take messages of 2 GiB, and start a
// goroutine for each message of its broker, which a hostile plugin sends without end.
type process struct {
	name     string
	box      *sandbox.Process
	instance *gate.Instance
	conn     *grpc.ClientConn
	client   pb.PluginClient
	path     string
	sha256   string
	bundled  bool
	granted  []pb.Permission
	started  time.Time
	book     *logbook
	lastWord <-chan struct{} // the end of standard error
	release  func() bool     // of the tie to the start's context

	stop  context.CancelFunc // of the instance and the output
	tasks sync.WaitGroup
	once  sync.Once
}

// launchSpec says what to launch.
type launchSpec struct {
	name    string
	cfg     PluginConfig
	granted []pb.Permission
	book    *logbook
	any     bool // take any content where no checksum is registered
}

// launch starts a program and waits for its handshake. ctx is for the start only.
func (h *Host) launch(ctx context.Context, s launchSpec) (*process, error) {
	binary, bundled, err := h.open(s.name, s.cfg, s.any)
	if err != nil {
		return nil, err
	}
	defer binary.Close()
	instance, err := h.cfg.Gate.NewInstance(gate.InstanceConfig{Plugin: s.name, Permissions: s.granted, Parent: h.run, Log: h.cfg.Log})
	if err != nil {
		return nil, err
	}
	p := &process{
		name: s.name, instance: instance, path: binary.Path, sha256: binary.SHA256, bundled: bundled, granted: s.granted, book: s.book, started: time.Now(),
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	r := &boxRunner{name: binary.Path, open: func(startCtx context.Context, env []string) (*sandbox.Process, error) {
		startCtx, cancel := context.WithCancel(startCtx)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		box, err := sandbox.Start(startCtx, sandbox.Spec{
			Binary: binary, Env: env, HostSocket: instance.HostSocket(), DataSocket: instance.DataSocket(), Folder: instance.Folder(),
			Memory: s.cfg.Memory, Files: s.cfg.Files,
		})
		if err != nil {
			return nil, err
		}
		p.box = box
		p.release = context.AfterFunc(ctx, box.Kill)
		p.tasks.Go(func() {
			if err := instance.Serve(life, box.PID()); err != nil {
				h.cfg.Log.Error("sockets of a plugin", "plugin", s.name, "err", err)
				box.Kill()
			}
		})
		return box, nil
	}}
	path, err := p.handshake(r)
	if p.release != nil {
		p.release()
	}
	if err == nil {
		err = p.connect(life, path)
	}
	if err != nil {
		p.end()
		if p.box == nil {
			instance.Close()
		}
		return nil, p.explain(err, r)
	}
	return p, nil
}

// handshake returns the path of the plugin's socket, as the plugin says it.
func (p *process) handshake(r *boxRunner) (string, error) {
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  api.Handshake(),
		Plugins:          api.Plugins(nil),
		RunnerFunc:       r.bind,
		SkipHostEnv:      true,
		StartTimeout:     startTimeout,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr:           &lineWriter{book: p.book, stream: "stderr"},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: p.instance.Folder()},
	})
	addr, err := client.Start()
	if r.stderr != nil {
		p.lastWord = r.stderr.ended
	}
	if err != nil {
		return "", err
	}
	return addr.String(), nil
}

func (p *process) connect(life context.Context, path string) error {
	conn, err := grpc.NewClient("passthrough:plugin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.box.Dial(ctx, path) }),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
		grpc.WithMaxHeaderListSize(headerSize),
		// Fixed windows: otherwise they grow to 16 MiB for each stream.
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(256<<10),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(smallSize)),
	)
	if err != nil {
		return err
	}
	p.conn, p.client = conn, pb.NewPluginClient(conn)
	p.tasks.Go(func() { p.readStdio(life) })
	return nil
}

// explain makes what go-plugin says into what a person can use.
func (p *process) explain(err error, r *boxRunner) error {
	text := err.Error()
	if _, versions, ok := strings.Cut(text, "Plugin version: "); ok && strings.Contains(text, "incompatible API version") {
		theirs, _, _ := strings.Cut(versions, ",")
		return fmt.Errorf("plugin %s: %w: it speaks version %s, this clove version %d; get a build of the plugin for this clove, or a clove for this plugin",
			p.name, ErrProtocol, printable(theirs, 20), api.ProtocolVersion)
	}
	if errors.Is(err, sandbox.ErrUnsafe) || r.box == nil {
		return fmt.Errorf("plugin %s: %w", p.name, err)
	}
	switch {
	case strings.HasPrefix(text, "timeout"):
		text = fmt.Sprintf("it did not say where it listens within %v", startTimeout)
	case strings.HasPrefix(text, "Unrecognized remote plugin message: \nFailed"), strings.HasPrefix(text, "plugin exited"):
		text = "it ended before it said where it listens"
	case strings.HasPrefix(text, "Unrecognized remote plugin message: "):
		text = "it does not begin with the handshake of a clove plugin, but with: " + strings.TrimPrefix(text, "Unrecognized remote plugin message: ")
	}
	if words := p.book.tail(p.started); words != "" {
		text += "; its last words: " + words
	}
	return fmt.Errorf("plugin %s did not start: %s", p.name, printable(text, 3*maxErrorText))
}

// end asks the process to end, and ends it. It returns when nothing of it is left.
func (p *process) end() {
	p.once.Do(func() {
		if p.box != nil {
			p.endBox()
		}
		p.stop()
		if p.conn != nil {
			_ = p.conn.Close()
		}
		p.tasks.Wait()
	})
}

func (p *process) endBox() {
	if p.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		// What go-plugin's own client does; a plugin in another language may not know it.
		if p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}) == nil {
			select {
			case <-p.box.Done():
			case <-ctx.Done():
			}
		}
	}
	p.box.Kill()
	if p.lastWord != nil {
		select {
		case <-p.lastWord:
		case <-time.After(outputGrace):
		}
	}
	_, _ = p.box.Stdout.Close(), p.box.Stderr.Close()
}

// ended says how a process ended, with its last words.
func (p *process) ended() string {
	text := "it ended"
	if err := p.box.Err(); err != nil {
		text += " (" + err.Error() + ")"
	}
	if words := p.book.tail(p.started); words != "" {
		text += "; its last words: " + words
	}
	return text
}
