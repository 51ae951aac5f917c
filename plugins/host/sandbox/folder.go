package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
)

// RuntimeFolder makes a 0700 folder for the sockets of this clove: in XDG_RUNTIME_DIR if that is safe, else in the system's folder
// for temporary files. Its path is short, because that of a unix socket may have 107 bytes. The caller removes it.
func RuntimeFolder() (string, error) {
	var last error
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if parent == "" || !filepath.IsAbs(parent) {
			continue
		}
		folder, err := os.MkdirTemp(parent, "clove-")
		if err != nil {
			last = err
			continue
		}
		// What gate and go-plugin add: a folder of an instance and a socket in it.
		if err = CheckFolder(folder); err == nil && len(folder) > maxSocketPath-48 {
			err = fmt.Errorf("%s: too long for unix sockets", folder)
		}
		if err == nil {
			return folder, nil
		}
		_ = os.Remove(folder)
		last = err
	}
	return "", fmt.Errorf("no folder for the sockets of plugins: set XDG_RUNTIME_DIR to a folder of yours with mode 0700: %w", last)
}
