package router

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// Some file systems have no locks: nobody is to look for another process then.
func TestLockThatFailsIsNotAnotherProcess(t *testing.T) {
	none := errors.New("no locks available")
	for _, c := range []struct {
		is     error
		inUse  bool
		unwrap error
	}{{errLocked, true, nil}, {os.NewSyscallError("flock", none), false, none}} {
		_, err := lockDirBy(t.TempDir(), func(*os.File) error { return c.is })
		if err == nil || strings.Contains(err.Error(), "in use") != c.inUse || c.unwrap != nil && !errors.Is(err, c.unwrap) {
			t.Errorf("%v: %v", c.is, err)
		}
	}
	f, err := os.Create(t.TempDir() + "/closed")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := tryLock(f); err == nil || errors.Is(err, errLocked) {
		t.Errorf("a lock of nothing: %v", err)
	}
}
