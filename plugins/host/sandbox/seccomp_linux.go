package sandbox

import (
	"golang.org/x/sys/unix"
)

// deniedCalls give EPERM: ways to reach more of the kernel, other processes or other namespaces than a plugin has business with.
var deniedCalls = []uint32{
	unix.SYS_UNSHARE, unix.SYS_SETNS, // new namespaces come with new capabilities
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN,
	unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, // keyrings are shared by a user's processes
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SWAPON,
	unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_QUOTACTL,
}

// missingCalls give ENOSYS, so that libraries fall back: io_uring makes sockets past this filter, clone3 has its flags in memory
// where a filter cannot see them, and the others take memory that no limit counts.
var missingCalls = []uint32{
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3,
	unix.SYS_MEMFD_CREATE, unix.SYS_SHMGET, unix.SYS_MSGGET, unix.SYS_SEMGET,
}

const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
	unix.CLONE_NEWCGROUP

// Offsets in struct seccomp_data, on a little-endian machine.
const (
	dataNumber = 0
	dataArch   = 4
	dataArg0   = 16
	dataArg3   = 40
)

// restrictSystemCalls leaves unix sockets only. A network namespace has no interface that is up, but vsock, for one, knows no
// namespaces; and where there are no namespaces this is what keeps a plugin off the network.
func (j *jail) restrictSystemCalls() {
	if auditArch == 0 {
		j.missing("This processor has no filter for system calls here.")
		if !j.capability.Namespaces {
			j.missing("It can use the network.")
		}
		return
	}
	filter := socketFilter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, err := systemCall("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, pointer(&program)); err != nil {
		j.missing("The kernel takes no filter for system calls (%v).", err)
		if !j.capability.Namespaces {
			j.missing("It can use the network.")
		}
		return
	}
	j.capability.Sockets = true
}

func socketFilter() []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		above = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		bits  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		end   = unix.BPF_RET | unix.BPF_K
	)
	fail := func(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }
	// Each test jumps over the answer that follows it unless it holds.
	f := []unix.SockFilter{
		{Code: load, K: dataArch},
		{Code: equal, Jt: 1, K: auditArch},
		{Code: end, K: fail(unix.ENOSYS)}, // 32-bit calls have other numbers
		{Code: load, K: dataNumber},
	}
	if foreignCalls != 0 {
		f = append(f, unix.SockFilter{Code: above, Jf: 1, K: foreignCalls}, unix.SockFilter{Code: end, K: fail(unix.ENOSYS)})
	}
	for _, n := range deniedCalls {
		f = append(f, unix.SockFilter{Code: equal, Jf: 1, K: n}, unix.SockFilter{Code: end, K: fail(unix.EPERM)})
	}
	for _, n := range missingCalls {
		f = append(f, unix.SockFilter{Code: equal, Jf: 1, K: n}, unix.SockFilter{Code: end, K: fail(unix.ENOSYS)})
	}
	if mmapCall != 0 {
		// Shared anonymous memory is no data of the process: RLIMIT_DATA does not count it.
		f = append(f,
			unix.SockFilter{Code: equal, Jf: 5, K: mmapCall},
			unix.SockFilter{Code: load, K: dataArg3},
			unix.SockFilter{Code: bits, Jf: 2, K: unix.MAP_ANONYMOUS},
			unix.SockFilter{Code: bits, Jf: 1, K: unix.MAP_SHARED},
			unix.SockFilter{Code: end, K: fail(unix.ENOMEM)},
			unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW},
		)
	}
	return append(f,
		unix.SockFilter{Code: equal, Jf: 4, K: unix.SYS_CLONE},
		unix.SockFilter{Code: load, K: dataArg0},
		unix.SockFilter{Code: bits, Jf: 1, K: namespaceFlags},
		unix.SockFilter{Code: end, K: fail(unix.EPERM)},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: equal, Jt: 1, K: unix.SYS_SOCKET},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: load, K: dataArg0},
		unix.SockFilter{Code: equal, Jt: 1, K: unix.AF_UNIX},
		unix.SockFilter{Code: end, K: fail(unix.EAFNOSUPPORT)},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW},
	)
}
