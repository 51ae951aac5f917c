//go:build unix

package netdb

import (
	"os"
	"syscall"
)

// unlock gives up the lock of a file that is still mapped into memory: to close it would not.
func unlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
