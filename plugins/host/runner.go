package host

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin/runner"

	"clove.i2p/plugins/host/sandbox"
)

// boxRunner starts a process for go-plugin in a sandbox.
type boxRunner struct {
	name string
	// open starts it with the environment of the handshake.
	open func(ctx context.Context, env []string) (*sandbox.Process, error)

	env            []string
	box            *sandbox.Process
	stdout, stderr *pacedReader
}

var _ runner.Runner = (*boxRunner)(nil)

func (r *boxRunner) bind(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
	r.env = cmd.Env
	return r, nil
}

func (r *boxRunner) Start(ctx context.Context) error {
	box, err := r.open(ctx, r.env)
	if err != nil {
		return err
	}
	p := newPacer(box.Done())
	r.box = box
	r.stdout = &pacedReader{ReadCloser: box.Stdout, pacer: p, ended: make(chan struct{})}
	r.stderr = &pacedReader{ReadCloser: box.Stderr, pacer: p, ended: make(chan struct{})}
	return nil
}

func (r *boxRunner) Wait(context.Context) error {
	<-r.box.Done()
	return r.box.Err()
}

func (r *boxRunner) Kill(context.Context) error {
	r.box.Kill()
	return nil
}

func (r *boxRunner) ID() string                      { return strconv.Itoa(r.box.PID()) }
func (r *boxRunner) Stdout() io.ReadCloser           { return r.stdout }
func (r *boxRunner) Stderr() io.ReadCloser           { return r.stderr }
func (r *boxRunner) Name() string                    { return r.name }
func (r *boxRunner) Diagnose(context.Context) string { return "" }

// PluginToHost keeps the path as the plugin says it: only sandbox.Process.Dial knows what it means.
func (r *boxRunner) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" {
		return "", "", fmt.Errorf("it listens on %s %s; it has to listen on a unix socket in the folder that PLUGIN_UNIX_SOCKET_DIR names",
			printable(network, 20), printable(address, 80))
	}
	return network, address, nil
}

func (r *boxRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
