package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clove.i2p/plugins/api"
	"golang.org/x/sys/unix"
)

// shimName is the first argument of a shim. Nothing else looks like it.
const shimName = "clove: plugin sandbox"

// Descriptors of the shim.
const (
	channelFD = 3
	binaryFD  = 4
)

// Main is called first thing in main, and in TestMain of a test that starts plugins. In a process that Start has started it does
// not return; in any other it does nothing.
func Main() {
	if len(os.Args) != 1 || os.Args[0] != shimName {
		return
	}
	// Capabilities, seccomp and Landlock belong to a thread; the one that executes is the one that counts.
	runtime.LockOSThread()
	if err := shim(); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func shim() error {
	unix.CloseOnExec(channelFD)
	unix.CloseOnExec(binaryFD)
	c, err := newChannel(os.NewFile(channelFD, "channel"))
	if err != nil {
		return err
	}
	var o order
	if _, err := c.receive(&o, time.Now().Add(startTime)); err != nil {
		return err
	}
	j := jail{order: o, binary: os.NewFile(binaryFD, "binary")}
	if err := j.build(); err != nil {
		return errors.Join(err, c.send(report{Error: err.Error()}, -1))
	}
	if err := c.send(report{Capability: j.capability}, j.sockets); err != nil {
		return err
	}
	// The death signal is set by now. Had clove died before, nobody would say go.
	var start bool
	if _, err := c.receive(&start, time.Now().Add(startTime)); err != nil {
		return err
	}
	if o.Probe {
		return nil
	}
	args := append([]string{j.path}, o.Args...)
	err = syscall.Exec(j.path, args, j.environment())
	return c.send(report{Error: fmt.Sprintf("execute %s: %v", filepath.Base(j.path), err)}, -1)
}

// jail is what the shim builds around itself.
type jail struct {
	order
	binary     *os.File
	path       string // of the binary, to execute
	folder     string // where the child makes sockets
	tmp        string
	sockets    int // descriptor of that folder
	capability Capability
}

// build goes from the outside in: what needs capabilities first, then the limits that cannot be undone.
func (j *jail) build() error {
	place := j.placeInside
	if j.Mode == modePlain {
		place = j.placePlain
	}
	if err := place(); err != nil {
		return err
	}
	if err := j.limit(); err != nil {
		return err
	}
	if err := dropPrivileges(j.Mode); err != nil {
		return err
	}
	j.capability.Dies = j.capability.Namespaces
	if j.Mode == modePlain {
		j.restrictFiles()
	}
	j.restrictSystemCalls()
	// Last, because a change of user clears it.
	return os.NewSyscallError("prctl(PR_SET_PDEATHSIG)", unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0))
}

func (j *jail) missing(format string, args ...any) {
	j.capability.Missing = append(j.capability.Missing, fmt.Sprintf(format, args...))
}

// copyBinary writes the program to path and makes sure that it is what was hashed.
func (j *jail) copyBinary(path string) error {
	if j.Probe {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o500)
	if err != nil {
		return err
	}
	h := newHash()
	n, err := io.Copy(io.MultiWriter(f, h), io.NewSectionReader(j.binary, 0, j.Size))
	// 0555: where clove is root the child is another user.
	err = errors.Join(err, f.Chmod(0o555), f.Close())
	if err != nil {
		return fmt.Errorf("copy %s: %w", j.Name, err)
	}
	if n != j.Size || h.text() != j.SHA256 {
		return fmt.Errorf("%s: %w", j.Name, ErrChanged)
	}
	return nil
}

func (j *jail) environment() []string {
	env := []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=" + j.tmp, "TMPDIR=" + j.tmp, socketFolderEnv + "=" + j.folder}
	if j.HostSocket != "" {
		env = append(env, api.HostEnv+"="+j.HostSocket, api.DataEnv+"="+j.DataSocket)
	}
	if j.Memory > 0 {
		// Go's collector works harder before the limit; other languages do not look.
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(j.Memory/10*9, 10))
	}
	for _, kv := range j.Env {
		if name, _, ok := strings.Cut(kv, "="); ok && name != socketFolderEnv {
			env = append(env, kv)
		}
	}
	return env
}

// openFolder opens a folder for Process.Dial.
func openFolder(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open "+path, err)
}
