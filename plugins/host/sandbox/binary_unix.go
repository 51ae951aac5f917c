//go:build unix

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// openChecked opens a file that nobody but root and us can change or replace.
func openChecked(path string) (*os.File, error) {
	if err := CheckFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		target, _ := filepath.EvalSymlinks(path)
		return nil, fmt.Errorf("%s: %w: it is a symlink, which could be turned elsewhere; name the file itself: %s", path, ErrUnsafe, target)
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil {
		err = checkOwner(path, st)
	}
	if err == nil && st.Mode()&0o022 != 0 {
		err = fmt.Errorf("%s: %w: others than its owner can write it (mode %04o); chmod go-w %s", path, ErrUnsafe, st.Mode().Perm(), path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// CheckFolder refuses a folder in which somebody else could replace a file: itself writable by group or others, or below a folder
// where it could be renamed away. The error is ErrUnsafe with what to do.
func CheckFolder(folder string) error {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	for at := real; ; at = filepath.Dir(at) {
		st, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if err := checkOwner(at, st); err != nil {
			return err
		}
		// In a sticky folder such as /tmp only the owner of an entry can rename it.
		sticky := at != real && st.Mode()&os.ModeSticky != 0
		if st.Mode()&0o022 != 0 && !sticky {
			return fmt.Errorf("%s: %w: others than its owner can write the folder (mode %04o); chmod go-w %s", at, ErrUnsafe, st.Mode().Perm(), at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

func checkOwner(path string, st os.FileInfo) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || sys.Uid == 0 || int(sys.Uid) == os.Geteuid() {
		return nil
	}
	return fmt.Errorf("%s: %w: it belongs to user %d, neither root nor the user who runs clove; chown it, or copy it to DATA_DIR/plugins", path, ErrUnsafe, sys.Uid)
}
