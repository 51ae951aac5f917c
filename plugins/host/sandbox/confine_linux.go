package sandbox

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// limit sets what the kernel counts for each process.
func (j *jail) limit() error {
	limits := []struct {
		what  int
		value uint64
	}{
		{unix.RLIMIT_CORE, 0}, // a core file would hold what passes through
		{unix.RLIMIT_NOFILE, uint64(j.Files)},
		{unix.RLIMIT_MEMLOCK, 0},
		{unix.RLIMIT_MSGQUEUE, 0},
	}
	if j.Memory > 0 {
		// Not RLIMIT_AS: Go reserves address space that it does not use.
		limits = append(limits, struct {
			what  int
			value uint64
		}{unix.RLIMIT_DATA, uint64(j.Memory) + memorySlack})
	}
	if j.Mode != modePlain && kernelAtLeast(5, 14) {
		// Since 5.14 it counts what is in this user namespace; before, and without one, all that the user runs.
		limits = append(limits, struct {
			what  int
			value uint64
		}{unix.RLIMIT_NPROC, maxProcesses})
	}
	for _, l := range limits {
		// syscall's own, because it knows that Go raised RLIMIT_NOFILE at start, and would put it back at exec.
		err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.value, Max: l.value})
		if err != nil {
			return fmt.Errorf("limit %d to %d: %w", l.what, l.value, err)
		}
	}
	j.capability.Limits = true
	if j.Mode == modePlain {
		j.missing("The number of its processes is not limited.")
	}
	return nil
}

// dropPrivileges leaves no way back: no capabilities in any set, none from a file or from user 0, another user where clove is root.
func dropPrivileges(m mode) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_NO_NEW_PRIVS)", err)
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if m != modePlain {
		for c := uintptr(0); unix.Prctl(unix.PR_CAPBSET_READ, c, 0, 0, 0) == nil; c++ {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
				return os.NewSyscallError("prctl(PR_CAPBSET_DROP)", err)
			}
		}
		const noRoot = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<6 | 1<<7 // SECBIT_NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, each locked
		if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl(PR_SET_SECUREBITS)", err)
		}
	}
	if m == modeSplit {
		if err := becomeInner(); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return os.NewSyscallError("capset", err)
	}
	// The sandbox's folders belong to the child alone; a socket that it makes has to be open to clove, which may be another user.
	unix.Umask(0)
	return nil
}

// becomeInner changes the user of this thread only: the one that executes.
func becomeInner() error {
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
		return os.NewSyscallError("setgroups", e)
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, innerUser, innerUser, innerUser); e != 0 {
		return os.NewSyscallError("setresgid", e)
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, innerUser, innerUser, innerUser); e != 0 {
		return os.NewSyscallError("setresuid", e)
	}
	return nil
}

func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var x, y int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &x, &y); n != 2 {
		return false
	}
	return x > major || x == major && y >= minor
}

func systemCall(name string, number uintptr, a, b, c uintptr) (uintptr, error) {
	r, _, e := unix.Syscall(number, a, b, c)
	if e != 0 {
		return 0, os.NewSyscallError(name, e)
	}
	return r, nil
}

func pointer[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
