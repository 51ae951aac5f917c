//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"clove.i2p/plugins/api"
)

// Process is a child. On this system it is not confined.
type Process struct {
	Stdout, Stderr *os.File

	cmd    *exec.Cmd
	inside string
	done   chan struct{}
	err    error
}

// Main does nothing on this system.
func Main() {}

// Probe says that this system has no confinement.
func Probe() Capability {
	return Capability{Missing: []string{"Confinement is there on Linux only: a plugin can do here what the user who runs clove can. Run only plugins that you trust."}}
}

// Start runs a private copy of the binary.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	p := &Process{inside: filepath.Join(spec.Folder, "s"), done: make(chan struct{})}
	path := filepath.Join(spec.Folder, "b", filepath.Base(spec.Binary.Path))
	if err := errors.Join(os.MkdirAll(p.inside, 0o700), os.MkdirAll(filepath.Dir(path), 0o700)); err != nil {
		return nil, err
	}
	if err := copyChecked(spec.Binary, path); err != nil {
		return nil, err
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdout.Close(), childOut.Close())
	}
	env := append([]string{
		"LANG=C.UTF-8", "HOME=" + p.inside, "TMPDIR=" + p.inside, socketFolderEnv + "=" + p.inside,
		api.HostEnv + "=" + spec.HostSocket, api.DataEnv + "=" + spec.DataSocket,
	}, spec.Env...)
	p.cmd = &exec.Cmd{Path: path, Args: append([]string{path}, spec.Args...), Env: env, Dir: spec.Folder, Stdout: childOut, Stderr: childErr}
	p.Stdout, p.Stderr = stdout, stderr
	err = p.cmd.Start()
	_, _ = childOut.Close(), childErr.Close()
	if err != nil {
		return nil, errors.Join(err, stdout.Close(), stderr.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		end := time.Now().Add(pipeGrace)
		_, _ = p.Stdout.SetReadDeadline(end), p.Stderr.SetReadDeadline(end)
		close(p.done)
	}()
	return p, nil
}

func copyChecked(b *Binary, path string) error {
	_ = os.Remove(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return err
	}
	h := newHash()
	err = errors.Join(b.copyTo(f), b.copyTo(h), f.Close())
	if err == nil && h.text() != b.SHA256 {
		err = ErrChanged
	}
	return err
}

// PID as this process sees it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended; Err then says how.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil for exit status 0, or while it runs.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Kill ends the process, and waits. Its children can go on.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Dial connects to a unix socket that the child made in its folder for them.
func (p *Process) Dial(ctx context.Context, path string) (net.Conn, error) {
	if filepath.Dir(path) != p.inside || strings.HasPrefix(filepath.Base(path), ".") {
		return nil, fmt.Errorf("sandbox: the plugin names a socket %q that is not in its folder %s", path, p.inside)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("sandbox: %q of the plugin is no socket", path)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// Capability is how this process is confined.
func (p *Process) Capability() Capability { return Probe() }

// Memory is not known on this system.
func (p *Process) Memory() int64 { return 0 }
