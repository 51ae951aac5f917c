//go:build linux

package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that runs in the namespace.
const insideEnv = "CLOVE_TESTNET_INSIDE"

// The addresses of the network, for benchmarks of devices (RFC 2544): i2pd refuses peers on addresses that it takes
// for reserved, and misses these. On loopback the whole prefix is local, so that each router takes an address of it.
var prefix = netip.MustParsePrefix("198.18.0.0/15")

// NetworkID of the networks; 2 is the public one.
const NetworkID = 78

// Host is the address of router i, from 0.
func Host(i byte) netip.Addr {
	a := prefix.Addr().As4()
	a[2], a[3] = 10+i, 1
	return netip.AddrFrom4(a)
}

// Inside reports whether this process is in a namespace made by Reexec.
func Inside() bool { return os.Getenv(insideEnv) != "" }

// Reexec runs this program again with the same arguments in a network namespace of its own, as root of a user
// namespace if it is not root already. It returns the exit code, or an error if there can be no namespace.
func Reexec() (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("netns: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	// The signal of the parent's death comes when its thread dies.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("netns: no network namespace: %w", err)
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("netns: %w", err)
	}
	if code = cmd.ProcessState.ExitCode(); code < 0 {
		code = 1 // a signal
	}
	return code, nil
}

// RaiseLoopback brings up lo with the addresses of the network. It is for the fresh namespace only.
func RaiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("netns: loopback: %w", err)
	}
	defer unix.Close(fd)
	mask := net.CIDRMask(prefix.Bits(), 32)
	for _, step := range []struct {
		device string
		set    func(*unix.Ifreq) error
		ioctl  uint
	}{
		{"lo", func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }, unix.SIOCSIFFLAGS},
		{"lo:1", func(r *unix.Ifreq) error { return r.SetInet4Addr(prefix.Addr().Next().AsSlice()) }, unix.SIOCSIFADDR},
		{"lo:1", func(r *unix.Ifreq) error { return r.SetInet4Addr(mask) }, unix.SIOCSIFNETMASK},
	} {
		r, err := unix.NewIfreq(step.device)
		if err == nil {
			err = step.set(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, step.ioctl, r)
		}
		if err != nil {
			return fmt.Errorf("netns: loopback: %w", err)
		}
	}
	return nil
}
