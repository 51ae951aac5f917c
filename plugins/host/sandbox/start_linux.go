package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Start starts the child. It runs until it ends, Kill, or the end of this process; ctx is for the start only.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	o := order{
		Name: filepath.Base(spec.Binary.Path), Args: spec.Args, Env: spec.Env,
		SHA256: spec.Binary.SHA256, Size: spec.Binary.size, System: spec.Binary.system,
		HostSocket: spec.HostSocket, DataSocket: spec.DataSocket, Folder: spec.Folder,
		Memory: spec.Memory, Files: spec.Files,
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Files == 0 {
		o.Files = DefaultFiles
	}
	o.Mode, _ = probe()
	if o.Mode == modeSplit && o.HostSocket != "" {
		// The child is another user; only who gets through the 0700 folder around them gets to the sockets.
		if err := errors.Join(os.Chmod(o.HostSocket, 0o666), os.Chmod(o.DataSocket, 0o666)); err != nil {
			return nil, err
		}
	}
	return start(ctx, o, spec.Binary.file)
}

// start runs the shim and tells it what to do. binary may be nil for a probe.
func start(ctx context.Context, o order, binary *os.File) (*Process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c, err := newChannel(ours)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	p, err := spawn(o.Mode, theirs, binary)
	if err != nil {
		return nil, err
	}
	if err := p.converse(ctx, c, theirs, o); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "sandbox"), os.NewFile(uintptr(fds[1]), "shim"), nil
}

// converse gives the order, waits until everything is built, and says go.
func (p *Process) converse(ctx context.Context, c channel, theirs *os.File, o order) error {
	// Its end at the death of the shim is seen only if this process does not hold the other side.
	_ = theirs.Close()
	deadline := time.Now().Add(startTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	failed := func(err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := c.send(o, -1); err != nil {
		return failed(err)
	}
	var r report
	folder, err := c.receive(&r, deadline)
	if err != nil {
		return failed(err)
	}
	p.keep(folder)
	p.inside = socketFolder
	if o.Mode == modePlain {
		p.inside = filepath.Join(o.Folder, "s")
	}
	p.capability = r.Capability
	if r.Error != "" {
		return failed(errors.New(r.Error))
	}
	if err := c.send(true, -1); err != nil {
		return failed(err)
	}
	// The other side closes when the exec has happened, and says so when it has not.
	_, err = c.receive(&r, deadline)
	switch {
	case errors.Is(err, io.EOF) && stop():
		return nil
	case err != nil:
		return failed(err)
	}
	return failed(errors.New(r.Error))
}

// spawn starts the shim. The goroutine that does keeps its thread until the child has ended: the kernel sends the death signal
// when the thread ends that started it.
func spawn(m mode, channel, binary *os.File) (*Process, error) {
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdout.Close(), childOut.Close())
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{shimName}, Env: []string{}, Dir: "/",
		Stdout: childOut, Stderr: childErr, ExtraFiles: []*os.File{channel},
		SysProcAttr: attributes(m),
	}
	if binary != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, binary)
	}
	p := &Process{Stdout: stdout, Stderr: stderr, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		_, _ = childOut.Close(), childErr.Close()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.wait(cmd)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), stdout.Close(), stderr.Close())
	}
	return p, nil
}

// attributes of the new process, by mode.
func attributes(m mode) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if m == modePlain {
		return a
	}
	a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC |
		syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP
	if m == modeSplit {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: innerUser, HostID: outerUser, Size: 1}}
		a.GidMappings = a.UidMappings
		a.GidMappingsEnableSetgroups = true
		return a
	}
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: innerUser, HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: innerUser, HostID: os.Getegid(), Size: 1}}
	// Not user 0 inside, so capabilities would end at the exec of the shim.
	a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP}
	return a
}
