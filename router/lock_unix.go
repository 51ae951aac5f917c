//go:build unix

package router

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file until it is closed, also by the end of the process. It fails with errLocked if somebody else has the lock.
func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		case !errors.Is(err, syscall.EINTR): // of NFS and FUSE, says nothing
			return os.NewSyscallError("flock", err)
		}
	}
}
