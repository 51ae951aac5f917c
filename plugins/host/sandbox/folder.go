package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// runtimePrefix begins the names of folders that RuntimeFolder makes.
const runtimePrefix = "clove-run-"

// lockName is in such a folder, and locked while its clove lives.
const lockName = "lock"

// RuntimeFolder makes a 0700 folder for the sockets of this clove: in XDG_RUNTIME_DIR if that is safe, else in the system's folder
// for temporary files. Its path is short, because that of a unix socket may have 107 bytes. release removes it. Folders that a clove
// has left that did not end by itself are removed on the way.
func RuntimeFolder() (folder string, release func(), err error) {
	var errs []error
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if parent == "" || !filepath.IsAbs(parent) {
			continue
		}
		folder, release, err := LockedFolder(parent, runtimePrefix)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err = CheckFolder(folder); err == nil && len(folder) > maxSocketPath-socketRoom {
			err = fmt.Errorf("%s: too long for unix sockets", folder)
		}
		if err == nil {
			return folder, release, nil
		}
		release()
		errs = append(errs, err)
	}
	return "", nil, fmt.Errorf("no folder for the sockets of plugins: set XDG_RUNTIME_DIR to a folder of yours with mode 0700: %w", errors.Join(errs...))
}

// LockedFolder makes a 0700 folder whose name begins with prefix, and removes those like it that were left by processes that
// did not end by themselves. release removes it.
func LockedFolder(parent, prefix string) (folder string, release func(), err error) {
	removeStale(parent, prefix)
	if folder, err = os.MkdirTemp(parent, prefix); err != nil {
		return "", nil, err
	}
	// It has its name when it is locked: before, nobody takes the folder for a stale one.
	young := filepath.Join(folder, "new")
	lock, err := lockFile(young, true)
	if err == nil {
		err = os.Rename(young, filepath.Join(folder, lockName))
	}
	release = func() {
		_ = os.RemoveAll(folder)
		if lock != nil {
			_ = lock.Close()
		}
	}
	if err != nil {
		release()
		return "", nil, err
	}
	return folder, release, nil
}

// removeStale removes folders of ours whose lock nobody holds.
func removeStale(parent, prefix string) {
	all, _ := filepath.Glob(filepath.Join(parent, prefix+"*"))
	for _, folder := range all {
		st, err := os.Lstat(folder)
		if err != nil || !st.IsDir() || !isOurs(st) {
			continue
		}
		// Without a lock file it is about to get one.
		if lock, err := lockFile(filepath.Join(folder, lockName), false); err == nil {
			_ = os.RemoveAll(folder)
			_ = lock.Close()
		}
	}
}
