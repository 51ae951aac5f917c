package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a child in its sandbox.
type Process struct {
	// Stdout and Stderr are the reading ends; who starts a process reads and closes them.
	Stdout, Stderr *os.File

	pid        int
	inside     string // the folder of its sockets, as it names it
	capability Capability
	done       chan struct{}

	mu     sync.Mutex
	reaped bool     // the pid may be another process's by now
	folder *os.File // that folder, as it is
	err    error
}

// wait runs on the thread that started the child.
func (p *Process) wait(cmd *exec.Cmd) {
	// Until it is reaped its number, and that of its group, is its own: the rest of the group can be ended safely.
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	_ = unix.Kill(-p.pid, unix.SIGKILL)
	p.err = cmd.Wait()
	p.reaped = true
	if p.folder != nil {
		_ = p.folder.Close()
	}
	p.mu.Unlock()
	end := time.Now().Add(pipeGrace)
	_, _ = p.Stdout.SetReadDeadline(end), p.Stderr.SetReadDeadline(end)
	close(p.done)
}

// keep takes the folder of the child's sockets, unless it has ended already.
func (p *Process) keep(folder *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped && folder != nil {
		_ = folder.Close()
		return
	}
	p.folder = folder
}

// PID as this process sees it.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has ended; Err then says how.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil for exit status 0, or while it runs.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Kill ends the process and all its children now, and waits.
func (p *Process) Kill() {
	p.mu.Lock()
	if !p.reaped {
		_ = unix.Kill(-p.pid, unix.SIGKILL)
		_ = unix.Kill(p.pid, unix.SIGKILL)
	}
	p.mu.Unlock()
	<-p.done
}

// Dial connects to a unix socket that the child made in its folder for them, by its path as the child says it. What is not there,
// or is no socket, is refused: a child must not send clove to somebody else's.
func (p *Process) Dial(ctx context.Context, path string) (net.Conn, error) {
	name := filepath.Base(path)
	if filepath.Join(p.inside, name) != path {
		return nil, fmt.Errorf("sandbox: the plugin names a socket %q that is not in its folder %s (the environment's %s)", path, p.inside, socketFolderEnv)
	}
	fd, err := p.openSocket(name)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	var d net.Dialer
	// Not by the path: between the check and the connection it could become a symlink.
	return d.DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(int(fd.Fd())))
}

func (p *Process) openSocket(name string) (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.folder == nil {
		return nil, ErrEnded
	}
	fd, err := unix.Openat(int(p.folder.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("sandbox: the plugin's socket %q: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		_ = f.Close()
		return nil, fmt.Errorf("sandbox: %q of the plugin is no socket", name)
	}
	return f, nil
}

// Capability is how this process is confined.
func (p *Process) Capability() Capability { return p.capability }

// Memory is the resident memory in bytes, 0 where it is not known.
func (p *Process) Memory() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
