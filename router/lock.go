package router

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is a file in the data directory, locked while a router uses that. It is never removed.
const lockName = "router.lock"

// errLocked: another process has the lock.
var errLocked = errors.New("locked by another process")

// lockDir makes the data directory and keeps other routers out of it until unlock, before anything in it is read: two of them
// would write over each other's keys and ports. With no directory it does nothing.
func lockDir(dir string) (unlock func(), err error) { return lockDirBy(dir, tryLock) }

func lockDirBy(dir string, try func(*os.File) error) (unlock func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("router: make the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	if err := try(f); err != nil {
		f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("router: %s is in use by another process: stop it, or set another data_dir", dir)
		}
		return nil, fmt.Errorf("router: lock the data directory: %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}
