package gate

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxAncestors between a plugin's process and one that connects: the sandbox has two, a shell script a few more.
const maxAncestors = 32

// peerIs returns a check for connections of this process or a descendant of it, as the kernel knew them when they connected: where
// clove is root, the sandbox makes it another user. pid 0: of any process of our user.
func peerIs(pid int) peerCheck {
	return func(conn *net.UnixConn) error {
		raw, err := conn.SyscallConn()
		if err != nil {
			return err
		}
		var cred *unix.Ucred
		var credErr error
		if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
			return err
		}
		if credErr != nil {
			return credErr
		}
		if pid == 0 && cred.Uid != uint32(os.Getuid()) {
			return fmt.Errorf("gate: connection from user %d", cred.Uid)
		}
		if pid != 0 && !descends(int(cred.Pid), pid) {
			return fmt.Errorf("gate: connection from process %d, which is not of %d", cred.Pid, pid)
		}
		return nil
	}
}

// descends says whether child is of, or has it among its ancestors.
func descends(child, of int) bool {
	for range maxAncestors {
		if child == of {
			return true
		}
		if child <= 1 {
			return false
		}
		parent, err := parentOf(child)
		if err != nil {
			return false
		}
		child = parent
	}
	return false
}

func parentOf(pid int) (int, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// "pid (name) state ppid ...", and the name may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, fmt.Errorf("gate: /proc/%d/stat has no parent", pid)
	}
	return strconv.Atoi(string(fields[1]))
}
