//go:build !unix

package sandbox

import (
	"errors"
	"os"
)

// lockFile only makes the file: there is no lock that ends with the process.
func lockFile(path string, create bool) (*os.File, error) {
	if !create {
		return nil, errors.ErrUnsupported
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

func isOurs(os.FileInfo) bool { return false }
