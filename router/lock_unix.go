//go:build unix

package router

import (
	"os"
	"syscall"
)

// tryLock locks a file until it is closed, also by the end of the process. It fails if somebody else has the lock.
func tryLock(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}
